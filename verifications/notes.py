"""Notes that staff write for each other."""

import uuid

from django.db import transaction

from accounts import audit
from accounts.models import Kind, Membership
from verifications.models import Note, Verification


class OtherText(Exception):
    """This request was sent before with another text: neither is thrown away."""


@transaction.atomic
def write(
    membership: Membership, verification: Verification, *, text: str, request_key: uuid.UUID
) -> Note:
    """The same request twice writes one note. Raises OtherText."""
    note, is_new = Note.objects.get_or_create(
        verification=verification,
        request_key=request_key,
        defaults={"author": membership.user, "text": text},
    )
    if not is_new and (note.text != text or note.author_id != membership.user_id):
        raise OtherText
    if is_new:
        audit.record(
            Kind.NOTED,
            actor=membership.user,
            partner=verification.partner,
            subject=verification.audit_subject,
            stream=verification.audit_stream,
            note=note.pk,
        )
    return note
