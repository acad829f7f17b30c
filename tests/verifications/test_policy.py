"""The gate, every case of it. The tables are written out, so that a change of policy is a diff."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from accounts.models import Membership, Partner, Plan, PricingModel, Role, User
from verifications import policy
from verifications.models import Decision, Verification
from verifications.statuses import ARROWS, Action, Standing, Status

OK = ""
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ROLE, FLAG_A, FLAG_D = "role_is_admin", "partner_may_approve", "partner_may_deny"
PRICE, STATUS = "pricing_permits_denial", "status_permits"

# role rank, may_approve, may_deny, pays per completed → first objection to approve, to deny,
# where the status permits both. The plan never matters.
PEOPLE = """
    10  on   on   completed   role_is_admin        role_is_admin
    10  on   on   approved    role_is_admin        role_is_admin
    10  on   off  completed   role_is_admin        role_is_admin
    10  on   off  approved    role_is_admin        role_is_admin
    10  off  on   completed   role_is_admin        role_is_admin
    10  off  on   approved    role_is_admin        role_is_admin
    10  off  off  completed   role_is_admin        role_is_admin
    10  off  off  approved    role_is_admin        role_is_admin
    20  on   on   completed   role_is_admin        role_is_admin
    20  on   on   approved    role_is_admin        role_is_admin
    20  on   off  completed   role_is_admin        role_is_admin
    20  on   off  approved    role_is_admin        role_is_admin
    20  off  on   completed   role_is_admin        role_is_admin
    20  off  on   approved    role_is_admin        role_is_admin
    20  off  off  completed   role_is_admin        role_is_admin
    20  off  off  approved    role_is_admin        role_is_admin
    30  on   on   completed   role_is_admin        role_is_admin
    30  on   on   approved    role_is_admin        role_is_admin
    30  on   off  completed   role_is_admin        role_is_admin
    30  on   off  approved    role_is_admin        role_is_admin
    30  off  on   completed   role_is_admin        role_is_admin
    30  off  on   approved    role_is_admin        role_is_admin
    30  off  off  completed   role_is_admin        role_is_admin
    30  off  off  approved    role_is_admin        role_is_admin
    39  on   on   completed   role_is_admin        role_is_admin
    40  on   on   completed   -                    -
    40  on   on   approved    -                    pricing_permits_denial
    40  on   off  completed   -                    partner_may_deny
    40  on   off  approved    -                    partner_may_deny
    40  off  on   completed   partner_may_approve  -
    40  off  on   approved    partner_may_approve  pricing_permits_denial
    40  off  off  completed   partner_may_approve  partner_may_deny
    40  off  off  approved    partner_may_approve  partner_may_deny
"""

# status, suspected → may be approved, may be denied, may lose a mismatch tag, may be disposed of.
STANDINGS = """
    ACTIVE           no   -    -    -    -
    ACTIVE           yes  -    -    -    -
    REVIEWING        no   -    -    -    -
    REVIEWING        yes  -    -    -    -
    APPROVED         no   -    yes  yes  yes
    APPROVED         yes  yes  yes  yes  yes
    DENIED           no   yes  -    yes  yes
    DENIED           yes  yes  -    yes  yes
    EXPIRED          no   -    -    -    yes
    EXPIRED          yes  -    -    -    yes
    EXPIRED-DELETED  no   -    -    -    yes
    EXPIRED-DELETED  yes  -    -    -    yes
    DELETED          no   -    -    -    yes
    DELETED          yes  -    -    -    yes
    ARCHIVED         no   -    -    -    yes
    ARCHIVED         yes  -    -    -    yes
