"""Once a day a letter to the Admins of a partner whose systems could not be told."""

from accounts import letters
from accounts.models import Partner
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
    context = {"troubled": troubled, "switched_off": switched_off}
    template = "verifications/trouble_mail.txt"
    return letters.to_admins(partner, "webhooks do not arrive", template, context)
