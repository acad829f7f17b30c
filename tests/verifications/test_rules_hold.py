"""Whatever sequence of callbacks and decisions: the end is what the rules give, and all is told.

The rules stand here a second time, in a few lines, and run beside the program.
"""

from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEntry, Partner, User
from tests import factories
from tests.verifications.test_decisions import decide, undo
from verifications import beside, timeline
from verifications.callbacks import intake
from verifications.models import Decision, ProviderCallback, Verification
from verifications.statuses import Action

Order = tuple[bool, int, int]
MAY = {"approve": ("DENIED", "SUSPECTED"), "deny": ("APPROVED", "SUSPECTED")}
LEADS = {"approve": "APPROVED", "deny": "DENIED"}
UNKNOWN = "MADE_UP"


@dataclass
class Rules:
    """Where a verification must stand; SUSPECTED is short for approved and suspected."""

    stands: str | None = None
    applied: Order = (False, 0, 0)
    former: list[str] = field(default_factory=list)
    kept: list[tuple[Order, str]] = field(default_factory=list)
    revision: int = 0

    def hear(self, order: Order, word: str) -> None:
        if self.stands is None:
            self.stands, self.applied = "REVIEWING" if word == UNKNOWN else word, order
            self.revision = 1
        elif word == UNKNOWN or order < self.applied:
            return
        elif self.former:
            self.kept.append((order, word))
        else:
            self.stands, self.applied = word, order
            self.revision += 1

    def decide(self, action: str) -> bool:
        if self.stands not in MAY[action]:
            return False
        self.former.append(self.stands)
        self.stands = LEADS[action]
        self.revision += 1
        return True

    def undo(self) -> None:
        self.stands = self.former.pop()
        self.revision += 1
        if not self.former and self.kept:
            order, word = max(self.kept)
            self.kept.remove((order, word))
            self.hear(order, word)


CALLBACK = st.tuples(
    st.integers(1, 6),
    st.sampled_from(["APPROVED", "DENIED", "SUSPECTED", "REVIEWING", UNKNOWN]),
    st.booleans(),
)
STEPS = st.lists(
    st.one_of(CALLBACK, st.sampled_from(["approve", "deny", "undo"])), min_size=1, max_size=9
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_the_end_is_what_the_rules_give(northbank: Partner, ada: User, steps: list) -> None:
    scan_ref = f"p-{ProviderCallback.objects.count()}-{Verification.objects.count()}"
    rules, made = Rules(), list[Decision]()
    for step in steps:
        it = Verification.objects.filter(scan_ref=scan_ref).first()
        if isinstance(step, tuple):
            _hear(northbank, rules, scan_ref, *step)
        elif it and step == "undo":
            if made:
                undo(ada, it, made.pop())
                rules.undo()
        elif it and rules.decide(step):
            codes = ["UNDER_AGE"] if step == "deny" else []
            made.append(decide(ada, it, Action(step), *codes))
    _compare(rules, scan_ref)


def _hear(
    partner: Partner, rules: Rules, scan_ref: str, number: int, word: str, final: bool
) -> None:
    event, raw = factories.sample(
        "07",
        scanRef=scan_ref,
        finishTime=1_800_000_000 + number,
        final=final,
        status={"overall": word},
    )
    receipt = intake.receive(partner, event, raw)
    if not receipt.is_repeated:
        rules.hear((final, number, receipt.callback.pk), word)


def _compare(rules: Rules, scan_ref: str) -> None:
    it = Verification.objects.filter(scan_ref=scan_ref).first()
    if it is None:
        assert rules.stands is None
        return
    assert ("SUSPECTED" if it.suspected else it.status) == rules.stands
    assert it.revision == rules.revision
    entries = AuditEntry.objects.filter(stream=it.audit_stream)
    assert entries.count() == it.revision
    told = timeline.build(it, beside.decisions.of(it), beside.reasons.of(it), [], [], [])
    assert len(told) == it.callbacks.count() + it.decisions.count()