"""

# Where an allowed action leads.
LEADS = {
    ("DENIED", False, "approve"): ("APPROVED", False),
    ("DENIED", True, "approve"): ("APPROVED", False),
    ("APPROVED", True, "approve"): ("APPROVED", False),
    ("APPROVED", False, "deny"): ("DENIED", False),
    ("APPROVED", True, "deny"): ("DENIED", False),
}


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


def someone(rank: int, approve: str, deny: str, pricing: str, plan: Plan) -> Membership:
    model = {
        "completed": PricingModel.CHARGE_PER_COMPLETED,
        "approved": PricingModel.CHARGE_PER_APPROVED,
    }[pricing]
    partner = Partner(
        pk=1,
        name="Northbank",
        plan=plan,
        pricing_model=model,
        may_approve=approve == "on",
        may_deny=deny == "on",
    )
    role = Role(name=f"Rank {rank}", rank=rank)
    return Membership(user=User(name="Ada Lind"), partner=partner, role=role)


def verification(
    status: str, suspected: bool, partner: int = 1, loose: Iterable[str] = ()
) -> Verification:
    """Unsaved, with the loose ends that keep it from being disposed of."""
    it = Verification(scan_ref="s-1", status=Status(status), suspected=suspected)
    it.partner = Partner(pk=partner, name="Northbank")
    it.now, soon = NOON, NOON + timedelta(seconds=7)
    it.held_since = NOON if "held" in loose else None
    it.telling_until = soon if "telling" in loose else None
    if "undoable" in loose:
        it.decision = Decision(undoable_until=soon)
    return it


@pytest.mark.parametrize("plan", Plan.values)
@pytest.mark.parametrize(
    ("person", "standing"),
    list(product(rows(PEOPLE), rows(STANDINGS))),
    ids=lambda row: "-".join(row),
)
def test_every_case_of_the_gate(person: list[str], standing: list[str], plan: str) -> None:
    rank, approve, deny, pricing, *objections = person
    status, suspected, *permits = standing
    ada = someone(int(rank), approve, deny, pricing, Plan(plan))
    it = verification(status, suspected == "yes")
    expected = {
        action: (objection if objection != "-" else OK if permit == "yes" else STATUS)
        for action, objection, permit in zip(
            (Action.APPROVE, Action.DENY, Action.REMOVE_TAG, Action.DISPOSE),
            (objections[0], objections[1], objections[0], ROLE if int(rank) < 40 else "-"),
            permits,
            strict=True,
        )
    }
    for action, rule in expected.items():
        check = policy.objection(ada, action, it)
        assert (check.rule if check else OK) == rule, action


def test_arrows_lead_where_they_are_written() -> None:
    found = {
        (at.status.value, at.suspected, action.value): (to.status.value, to.suspected)
        for (at, action), to in ARROWS.items()
    }
    assert found == LEADS


@pytest.mark.parametrize("action", Action)
def test_nobody_acts_for_another_partner(action: Action) -> None:
    ada = someone(40, "on", "on", "completed", Plan.PREMIUM)
    check = policy.objection(ada, action, verification("APPROVED", True, partner=2))
    assert check
    assert check.rule == "membership_is_active"


@pytest.mark.parametrize("what", ["user", "partner", "membership"])
def test_who_is_switched_off_does_nothing(what: str) -> None:
    ada = someone(40, "on", "on", "completed", Plan.PREMIUM)
    {"user": ada.user, "partner": ada.partner, "membership": ada}[what].is_active = False
    check = policy.objection(ada, Action.APPROVE, verification("DENIED", False))
    assert check
    assert check.rule == "membership_is_active"


# What is open about it → the first objection to its disposal, by a person and by the system.
LOOSE_ENDS = """
    -                      -
    held                   no_hold_stands
    undoable               decision_is_settled
    telling                partner_is_told
    held,undoable,telling  no_hold_stands
    undoable,telling       decision_is_settled
    held,telling           no_hold_stands
"""


@pytest.mark.parametrize(("loose", "rule"), rows(LOOSE_ENDS))
def test_loose_ends_keep_from_disposal_whoever_asks(loose: str, rule: str) -> None:
    ada = someone(40, "off", "off", "approved", Plan.BASIC)
    it = verification("APPROVED", False, loose=loose.split(","))
    for check in (
        policy.objection(ada, Action.DISPOSE, it),
        policy.system_objection(it, policy.LOOSE_ENDS),
    ):
        assert (check.rule if check else "-") == rule


@pytest.mark.parametrize("rank", [10, 20, 30, 39, 40])
def test_only_admins_place_and_release_holds(rank: int) -> None:
    person = someone(rank, "off", "off", "approved", Plan.BASIC)
    check = policy.objection(person, Action.HOLD, verification("REVIEWING", False))
    assert (check.rule if check else OK) == (OK if rank == 40 else ROLE)


def test_an_objection_to_disposal_says_how_long_to_wait() -> None:
    it = verification("APPROVED", False, loose=["telling"])
    check = policy.system_objection(it, policy.LOOSE_ENDS)
    assert check
    assert check.sentence == (
        "Northbank is still being told of it: wait until 20 Nov 2026, 12:00:07 UTC."
    )


@pytest.mark.parametrize("action", Action)
def test_every_rule_answers_whatever_failed_before(action: Action) -> None:
    vera = someone(10, "off", "off", "approved", Plan.BASIC)
    loose = ("held", "undoable", "telling") if action == Action.DISPOSE else ()
    checks = policy.explain(vera, action, verification("REVIEWING", False, 2, loose))
    assert [check.rule for check in checks] == [rule.__name__ for rule in policy.RULES[action]]
    assert all(check.fact and check.changed_by and check.sentence for check in checks)
    assert not any(check.passed for check in checks)


def test_undo_asks_no_price_and_no_flag() -> None:
    ada = someone(40, "off", "off", "approved", Plan.BASIC)
    it = verification("DENIED", False)
    it.decision_id = "0" * 32
    assert policy.objection(ada, Action.UNDO, it) is None


def test_undo_needs_a_decision() -> None:
    ada = someone(40, "on", "on", "completed", Plan.PREMIUM)
    check = policy.objection(ada, Action.UNDO, verification("DENIED", False))
    assert check
    assert check.rule == STATUS


def test_a_code_for_support_names_no_applicant() -> None:
    vera = someone(10, "on", "on", "completed", Plan.BASIC)
    it = verification("APPROVED", False)
    it.name = "Alma Veske"
    check = policy.objection(vera, Action.DENY, it)
    assert check
    assert policy.support_code(check, Action.DENY, it) == "deny/role_is_admin/s-1/r1"


def test_a_standing_prints_as_people_say_it() -> None:
    assert str(Standing(Status.APPROVED, True)) == "Approved, suspected"
