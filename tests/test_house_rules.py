"""The rules of the house, each a pattern and a reason; an offence is told with its place."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
THIS_FILE = "tests/test_house_rules.py"
PROGRAM = ("accounts/**/*.py", "verifications/**/*.py", "idv_dashboard/**/*.py", "manage.py")
TESTS = ("tests/**/*.py",)
TEMPLATES = ("templates/**/*.html",)
STYLES = ("static/css/*.css",)
SCRIPTS = ("static/js/*.js",)
GROUND = ("*.md", "Makefile", "Procfile", "Dockerfile", "compose.yaml", ".env.example", ".ci/*")
EVERYTHING = (*PROGRAM, *TESTS, *TEMPLATES, *STYLES, *SCRIPTS, *GROUND, "*.toml", "*.in", "*.txt")


class Rule(NamedTuple):
    reason: str
    pattern: str
    where: tuple[str, ...]
    offence: str
    except_in: tuple[str, ...] = ()


RULES = {
    "no print": Rule(
        "commands write to self.stdout, the rest logs",
        r"(?<![\w.])print\(",
        PROGRAM,
        "    print(answer)",
    ),
    "no mark_safe": Rule(
        "what came in is never trusted as HTML",
        r"\bmark_safe\b|\|\s*safe\b|autoescape (off|false)|SafeString",
        (*PROGRAM, *TEMPLATES),
        "{{ name|safe }}",
        # The square of a second factor, drawn by allauth from what it made itself.
        ("templates/mfa/totp/activate_form.html",),
    ),
    "views see only what is visible": Rule(
        "a bare query shows other partners' verifications",
        r"\bVerification\.objects(?!\s*\.visible_to\()",
        ("verifications/views/**/*.py",),
        "Verification.objects.filter(pk=1)",
    ),
    "pages see only what is visible": Rule(
        "a bare query shows other partners' verifications",
        r"\bVerification\.objects(?!\s*\.visible_to\()",
        tuple(f"verifications/{page}.py" for page in ("home", "listing", "detail", "waiting")),
        "Verification.objects.count()",
    ),
    "flags and price mean something in the policy only": Rule(
        "a second place that knows a flag drifts from the first",
        r"\.(may_deny|may_approve|pricing_model)\b",
        (*PROGRAM, *TEMPLATES),
        "if partner.may_deny:",
        # The policy; support's tools; the snapshot kept with a decision; who is in the demo.
        (
            "verifications/policy.py",
            "verifications/decisions.py",
            "verifications/models/",
            "verifications/demo",
            "verifications/admin",
            "accounts/admin",
            "accounts/models",
        ),
    ),
    "a rule takes the time from outside": Rule(
        "the policy is pure",
        r"timezone\.now|datetime\.now|time\.time",
        ("verifications/policy.py",),
        "timezone.now()",
    ),
    "colours live in the tokens": Rule(
        "a literal colour is wrong in the other theme",
        r"#[0-9a-fA-F]{3,8}\b(?!\s*[{,])|\b(rgba?|hsla?|hwb|lab|lch|oklab|oklch)\("
        r"|:\s*(white|black|red|green|blue|gray|grey)\b",
        STYLES,
        "color: #fff;",
        ("static/css/tokens.css",),
    ),
    "styles know no left and right": Rule(
        "text also runs from right to left",
        r"\b(margin|padding|border|inset)-(left|right|top|bottom)\b|^\s*(left|right|top|bottom):"
        r"|text-align:\s*(left|right)|float:\s*(left|right)",
        STYLES,
        "margin-left: 1rem;",
    ),
    "nothing inline in a template": Rule(
        "the content security policy refuses it",
        r"\sstyle\s*=|\son[a-z]+=(?!=)|<style\b|javascript:"
        r"|<script(?![^>]*\ssrc=)|<script[^>]*>[^<]",
        TEMPLATES,
        '<button onclick="go()">',
    ),
    "templates know no role": Rule(
        "they ask whether an action is allowed",
        r"\brank\b|\brole\s*==|\bis_staff\b",
        ("templates/verifications/**/*.html",),
        "{% if membership.role.rank == 40 %}",
    ),
    "one word for one thing": Rule(
        "second step, message number, taken back, hold placed or released",
        r"Two-step|second factor|Second factor|Decision undone|Put on hold by|Released from hold"
        r"|>Sequence<",
        (*TEMPLATES, "templates/**/*.txt", "templates/**/*.typ", "README.md"),
        "<dt>Sequence</dt>",
    ),
    "no signals": Rule(
        "who calls whom is written down where it happens",
        r"@receiver|\b(pre|post)_(save|delete|init)\b|m2m_changed",
        PROGRAM,
        "@receiver(post_save)",
    ),
    "letters go out by one door": Rule(
        "one that does not go must stop no other, and be no error page",
        r"from django\.core\.mail import|from django\.core import mail|send_messages",
        PROGRAM,
        "from django.core.mail import send_mail",
        ("accounts/letters.py",),
    ),
    "nothing is put off": Rule(
        "an open end is mended, not written beside",
        r"\b(TODO|FIXME|XXX|HACK)\b",
        EVERYTHING,
        "# TODO later",
        (THIS_FILE,),
    ),
    "no path of one machine": Rule(
        "the program stands on any",
        r"(?<![\w.:/])/(?:work|root|home|Users)(?=/\w)",
        EVERYTHING,
        'open("/{}/data")'.format("home"),
        (THIS_FILE,),
    ),
    "no registry by address": Rule(
        "pip and npm know where they fetch from",
        r"pypi[.]org|pythonhosted[.]org|npmjs[.](org|com)|--(extra-)?index-url [^d]",
        (*EVERYTHING, "tests/**/*.json"),
        "https://registry.npmjs" + ".org/",
        (THIS_FILE,),
    ),
}

# A question that was answered: what is long, and why it stays in one piece.
LONG_FILES = {
    "static/css/components.css": "every part of a page once, in the order of the style guide",
}
LONG_FUNCTIONS: dict[str, str] = {}
LONG_TEMPLATES: dict[str, str] = {}

BAD_NAMES = {"utils", "helpers", "services", "selectors", "managers", "constants", "mixins"}


def _files(patterns: tuple[str, ...], except_in: tuple[str, ...] = ()) -> Iterator[Path]:
    for path in sorted({path for pattern in patterns for path in ROOT.glob(pattern)}):
        inside = _inside(path)
        if path.is_file() and "/migrations/" not in inside and not inside.startswith(except_in):
            yield path


def _inside(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _offences(rule: Rule) -> list[str]:
    return [
        f"{_inside(path)}:{number}: {line.strip()[:120]}"
        for path in _files(rule.where, rule.except_in)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(rule.pattern, line)
    ]


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{_inside(path)}:{node.name}", (node.end_lineno or 0) - node.lineno + 1


@pytest.mark.parametrize("name", RULES)
def test_the_house_rule_is_kept(name: str) -> None:
    offences = _offences(RULES[name])
    assert not offences, f"{name}: {RULES[name].reason}\n" + "\n".join(offences)


@pytest.mark.parametrize("name", RULES)
def test_the_house_rule_would_notice(name: str) -> None:
    assert re.search(RULES[name].pattern, RULES[name].offence)


def test_at_most_two_places_catch_everything() -> None:
    """The worker's loop and the intake of callbacks: what fails there must not stop the rest."""
    broad = Rule("", r"except\s*(:|\(?\s*(Base)?Exception\b)", PROGRAM, "")
    assert len(_offences(broad)) <= 2, _offences(broad)


def test_files_are_short() -> None:
    long = {_inside(path) for path in _files((*PROGRAM, *STYLES, *SCRIPTS)) if _lines(path) > 300}
    assert long == LONG_FILES.keys()


def test_functions_are_short() -> None:
    long = {name for path in _files(PROGRAM) for name, lines in _functions(path) if lines > 50}
    assert long == LONG_FUNCTIONS.keys()


def test_functions_of_tests_are_short() -> None:
    long = {name for path in _files(TESTS) for name, lines in _functions(path) if lines > 40}
    assert not long


def test_templates_are_short() -> None:
    long = {_inside(path) for path in _files(TEMPLATES) if _lines(path) > 120}
    assert long == LONG_TEMPLATES.keys()


def test_every_file_is_named_for_what_it_holds() -> None:
    assert not [_inside(path) for path in _files(PROGRAM) if path.stem in BAD_NAMES]
