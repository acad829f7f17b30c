"""Once a day a letter to the Admins of a partner whose systems could not be told."""

from django.core.mail import send_mail
from django.template.loader import render_to_string

from accounts.models import Membership, Partner, Rank
from verifications.models import WebhookDelivery, WebhookEndpoint


def tell_admins() -> int:
    """Gives the number of letters. They hold numbers and names of endpoints, nothing else."""
    return sum(_tell(partner) for partner in Partner.objects.filter(is_active=True))


def _tell(partner: Partner) -> int:
    troubled = WebhookDelivery.objects.in_trouble().filter(partner=partner).count()
    switched_off = WebhookEndpoint.objects.filter(
        partner=partner, is_active=False, removed_at=None
    ).exclude(switched_off_why="")
    if not troubled and not switched_off:
        return 0
    admins = Membership.objects.active().filter(partner=partner, role__rank=Rank.ADMIN)
    context = {"partner": partner, "troubled": troubled, "switched_off": switched_off}
    return send_mail(
        subject=f"{partner.name}: webhooks do not arrive",
        message=render_to_string("verifications/trouble_mail.txt", context),
        from_email=None,
        recipient_list=list(admins.values_list("user__email", flat=True)),
        fail_silently=False,
    )
