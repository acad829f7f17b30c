"""Refusing to start in production with a configuration that is not safe.

WSGI servers do not run Django's checks. `assert_safe()` does, before anything is served, together
with Django's own for deployment; whatever is found ends the process with 78 (EX_CONFIG), the
setting and its mend named, its value never.
"""

import base64
import binascii
import stat
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import django
import PIL
from django.conf import settings
from django.core.checks import WARNING as LEAST
from django.core.checks import CheckMessage, Error, register, run_checks
from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

EX_CONFIG = 78
YEAR = 31_536_000
OLDEST = {"Django": ((5, 2, 19), django.__version__), "Pillow": ((12, 2), PIL.__version__)}
FIRST = ["idv_dashboard.middleware.headers", "idv_dashboard.middleware.guard"]
SITE_CACHE = ("UpdateCacheMiddleware", "FetchFromCacheMiddleware")
SQLITE = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1}
CLOCKS_APART = timedelta(seconds=2)
POSTGRESQL = ("fsync", "synchronous_commit", "full_page_writes")

Problem = tuple[str, str]
problems: list[Callable[[], Iterator[Problem]]] = []


def assert_safe() -> None:
    """Ends the process where this is production and not safe. A demo and a developer go on."""
    if settings.DEBUG or settings.DEMO:
        return
    try:
        found = run_checks(include_deployment_checks=True, databases=["default"])
    except DatabaseError as error:
        found = [_error("DATABASE_URL", f"The database does not answer ({type(error).__name__}).")]
    finally:
        # A server that loads the program once and forks would share it between its children.
        connection.close()
    serious = [message for message in found if message.level >= LEAST]
    for message in serious:
        sys.stderr.write(f"{message.id}: {message.msg} {message.hint or ''}".strip() + "\n")
    if serious:
        sys.stderr.write(f"Not started: {len(serious)} found. Mend them, then start again.\n")
        sys.exit(EX_CONFIG)


def _error(setting: str, mend: str) -> CheckMessage:
    return Error(f"{setting}: {mend}", id="boot.E001")


def problem(check: Callable[[], Iterator[Problem]]) -> Callable[[], Iterator[Problem]]:
    problems.append(check)
    return check


@register("boot", deploy=True)
def check(**_: object) -> list[CheckMessage]:
    if settings.DEBUG or settings.DEMO:
        return []
    return [_error(setting, mend) for look in problems for setting, mend in look()]


@problem
def _keys() -> Iterator[Problem]:
    key = settings.SECRET_KEY
    if len(key) < 50 or len(set(key)) < 10 or key.startswith("django-insecure-"):
        yield "SECRET_KEY", "use 50 random characters or more."
    others = {key}
    for name in ("AUDIT_SIGNING_KEY", "DATA_KEY", "DATA_KEY_FALLBACKS"):
        value = getattr(settings, name)
        for one in value if isinstance(value, list) else [value]:
            if not _is_of_32_bytes(one):
                yield name, "use base64 of 32 random bytes."
            if one in others:
                yield name, "use a key of its own: this one is another setting's too."
            others.add(one)


def _is_of_32_bytes(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 32
    except binascii.Error:
        return False


@problem
def _hosts() -> Iterator[Problem]:
    hosts = settings.ALLOWED_HOSTS
    if not hosts or any(host == "*" or host.startswith(".") for host in hosts):
        yield "ALLOWED_HOSTS", "name each host, without * and without a leading dot."
    if any(not origin.startswith("https://") for origin in settings.CSRF_TRUSTED_ORIGINS):
        yield "CSRF_TRUSTED_ORIGINS", "use https origins only."


@problem
def _cookies_and_transport() -> Iterator[Problem]:
    for name in ("SESSION_COOKIE", "CSRF_COOKIE"):
        secure = getattr(settings, f"{name}_SECURE") and getattr(settings, f"{name}_HTTPONLY")
        if not (secure and getattr(settings, f"{name}_NAME").startswith("__Host-")):
            yield (
                f"{name}_NAME",
                "must be a Secure, HttpOnly cookie whose name starts with __Host-.",
            )
    if settings.SECURE_HSTS_SECONDS < YEAR:
        yield "SECURE_HSTS_SECONDS", "use a year or more."
    if bool(settings.SECURE_PROXY_SSL_HEADER) != bool(settings.ALLAUTH_TRUSTED_PROXY_COUNT):
        yield "TRUSTED_PROXY_COUNT", "must be set exactly where a proxy of yours speaks https."


@problem
def _people() -> Iterator[Problem]:
    if not settings.REQUIRE_MFA:
        yield "REQUIRE_MFA", "must be on: Admins and support need a second step."
    if not 0 < settings.SESSION_IDLE_SECONDS <= settings.SESSION_COOKIE_AGE <= 24 * 3600:
        yield "SESSION_SECONDS", "end sessions within a day, and idle ones before that."


@problem
def _middleware() -> Iterator[Problem]:
    if settings.MIDDLEWARE[:2] != FIRST:
        yield "MIDDLEWARE", "headers and guard come first."
    if any(name.endswith(SITE_CACHE) for name in settings.MIDDLEWARE):
        yield "MIDDLEWARE", "private pages must not be cached: no cache middleware."


@problem
def _files() -> Iterator[Problem]:
    folder, static = Path(settings.DATA_DIR).resolve(), Path(settings.STATIC_ROOT).resolve()
    if folder == static or static in folder.parents:
        yield "DATA_DIR", "must not lie inside the folder of static files."
    if folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield "DATA_DIR", "must be readable by its owner only (chmod 700)."


@problem
def _mail() -> Iterator[Problem]:
    is_smtp = settings.EMAIL_BACKEND.endswith("smtp.EmailBackend")
    if is_smtp and not (settings.EMAIL_USE_TLS or getattr(settings, "EMAIL_USE_SSL", False)):
        yield "EMAIL_URL", "send mail over TLS: smtp+tls:// or smtp+ssl://."


@problem
def _versions() -> Iterator[Problem]:
    for name, (oldest, found) in OLDEST.items():
        if tuple(map(int, found.split("."))) < oldest:
            yield "requirements.txt", f"install {name} {'.'.join(map(str, oldest))} or newer."


@problem
def _database() -> Iterator[Problem]:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield "DATABASE_URL", "run manage.py migrate first."
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for pragma, wanted in SQLITE.items():
                cursor.execute(f"PRAGMA {pragma}")
                if cursor.fetchone()[0] != wanted:
                    yield "DATABASE_URL", f"SQLite's {pragma} is not as it must be."
            return
        yield from _postgresql(cursor)


def _postgresql(cursor: CursorWrapper) -> Iterator[Problem]:
    database = connection.settings_dict
    if _is_elsewhere(database["HOST"]) and database["OPTIONS"].get("sslmode") != "verify-full":
        yield "DATABASE_URL", "add ?sslmode=verify-full: the database is on another machine."
    for name in POSTGRESQL:
        cursor.execute(f"SHOW {name}")
        if cursor.fetchone()[0] != "on":
            yield "DATABASE_URL", f"PostgreSQL's {name} must be on."
    cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if cursor.fetchone()[0]:
        yield "DATABASE_URL", "use a role that is not a superuser."
    cursor.execute("SELECT clock_timestamp()")
    if abs(timezone.now() - cursor.fetchone()[0]) > CLOCKS_APART:
        yield "DATABASE_URL", "its clock and this machine's are more than two seconds apart."


def _is_elsewhere(host: str) -> bool:
    """A folder is a socket here; a name without a dot is of a container network here."""
    return "." in host and not host.startswith(("/", "127."))
