"""The rows beyond those that were drawn: copies of them, made inside PostgreSQL.

What is drawn stands at every n-th number; its copies take the numbers between, each of them from
another place of its stretch of time, so that neighbours are strangers. Keys, references, hashes
and moments are a copy's own, chains and index of names are as the program would have kept them.

Of what a page opens a copy has as little as a drawn row that is not shown: no body, picture or
note. Beyond that its data key and the texts of its decision are those of another row and do not
open, its digest and its number's hash are of nothing, and no delivery of it waits.
"""

from bisect import bisect_left, bisect_right

from django.db.models import DateTimeField, Field, Model, UUIDField
from django.db.models.fields import AutoFieldMixin

from accounts.models import AuditEntry, AuditHead
from tests.bench import bulk
from tests.bench.drawing import LATELY, LONG_AGO, Drawing
from verifications import models
from verifications.models import Verification

# These have the number of their verification.
NUMBERED = [Verification, models.ProviderCallback, models.DataKey]
# These are told of it by its number.
BESIDE = [
    models.Tag,
    models.NameUse,
    models.Decision,
    models.DecisionReason,
    models.WebhookDelivery,
]
# And these by something that is.
BEHIND = {
    models.DecisionText: "JOIN verifications_decision of ON of.id = it.decision_id",
    models.WebhookAttempt: "JOIN verifications_webhookdelivery of ON of.id = it.delivery_id",
}
# Of what waits to be sent there is no copy.
UNIQUE = {
    models.WebhookDelivery: "it.state = 'waiting'",
    models.WebhookAttempt: "of.state = 'waiting'",
}
COPIED: list[type[Model]] = [*NUMBERED, *BESIDE, *BEHIND]
STAMPED = ("scan_ref", "owner", "digest", "number_hash")
SCAN_REF = "substr(it.subject, length('verification:') + 1)"


def make(drawing: Drawing) -> None:
    """In place of what was drawn stands all of it, in the order of its numbers."""
    _plan(drawing)
    copied = [*COPIED, AuditEntry]
    for model in copied:
        _take(model)
    emptied = ", ".join(model._meta.db_table for model in [*copied, AuditHead])
    # Others refer to these, but are empty.
    bulk.run(f"TRUNCATE {emptied} CASCADE")
    for model in COPIED:
        _put(model)
    _put_chains()


def _plan(drawing: Drawing) -> None:
    """For each number: what was drawn for it, the how manieth copy it is, and how much later."""
    places, every = range(drawing.places), drawing.every
    early = bisect_left(places, LONG_AGO, key=drawing.age)
    late = bisect_right(places, LATELY, key=drawing.age)
    ends = sorted({0, early, late, drawing.places})
    stretches = ", ".join(str(pair) for pair in zip(ends, ends[1:], strict=False))
    step = int(drawing.gap.total_seconds())
    bulk.run(
        f"""
        CREATE TEMP TABLE planned AS
        SELECT number, copy, drawn, make_interval(secs => (number - drawn) * {step}) AS later
        FROM (
            SELECT number, copy, {every} * (
                first + (place - first + (past - first) * (copy - 1) / {every}) % (past - first)
            ) + 1 AS drawn
            FROM (
                SELECT number, (number - 1) / {every} AS place, (number - 1) % {every} + 1 AS copy
                FROM generate_series(1, {drawing.rows}::bigint) number
            ) numbered
            JOIN (VALUES {stretches}) stretch (first, past) ON place >= first AND place < past
        ) placed
        """
    )
    bulk.run("ANALYZE planned")


def _take(model: type[Model]) -> None:
    bulk.run(
        f"CREATE TEMP TABLE {_taken(model)} AS"
        f" SELECT it.*, {_drawn(model)} AS drawn, {UNIQUE.get(model, 'false')} AS is_unique"
        f" FROM {model._meta.db_table} it {BEHIND.get(model, '')}"
    )
    bulk.run(f"ANALYZE {_taken(model)}")


