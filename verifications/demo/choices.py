"""What staff of the demo decided: whom, how, and in which words."""

from collections.abc import Iterator
from typing import NamedTuple

from verifications.demo.bodies import Attempt
from verifications.demo.history import OPEN_SUSPICIONS, SAMPLES
from verifications.statuses import Action

ASK_AGAIN = "Your photos could not be read. Please start again, by daylight and without a flash."
WRONG_PAPER = "We need another document. Please start again with a valid passport or identity card."
SORRY = "We cannot open an account for you. You may ask us why, at any of our branches."
# What settles a suspicion by denial, for each sample that raises one.
SUSPICIONS = {
    "07": (["DOC_INFO_MISMATCH"], WRONG_PAPER),
    "08": (["UNDER_AGE"], "You have to be 18. You are welcome to come back then."),
    "09": (["DUPLICATE_FACE", "DUPLICATE_PERSONAL_DATA"], SORRY),
    "10": (["AML_SUSPECTION", "SANCTIONS_SUSPECTION"], SORRY),
    "11": (["LID_SUSPECTION", "DOC_EXPIRED"], WRONG_PAPER),
    "12": (["FAKE_FACE"], ASK_AGAIN),
    "19": (["ADDRESS_UNVERIFIED"], "Please send us a bill with your present address."),
    "23": (["OTHER"], SORRY),
}
DOUBTS = [
    (["DOC_NOT_FULLY_VISIBLE"], ASK_AGAIN, "A corner is cut off on the front."),
    (["DOC_GLARED", "DOC_TOO_BLURRY"], ASK_AGAIN, ""),
    (["FACE_UNCERTAIN"], ASK_AGAIN, "Compared side by side: I would not swear to it."),
    (["INTERNAL_POLICY"], SORRY, "Second account of this household this month."),
    (["OTHER"], SORRY, "Asked by phone; the answers did not fit the questionnaire."),
]
# Which of them, in turn: some doubts are more usual than others.
TURNS = (0, 1, 0, 2, 0, 1, 3, 0, 1, 4, 2)
CLEARED = [
    "Compared side by side: the same person.",
    "Called back on the number we know. All answers fit.",
    "",
    "Spelling of the name differs between two alphabets only.",
]


class Choice(NamedTuple):
    attempt: Attempt
    actor: str
    action: Action
    reasons: list[str]
    message_to_applicant: str
    internal_note: str


def choices(attempts: list[Attempt]) -> Iterator[Choice]:
    """About all suspicions but the newest ones, and some results of the machine."""
    partner = attempts[0].partner
    if partner == "northbank":
        actors = ["ada@northbank.example", "amos@northbank.example"]
        yield from _settled(attempts, actors, OPEN_SUSPICIONS)
        yield from _overruled(attempts, actors)
    elif partner == "southpay":
        yield from _settled(attempts, ["otto@southpay.example"], 3)


def _of_kind(attempts: list[Attempt], kind: str) -> list[Attempt]:
    return [it for it in attempts if it.sample in SAMPLES[kind] and not it.is_named]


def _settled(attempts: list[Attempt], actors: list[str], left_open: int) -> Iterator[Choice]:
    suspected = [it for it in attempts if it.sample in SAMPLES["suspected"]]
    # With one Admin the partner has no Deny: all that is settled there is approved.
    may_deny = len(actors) > 1
    for place, attempt in enumerate(suspected[:-left_open]):
        actor = actors[place % len(actors)]
        if may_deny and (place % 3 == 0 or attempt.is_under_age):
            reasons, message = SUSPICIONS[attempt.sample]
            note = "See the tags." if "OTHER" in reasons else ""
            yield Choice(attempt, actor, Action.DENY, reasons, message, note)
        else:
            yield _approval(attempt, actor, place)


def _overruled(attempts: list[Attempt], actors: list[str]) -> Iterator[Choice]:
    """Every few of what the machine decided a person saw otherwise."""
    for place, attempt in enumerate(_of_kind(attempts, "denied")[4::6]):
        yield _approval(attempt, actors[place % 2], place)
    for place, attempt in enumerate(_of_kind(attempts, "approved")[20::39]):
        reasons, message, note = DOUBTS[TURNS[place % len(TURNS)]]
        yield Choice(attempt, actors[place % 2], Action.DENY, reasons, message, note)


def _approval(attempt: Attempt, actor: str, place: int) -> Choice:
    return Choice(attempt, actor, Action.APPROVE, [], "", CLEARED[place % len(CLEARED)])
