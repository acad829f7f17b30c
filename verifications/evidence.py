"""What of an applicant is shown, and that it was: pictures, bodies, and the entry of each look."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.files.storage import storages
from django.utils import timezone

from accounts import audit, budgets
from accounts.models import AuditEntry, Kind, User
from verifications import vault, watermark
from verifications.callbacks import provider
from verifications.dossier import groups, masking
from verifications.models import Photo, PhotoState, Verification

LABELS = {"FRONT": "Document front", "BACK": "Document back", "FACE": "Selfie"}
TURNS = {"0": 0, "90": 90, "180": 180, "270": 270}

# How long the entry of a page also stands for the pictures that it loads.
ONE_LOOK = timedelta(hours=1)

Turns = Mapping[str, int]


class BadTurn(ValueError):
    """Not a picture of this verification, or not a quarter turn."""


class NoSuchPicture(ValueError):
    """This verification has no picture by that name."""


@dataclass(frozen=True)
class Shot:
    """`turn_query` turns this picture by a quarter and leaves the others as they are.

    `link` is of one that opens nothing, as text: a usable link opens the file to anybody.
    """

    photo: Photo
    label: str
    turn: int
    turn_query: str
    link: str = ""

    @property
    def is_stored(self) -> bool:
        return self.photo.state == PhotoState.STORED

    @property
    def is_unusable(self) -> bool:
        return self.photo.state == PhotoState.UNUSABLE

    @property
    def is_selfie(self) -> bool:
        return self.photo.kind == "FACE"


def read_turns(texts: Iterable[str]) -> Turns:
    """FRONT:90 → {"FRONT": 90}. Raises BadTurn."""
    turns = {}
    for text in texts:
        kind, _, angle = text.rpartition(":")
        if not kind or angle not in TURNS:
            raise BadTurn(text)
        turns[kind] = TURNS[angle]
    return turns


def shots(photos: Iterable[Photo], turns: Turns) -> list[Shot]:
    """Raises BadTurn for a picture that is not there."""
    found = {photo.kind: photo for photo in photos}
    if turns.keys() - found.keys():
        raise BadTurn
    return [_shot(photo, turns) for photo in sorted(found.values(), key=_place)]


def _place(photo: Photo) -> tuple[bool, int]:
    kinds = list(LABELS)
    known = photo.kind in LABELS
    return not known, kinds.index(photo.kind) if known else photo.pk


def _shot(photo: Photo, turns: Turns) -> Shot:
    turn = turns.get(photo.kind, 0)
    wanted = {**turns, photo.kind: (turn + 90) % 360}
    label = LABELS.get(photo.kind) or groups.spaced(photo.kind)
    return Shot(photo, label, turn, turn_query(wanted), _link(photo))


def turn_query(turns: Turns) -> str:
    """What `read_turns` reads."""
    return urlencode([("turn", f"{kind}:{angle}") for kind, angle in turns.items() if angle])


def _link(photo: Photo) -> str:
    if photo.state != PhotoState.UNUSABLE:
        return ""
    try:
        link = vault.opened(photo, "sealed_source").decode()
    except vault.DoesNotOpen:
        return ""
    return "" if provider.is_usable_link(link) else link


def picture(photo: Photo) -> bytes | None:
    """Our stored copy; None where there is none, or none that opens."""
    storage = storages["photos"]
    try:
        with storage.open(photo.file_name) as file:
            return vault.opened(photo, "file", content=file.read())
    except (FileNotFoundError, vault.DoesNotOpen):
        return None


def masked(value: Any, mask: masking.Mask, key: str = "", *, by_parent: bool = False) -> Any:
    """The same body, with a word in the place of what is hidden until somebody asks."""
    inside = by_parent or bool(masking.KEYS.search(key))
    if isinstance(value, dict):
        return {name: masked(one, mask, name, by_parent=inside) for name, one in value.items()}
    if isinstance(value, list):
        return [masked(one, mask, key, by_parent=inside) for one in value]
    if value is None or isinstance(value, bool):
        return value
    # A link that came in opens its file to whoever has it.
    is_link = not mask.is_lifted and provider.is_usable_link(str(value))
    is_hidden = is_link or mask.hides(key, str(value), by_parent=by_parent)
    return masking.HIDDEN if is_hidden else value


def record_look(
    actor: User,
    verification: Verification,
    kinds: Iterable[str],
    *,
    is_revealed: bool = False,
) -> AuditEntry:
    """Before anything is shown: where this cannot be written, nothing is shown.

    Raises budgets.Reached for a person who looks at too much.
    """
    return budgets.spend(
        Kind.VIEWED,
        actor=actor,
        partner=verification.partner,
        subject=verification.audit_subject,
        stream=f"w/{actor.pk}",
        photos=sorted(kinds),
        revealed=is_revealed,
        revision=verification.revision,
    )


def record_report(actor: User, verification: Verification) -> AuditEntry:
    """Before the file goes out, out of the budget of looks and one of its own."""
    return budgets.spend(
        Kind.REPORT_TAKEN,
        actor=actor,
        partner=verification.partner,
        subject=verification.audit_subject,
        stream=f"w/{actor.pk}",
        revision=verification.revision,
    )


def record_no_report(actor: User, verification: Verification, entry: AuditEntry) -> None:
    """The entry of one that did not go out after all is not the last word of it."""
    audit.record(
        Kind.REPORT_FAILED,
        actor=actor,
        partner=verification.partner,
        subject=verification.audit_subject,
        stream=entry.stream,
        entry=entry.pk,
    )


def record_page(actor: User, verification: Verification, *, is_revealed: bool) -> None:
    """A page that shows its data once more stands in the entry of the look before, if there is one;
    what was hidden there does not.
    """
    if is_revealed or _newest_look(actor, verification) is None:
        record_look(actor, verification, [], is_revealed=is_revealed)


def record_fetch(actor: User, photo: Photo, verification: Verification) -> AuditEntry:
    """A picture that comes with its page stands in the page's entry; any other gets its own."""
    newest = _newest_look(actor, verification)
    if newest is None or photo.kind not in newest.facts["photos"]:
        return record_look(actor, verification, [photo.kind])
    return newest


def _newest_look(actor: User, verification: Verification) -> AuditEntry | None:
    looks = AuditEntry.objects.filter(
        subject=verification.audit_subject,
        partner=verification.partner_id,
        actor=actor.pk,
        kind=Kind.VIEWED,
        at__gt=timezone.now() - ONE_LOOK,
    )
    return looks.order_by("-at", "-id").first()


def mark(actor: User, look: AuditEntry) -> str:
    """What is written across a picture: who, when, and the letters that lead back to the look."""
    at = look.at.astimezone(UTC)
    return f"{actor.email} {at:%Y-%m-%d %H:%M} UTC {watermark.code_of(look.pk)}"
