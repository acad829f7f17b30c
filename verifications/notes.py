"""Notes that staff write for each other."""

import uuid

from django.db import transaction

from accounts import audit
from accounts.models import Kind, Membership
from verifications import lifecycle, policy, vault
from verifications.models import Note, Verification


class OtherText(Exception):
    """This request was sent before with another text: neither is thrown away."""


@transaction.atomic
def write(
    membership: Membership, verification: Verification, *, text: str, request_key: uuid.UUID
) -> Note:
    """The same request twice writes one note. Raises OtherText or lifecycle.Gone: of who may not
    write any, or no longer.
    """
    membership, verification = lifecycle.locked(membership, verification.scan_ref)
    if not policy.may_note(membership):
        raise lifecycle.Gone
    fresh = Note(verification=verification, request_key=request_key)
    note, is_new = Note.objects.get_or_create(
        verification=verification,
        request_key=request_key,
        defaults={"author": membership.user, "sealed": vault.sealed(fresh, text.encode())},
    )
    if not is_new and not _is_same(note, membership, text):
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


def _is_same(note: Note, membership: Membership, text: str) -> bool:
    try:
        return note.author_id == membership.user_id and vault.opened(note) == text.encode()
    except vault.DoesNotOpen:
        return False
