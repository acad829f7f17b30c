"""Each insecure production configuration is refused, by a real process, with exit 78."""

import base64
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
SERVE = "import idv_dashboard.wsgi"


def new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(word: str) -> str:
    """The same in each process that collects these tests."""
    return base64.b64encode(hashlib.sha256(word.encode()).digest()).decode()


# One that two settings have, and a former one.
TWICE, FORMER = key_of("twice"), key_of("former")
Start = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A production's data, migrated."""
    folder = tmp_path_factory.mktemp("production")
    folder.chmod(0o700)
    done = run(folder, "-c", "from django.core.management import execute_from_command_line as go;"
               "go(['manage.py', 'migrate', '-v0'])")  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def run(folder: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "idv_dashboard.settings",
        "SECRET_KEY": secrets.token_urlsafe(60),
        "AUDIT_SIGNING_KEY": new_key(),
        "DATA_KEY": new_key(),
        "ALLOWED_HOSTS": "idv.example.org",
        "DATA_DIR": str(folder),
        # A fresh clone has collected no static files; that is not what is asked here.
        "PYTHONWARNINGS": "ignore:No directory at:UserWarning",
    } | changes
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_safe_configuration_starts(home: Path) -> None:
    done = run(home, "-c", SERVE)
    assert (done.returncode, done.stderr) == (0, "")


VARIANTS = [
    ("SECRET_KEY", {"SECRET_KEY": "short"}),
    ("SECRET_KEY", {"SECRET_KEY": "a" * 60}),
    ("SECRET_KEY", {"SECRET_KEY": "django-insecure-" + "abcdefghijklmnop" * 4}),
    ("AUDIT_SIGNING_KEY", {"AUDIT_SIGNING_KEY": "short"}),
    ("AUDIT_SIGNING_KEY", {"AUDIT_SIGNING_KEY": "!" * 44}),
    ("AUDIT_SIGNING_KEY", {"SECRET_KEY": TWICE, "AUDIT_SIGNING_KEY": TWICE}),
    ("DATA_KEY", {"DATA_KEY": "short"}),
    ("DATA_KEY", {"DATA_KEY": "!" * 44}),
    ("DATA_KEY", {"DATA_KEY": base64.b64encode(b"only sixteen byte").decode()}),
    ("DATA_KEY", {"SECRET_KEY": TWICE, "DATA_KEY": TWICE}),
    ("DATA_KEY", {"AUDIT_SIGNING_KEY": TWICE, "DATA_KEY": TWICE}),
    ("DATA_KEY_FALLBACKS", {"DATA_KEY_FALLBACKS": "short"}),
    ("DATA_KEY_FALLBACKS", {"DATA_KEY_FALLBACKS": f"{FORMER},{FORMER}"}),
    ("DATA_KEY_FALLBACKS", {"DATA_KEY": TWICE, "DATA_KEY_FALLBACKS": TWICE}),
    ("ALLOWED_HOSTS", {"ALLOWED_HOSTS": "*"}),
    ("ALLOWED_HOSTS", {"ALLOWED_HOSTS": ".example.org"}),
    ("ALLOWED_HOSTS", {"ALLOWED_HOSTS": ""}),
    ("CSRF_TRUSTED_ORIGINS", {"CSRF_TRUSTED_ORIGINS": "http://idv.example.org"}),
    ("REQUIRE_MFA", {"REQUIRE_MFA": "0"}),
    ("SESSION_SECONDS", {"SESSION_SECONDS": "1209600"}),
    ("SESSION_SECONDS", {"SESSION_IDLE_SECONDS": "90000"}),
    ("SESSION_SECONDS", {"SESSION_IDLE_SECONDS": "0"}),
    ("EMAIL_URL", {"EMAIL_URL": "smtp://mail.example.org:25"}),
    ("DATABASE_URL", {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}),
]


@pytest.mark.parametrize(("setting", "changes"), VARIANTS, ids=str)
def test_an_insecure_configuration_is_refused(
    home: Path, setting: str, changes: dict[str, str]
) -> None:
    done = run(home, "-c", SERVE, **changes)
    assert done.returncode == 78, done.stderr
    assert setting in done.stderr
    assert not any(value and len(value) > 8 and value in done.stderr for value in changes.values())


