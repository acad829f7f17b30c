"""The README says what the program does: its commands, settings and rules are read from both."""

import re
from datetime import timedelta
from pathlib import Path

from verifications import transport
from verifications.policy import RULES
from verifications.statuses import ARROWS, Action
from verifications.webhooks import delivery, endpoints, signing

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
WIRE = ROOT / "verifications" / "wire"


def policy_table() -> str:
    """The two tables that the README must hold, as Markdown:

    DEMO=1 python -c "import django; django.setup(); from tests.test_readme import policy_table;
    print(policy_table())"
    """
    return f"{_rules()}\n\n{_arrows()}"


def _rules() -> str:
    every = list(dict.fromkeys(rule for rules in RULES.values() for rule in rules))
    # The status is asked last, whichever action brought a rule up first.
    every.sort(key=lambda rule: max(rules.index(rule) for rules in RULES.values() if rule in rules))
    rows = [["rule", *(str(action.label) for action in RULES)]]
    rows += [
        [f"`{rule.__name__}`", *("✓" if rule in rules else "–" for rules in RULES.values())]
        for rule in every
    ]
    return _markdown(rows)


def _arrows() -> str:
    decisions = (Action.APPROVE, Action.DENY)
    rows = [["from", *(str(action.label) for action in decisions)]]
    rows += [
        [str(standing), *(_to(standing, action) for action in decisions)]
        for standing in dict.fromkeys(standing for standing, _ in ARROWS)
    ]
    return _markdown([*rows, ["any other status", *("–" for _ in decisions)]])


def _to(standing: object, action: Action) -> str:
    to = next((to for (start, by), to in ARROWS.items() if (start, by) == (standing, action)), None)
    return f"→ {to}" if to else "–"


def _markdown(rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def _readme() -> str:
    return README.read_text(encoding="utf-8")


def _section(title: str) -> str:
    match = re.search(rf"^## [^\n]*{title}[^\n]*\n(.*?)(?=^## |\Z)", _readme(), re.M | re.S | re.I)
    assert match, f"The README has no section on {title}"
    return match[1]


def test_the_readme_is_short() -> None:
    assert len(_readme().splitlines()) <= 200


def test_commands_named_in_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = set(re.findall(r"\bmake ([a-z-]+)", _readme()))
    assert {"run", "test", "test-fast"} <= named <= targets


def test_management_commands_named_in_the_readme_exist() -> None:
    commands = {path.stem for path in ROOT.glob("verifications/management/commands/[a-z]*.py")}
    commands |= {path.stem for path in ROOT.glob("accounts/management/commands/[a-z]*.py")}
    commands |= {"migrate", "collectstatic", "createsuperuser", "check", "shell"}
    assert set(re.findall(r"manage\.py ([a-z_]+)", _readme())) <= commands


def test_the_settings_are_those_of_the_program() -> None:
    settings = (ROOT / "idv_dashboard" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'\benv(?:\.\w+)?\(\s*"([A-Z_]+)"', settings))
    assert set(re.findall(r"^\| `([A-Z_]+)`", _section("settings"), re.M)) == read


def test_the_policy_in_the_readme_is_the_policy() -> None:
    assert policy_table() in _readme()


def test_what_partners_are_told_of_webhooks_is_so() -> None:
    told = (WIRE / "WEBHOOKS.md").read_text(encoding="utf-8")
    tries, span = len(delivery.WAITS) + 1, sum(delivery.WAITS, timedelta())
    hours = round(endpoints.FORMER_KEY_HOLDS / timedelta(hours=1))
    longest = round(delivery.LONGEST_WAIT / timedelta(hours=1))
    for sentence in (
        f"{tries} tries within {span.days} days",
        f"at last every {longest} hours",
        f"up to {longest}\nhours",
        f"within {transport.TIMEOUT:g} seconds",
        f"on port {' or '.join(map(str, sorted(transport.PORTS)))}",
        f"first {transport.ANSWER_BYTES:,} bytes",
        f"After {delivery.GONE} the address",
        f"After {' and '.join(map(str, delivery.ASK_FOR_PATIENCE))} we wait",
        f"For {hours} hours",
    ):
        assert sentence in told
    sent = signing.headers(
        ["whsec_a2V5"], b"{}", event="E", message_id="1", sequence=0, timestamp=0, own={}
    )
    for name in sent.keys() - {"User-Agent", "Content-Type"}:
        assert f"| `{name}` |" in told
    linked = re.findall(r"\]\(([^)#:]+)\)", told)
    assert linked and not [name for name in linked if not (WIRE / name).exists()]


def test_pictures_and_files_of_the_readme_exist() -> None:
    linked = re.findall(r"\]\(([^)#:]+)\)|<img[^>]*\ssrc=\"([^\":]+)\"", _readme())
    assert not [name for pair in linked for name in pair if name and not (ROOT / name).exists()]
