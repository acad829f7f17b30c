"""Who may import whom, and where a status may be set. Read from the source, not from what runs."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A module imports from rows above its own in this list only. A package named here is one room,
# inside which its modules may import each other. What is new needs a place.
ROWS = [
    # know nothing of ours
    {"statuses", "address", "keyset", "codes", "spreadsheet", "transport", "webhooks.contract"}
    | {"children"},
    # know no model
    {"fields"},
    {
        "search",
        "looks",
        "forms",
        "decision_forms",
        "watermark",
        "dossier",
        "callbacks.provider",
        "callbacks.pictures",
    }
    | {"webhooks.payloads", "webhooks.signing"},
    # nouns
    {"models"},
    # opens what models hold sealed
    {"vault", "beside", "walk"},
    # asked by readers and writers alike
    {"policy", "webhooks.outbox", "history", "audit_forms", "audit_words", "endpoint_forms"}
    | {"counters", "folding", "names", "disposal_forms", "saved_view_forms", "plan", "reasons"},
    # what every verb does
    {"lifecycle", "outcomes", "callbacks.findings"},
    # what of it goes out, in words
    {"telling"},
    # parts of a verb, parts of a page
    {"callbacks.effect", "evidence", "figures", "frame", "timeline", "question", "waiting"}
    | {"glance"}
    | {"lost_files", "keeping"},
    # verbs and pages: neither imports the other
    {"decisions", "tags", "disposal", "notes", "callbacks.intake", "callbacks.photos"}
    | {
        "webhooks.claims",
        "webhooks.delivery",
        "webhooks.again",
        "webhooks.trouble",
        "webhooks.endpoints",
        "demo",
    }
    | {"home", "listing", "detail", "pair", "confirm", "buttons"}
    | {"audit_log", "deliveries", "holds", "disposed", "saved_views"},
    # what is made of a page
    {"exports", "report"},
    # verbs by the clock, and by command
    {"chores", "rotation"},
    # edges
    # a part of the edge for support
    {"callback_admin"},
    {"views", "drawing", "admin", "worker", "checks"},
    # what puts the edges to use
    {"urls", "management", "apps"},
]
ROOMS = {room: row for row, rooms in enumerate(ROWS) for room in rooms}
THE_DOOR = "verifications.lifecycle"
GUARDED = {"status", "suspected"}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _modules() -> dict[str, ast.Module]:
    files = [
        path
        for package in ("accounts", "verifications", "idv_dashboard")
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts
    ]
    return {_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in files}


MODULES = _modules()


def _is_only_a_docstring(tree: ast.Module) -> bool:
    return all(isinstance(node, ast.Expr) for node in tree.body)


def _for_types_only(tree: ast.Module) -> set[ast.AST]:
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }


def _imports(name: str, tree: ast.Module) -> Iterator[str]:
    """Modules of ours that this one imports when it runs."""
    exempt = _for_types_only(tree)
    for node in ast.walk(tree):
        if node in exempt:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name} imports relatively"
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                yield module if module in MODULES else node.module or ""


def _room(module: str) -> str | None:
    inside = module.removeprefix("verifications.")
    return next((room for room in ROOMS if f"{inside}.".startswith(f"{room}.")), None)


def _wrong_imports(name: str, tree: ast.Module) -> list[str]:
    """Imports that go up or sideways between the rooms of `verifications`."""
    room = _room(name)
    wrong = []
    for imported in _imports(name, tree):
        target = _room(imported) if imported.startswith("verifications.") else None
        if room and target and target != room and ROOMS[target] >= ROOMS[room]:
            wrong.append(imported)
    return wrong


def _inner_imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield function.name, node.lineno


def _status_changes(tree: ast.Module) -> list[int]:
    """Lines that assign `.status` or `.suspected`, or write them by update() or setattr()."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            lines += [node.lineno] * (node.attr in GUARDED)
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            named = {keyword.arg for keyword in node.keywords} if called == "update" else set()
            if isinstance(node.func, ast.Name) and node.func.id == "setattr":
                named = {part.value for part in node.args if isinstance(part, ast.Constant)}
            lines += [node.lineno] * bool(named & GUARDED)
    return lines


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("verifications.")])
def test_every_module_has_a_row(name: str) -> None:
    assert _room(name) or _is_only_a_docstring(MODULES[name]), f"{name} has no place in ROWS"


def test_a_row_is_no_longer_than_the_house() -> None:
    rooms = {f"verifications.{room}" for room in ROOMS}
    packages = {name.rpartition(".")[0] for name in MODULES}
    assert not rooms - MODULES.keys() - packages


@pytest.mark.parametrize("name", MODULES)
def test_verifications_import_only_downwards(name: str) -> None:
    assert not _wrong_imports(name, MODULES[name])


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("accounts")])
def test_accounts_know_nothing_of_ours(name: str) -> None:
    ours = ("verifications", "idv_dashboard")
    assert not [module for module in _imports(name, MODULES[name]) if module.startswith(ours)]


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("idv_dashboard")])
def test_the_installation_knows_apps_by_name_only(name: str) -> None:
    ours = ("verifications", "accounts")
    assert not [module for module in _imports(name, MODULES[name]) if module.startswith(ours)]


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("verifications")])
def test_verifications_do_not_know_the_installation(name: str) -> None:
    imported = _imports(name, MODULES[name])
    assert not [module for module in imported if module.startswith("idv_dashboard")]


@pytest.mark.parametrize("name", MODULES)
def test_nothing_is_imported_inside_a_function(name: str) -> None:
    inner = [
        (function, line)
        for function, line in _inner_imports(MODULES[name])
        # Django loads apps before models: only here is it too early for an import on top.
        if not (name.endswith(".apps") and function == "ready")
    ]
    assert not inner


@pytest.mark.parametrize("name", [name for name in MODULES if name != THE_DOOR])
def test_a_status_changes_in_one_place(name: str) -> None:
    assert not _status_changes(MODULES[name])


def test_the_door_is_where_statuses_change() -> None:
    assert _status_changes(MODULES[THE_DOOR])


@pytest.mark.parametrize(
    ("name", "source", "wrong"),
    [
        ("policy", "from verifications.views import decide", ["verifications.views.decide"]),
        ("policy", "import verifications.lifecycle", ["verifications.lifecycle"]),
        ("decisions", "from verifications import confirm", ["verifications.confirm"]),
        ("decisions", "from verifications import lifecycle", []),
        ("models.note", "from verifications.models.callback import Stage", []),
    ],
)
def test_a_wrong_import_is_noticed(name: str, source: str, wrong: list[str]) -> None:
    assert _wrong_imports(f"verifications.{name}", ast.parse(source)) == wrong


@pytest.mark.parametrize(
    "source",
    [
        "row.status = 'APPROVED'",
        "row.status, row.revision = to, 2",
        "rows.update(suspected=False)",
        "setattr(row, 'status', to)",
    ],
)
def test_a_second_door_is_noticed(source: str) -> None:
    assert _status_changes(ast.parse(source))