CHANGED = [
    ("SESSION_COOKIE_NAME", "settings.SESSION_COOKIE_SECURE = False"),
    ("CSRF_COOKIE_NAME", "settings.CSRF_COOKIE_NAME = 'csrf'"),
    ("SECURE_HSTS_SECONDS", "settings.SECURE_HSTS_SECONDS = 3600"),
    ("TRUSTED_PROXY_COUNT", "settings.SECURE_PROXY_SSL_HEADER = ('A', 'https')"),
    ("MIDDLEWARE", "settings.MIDDLEWARE = settings.MIDDLEWARE[1:]"),
    ("MIDDLEWARE", "settings.MIDDLEWARE += ['django.middleware.cache.UpdateCacheMiddleware']"),
    ("DATA_DIR", "settings.STATIC_ROOT = settings.DATA_DIR"),
    ("recursive_triggers", "settings.DATABASES['default']['OPTIONS']['init_command'] = ''"),
    ("security.W", "settings.SECURE_CONTENT_TYPE_NOSNIFF = False"),
    ("security.W", "settings.SECURE_SSL_REDIRECT = False"),
]


@pytest.mark.parametrize(("said", "change"), CHANGED, ids=str)
def test_settings_that_were_weakened_are_refused(home: Path, said: str, change: str) -> None:
    script = f"from idv_dashboard import settings\n{change}\n{SERVE}"
    done = run(home, "-c", script)
    assert done.returncode == 78, done.stderr
    assert said in done.stderr


def test_a_folder_that_others_can_read_is_refused(home: Path) -> None:
    home.chmod(0o755)
    try:
        done = run(home, "-c", SERVE)
    finally:
        home.chmod(0o700)
    assert done.returncode == 78
    assert "DATA_DIR" in done.stderr


def test_a_database_that_was_not_migrated_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    done = run(tmp_path, "-c", SERVE)
    assert done.returncode == 78
    assert "migrate" in done.stderr


# What may not stand in the database of a production, and what takes it away again.
PRELUDE = (
    "import django; django.setup()\n"
    "from accounts.models import *\n"
    "from verifications.models import WebhookEndpoint\n"
    "from accounts import checkpoints\n"
    "from django.db import connection\n"
    "from django.utils import timezone\n"
)
PARTNER = (
    "p, _ = Partner.objects.get_or_create(key='plain', name='Plain', plan='BASIC',"
    " pricing_model='CHARGE_PER_APPROVED')\n"
)
STORED = [
    (
        "active users with addresses that end in .example",
        "User.objects.create_user('ada@northbank.example', 'x', name='Ada')",
        "User.objects.all().delete()",
    ),
    (
        "Webhook endpoint",
        PARTNER
        + "WebhookEndpoint.objects.create(partner=p, name='E', address='http://a.example/')",
        "WebhookEndpoint.objects.all().delete()",
    ),
    (
        "the guard accounts_auditentry_no_update is missing",
        "connection.cursor().execute('DROP TRIGGER accounts_auditentry_no_update')",
        "from accounts import guards; guards.install(connection)",
    ),
    (
        "AUDIT_SIGNING_KEY: it did not sign",
        "AuditCheckpoint.objects.create(number=1, upto=1, count=1, digest='0' * 64,"
        " at=timezone.now(), signature='0' * 128)",
        "from accounts import guards; guards.lift(connection)\n"
        "connection.cursor().execute('DELETE FROM accounts_auditcheckpoint')\n"
        "guards.install(connection)",
    ),
]


@pytest.mark.parametrize(("said", "change", "back"), STORED, ids=[row[0] for row in STORED])
def test_what_is_stored_can_be_a_reason_not_to_start(
    home: Path, said: str, change: str, back: str
) -> None:
    done = run(home, "-c", PRELUDE + change)
    assert done.returncode == 0, done.stderr
    try:
        done = run(home, "-c", SERVE)
    finally:
        assert run(home, "-c", PRELUDE + back).returncode == 0
    assert done.returncode == 78, done.stderr
    assert said in done.stderr
    assert run(home, "-c", SERVE).returncode == 0


@pytest.mark.parametrize("missing", ["SECRET_KEY", "AUDIT_SIGNING_KEY", "DATA_KEY"])
def test_a_missing_key_is_named(home: Path, missing: str) -> None:
    done = run(home, "-c", SERVE, **{missing: ""})
    assert done.returncode == 78
    assert missing in done.stderr


MAKE_A_KEY = """
import django; django.setup()
from accounts.models import Partner
from verifications import vault
partner = Partner.objects.create(
    key="p", name="P", plan="BASIC", pricing_model="CHARGE_PER_APPROVED"
)
vault.number_hash(partner.pk, "AB1", to_keep=True)
"""


def test_a_forgotten_master_key_is_missed(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "data")
    data = tmp_path / "data"
    assert run(data, "-c", MAKE_A_KEY, DATA_KEY=FORMER).returncode == 0
    done = run(data, "-c", SERVE)
    assert done.returncode == 78
    assert "DATA_KEY_FALLBACKS" in done.stderr
    assert FORMER not in done.stderr
    done = run(data, "-c", SERVE, DATA_KEY_FALLBACKS=FORMER)
    assert (done.returncode, done.stderr) == (0, "")