def _drawn(model: type[Model]) -> str:
    """The number of the verification that was drawn."""
    if model is AuditEntry:
        return "substr(it.stream, length('v/') + 1)::bigint"
    if model in NUMBERED:
        return "it.id"
    return "of.verification_id" if model in BEHIND else "it.verification_id"


def _taken(model: type[Model]) -> str:
    return f"taken_{model._meta.model_name}"


def _put(model: type[Model]) -> None:
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    bulk.run(
        f"INSERT INTO {model._meta.db_table} ({', '.join(field.column for field in fields)})"
        f" SELECT {', '.join(_value(field) for field in fields)}"
        f" FROM planned plan JOIN {_taken(model)} it ON it.drawn = plan.drawn"
        " WHERE plan.copy = 1 OR NOT it.is_unique"
    )


def _value(field: Field) -> str:
    column = f"it.{field.column}"
    key = field.target_field if field.is_relation else field
    if key.primary_key and key.model in NUMBERED:
        return "plan.number"
    if isinstance(key, UUIDField):
        return f"{_stamped(f'{column}::text')}::uuid"
    if isinstance(field, DateTimeField):
        return f"{column} + plan.later"
    if isinstance(field, AutoFieldMixin):
        return "row_number() OVER ()"
    if field.column in STAMPED:
        return _stamped(column)
    if field.column == "client_id":
        # Who comes back in what was drawn comes back in each copy.
        return f"'client-' || substr({column}, length('client-') + 1)::bigint + plan.copy - 1"
    if field.column == "external_ref":
        return f"CASE {column} WHEN '' THEN '' ELSE 'order-' || lpad(plan.number::text, 8, '0') END"
    return column


def _stamped(text: str) -> str:
    """Ends with the number, but where it was drawn or is empty."""
    stamped = f"left({text}, -12) || lpad(plan.number::text, 12, '0')"
    return f"CASE WHEN plan.copy = 1 OR {text} = '' THEN {text} ELSE {stamped} END"


def _put_chains() -> None:
    """Received, then decided: that names the digest of the former, and its decision."""
    own = [
        ("'\"v/' || plan.drawn || '\"'", "'\"v/' || plan.number || '\"'"),
        (SCAN_REF, _stamped(SCAN_REF)),
        (_written("it.at"), _written("it.at + plan.later")),
    ]
    decision = "(it.body::jsonb #>> '{facts,decision}')"
    _put_entries(1, f"'{'0' * 64}'", "", own)
    bulk.run("ANALYZE accounts_auditentry")
    former = "JOIN accounts_auditentry former ON former.stream = 'v/' || plan.number"
    own += [("it.prev", "former.digest"), (decision, _stamped(decision))]
    _put_entries(2, "former.digest", former, own)
    bulk.run(
        "INSERT INTO accounts_audithead (stream, seq, digest) SELECT DISTINCT ON (stream)"
        " stream, seq, digest FROM accounts_auditentry ORDER BY stream, seq DESC"
    )


def _written(moment: str) -> str:
    return f"""to_char(({moment}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""


def _put_entries(seq: int, prev: str, join: str, told: list[tuple[str, str]]) -> None:
    body = "it.body"
    for old, new in told:
        body = f"replace({body}, {old}, {new})"
    digest = r"sha256('idv-audit-1\000'::bytea || convert_to(body, 'UTF8'))"
    bulk.run(
        f"""
        INSERT INTO accounts_auditentry
            (id, stream, seq, prev, kind, at, actor, partner, subject, body, digest)
        SELECT *, encode({digest}, 'hex') FROM (
            SELECT (SELECT count(*) FROM accounts_auditentry) + row_number() OVER (),
                'v/' || plan.number, {seq}, {prev}, it.kind, it.at + plan.later,
                it.actor, it.partner, 'verification:' || {_stamped(SCAN_REF)}, {body} AS body
            FROM planned plan JOIN {_taken(AuditEntry)} it ON it.drawn = plan.drawn {join}
            WHERE it.seq = {seq}
        ) entry
        """
    )
