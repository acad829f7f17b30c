"""One file, read from the environment. Production is the default: DEBUG and DEMO are asked for.

DEMO=1 allows the demo data, signing in without a second factor, loopback webhooks and plain http,
with DEBUG off, so that the demo shows the real error pages.
"""

import base64
import contextlib
import os
import secrets
import sys
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from idv_dashboard import logs

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
TESTING = "pytest" in sys.modules
PLAIN_HTTP = DEBUG or DEMO or TESTING

# Everything the program writes lives below one folder: database, photos, generated keys.
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var")))
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)


def _kept(name: str, fresh: str) -> str:
    """What a demo or a developer's program made once, beside its data."""
    file = DATA_DIR / name
    if not file.exists():
        # Whole or not there: of two that start at once, both go on with the first one's.
        made = DATA_DIR / f"{name}.{os.getpid()}"
        made.touch(mode=0o600)
        made.write_text(fresh)
        with contextlib.suppress(FileExistsError):
            file.hardlink_to(made)
        made.unlink()
    return file.read_text()


def _secret_key() -> str:
    """From the environment; a demo or a developer gets one made, and kept beside the data."""
    if key := env.str("SECRET_KEY", default=""):
        return key
    if not PLAIN_HTTP:
        raise ImproperlyConfigured("Set SECRET_KEY: a random text of 50 characters or more.")
    return _kept("secret_key", secrets.token_urlsafe(50))


SECRET_KEY = _secret_key()


def _key(name: str, given: str) -> str:
    """Base64 of 32 random bytes, and never the SECRET_KEY."""
    if given:
        return given
    if not PLAIN_HTTP:
        raise ImproperlyConfigured(f"Set {name}: base64 of 32 random bytes.")
    return _kept(name.lower(), base64.b64encode(secrets.token_bytes(32)).decode())


# Seals applicants' data and partners' secrets: without it none of that opens ever again.
DATA_KEY = _key("DATA_KEY", env.str("DATA_KEY", default=""))
# Former ones, newest first: they open what `manage.py rotate_data_key` has not come to yet.
DATA_KEY_FALLBACKS = env.list("DATA_KEY_FALLBACKS", default=[])

# Signs the audit log's checkpoints.
AUDIT_SIGNING_KEY = _key("AUDIT_SIGNING_KEY", env.str("AUDIT_SIGNING_KEY", default=""))
# Where copies of its checkpoints go: a file on another machine's disk. Empty: the log stream only.
AUDIT_CHECKPOINT_FILE = env.str("AUDIT_CHECKPOINT_FILE", default="")

ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if PLAIN_HTTP else []
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "accounts",
    "verifications",
    "idv_dashboard.apps.SupportAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
]

MIDDLEWARE = [
    "idv_dashboard.middleware.headers",
    "idv_dashboard.middleware.guard",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.authentication.Authentication",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.sessions.limits",
    "accounts.recent.logged",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "accounts.middleware.current_membership",
    "accounts.sessions.SignInRequired",
    "accounts.sessions.second_factor",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "idv_dashboard.urls"
WSGI_APPLICATION = "idv_dashboard.wsgi.application"

PROCESSORS = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates"],  # ours
        "OPTIONS": {
            "environment": "verifications.drawing.environment",
            "context_processors": [*PROCESSORS[2:], "verifications.frame.shell"],
        },
    },
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates" / "support"],  # over Django's admin
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": PROCESSORS},
    },
]
if DEBUG:
    MIDDLEWARE.insert(0, "idv_dashboard.timing.timing")

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}
# Kept on SQLite too: whoever closes the last connection writes the whole log back first.
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a writer waits at BEGIN, where waiting works, and not in the middle.
    # FULL: a decision that was answered survives a power cut.
    # recursive_triggers: without it INSERT OR REPLACE deletes a row past the append-only guard.
    # Tests of races need what a file does: a shared database in memory locks whole tables.
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;"
            "PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON; PRAGMA secure_delete=ON;"
            "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;"
        ),
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = (  # no bitmap: lists go by index
        "-c statement_timeout=5000 -c lock_timeout=4000"
        " -c idle_in_transaction_session_timeout=10000 -c enable_bitmapscan=off -c jit=off"
        # By the stock 4.0 the planner reads and sorts whole tables of some thousand rows.
        " -c random_page_cost=1.1 -c plan_cache_mode=force_generic_plan"
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Sign-in throttles must be shared by all processes, hence a table and not memory.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
        # Django's 300 would throw out throttles that still count.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["accounts.hashers.Argon2", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
PASSWORD_RESET_TIMEOUT = 3600

ACCOUNT_ADAPTER = "accounts.adapter.Adapter"
USERSESSIONS_ADAPTER = "accounts.adapter.SessionsAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_FORMS = {"reset_password": "accounts.forms.ForgottenForm"}
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "20/5m/ip,5/5m/key"}
# A second factor for every role that can decide, and for support.
REQUIRE_MFA = env.bool("REQUIRE_MFA", default=not PLAIN_HTTP)
MFA_ADAPTER = "accounts.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# We keep no list of addresses to verify: allauth's own generator would start one on each reset,
# old addresses would go on signing in, and nobody on it could set up a second factor.
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_FORMS = {
    "login_webauthn": "accounts.passkeys.SignInWithPasskeyForm",
    "authenticate_webauthn": "accounts.passkeys.SecondStepForm",
    "reauthenticate_webauthn": "accounts.passkeys.ConfirmWithPasskeyForm",
    "add_webauthn": "accounts.passkeys.AddPasskeyForm",
}
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = PLAIN_HTTP

# The address of the person asking, behind so many proxies of ours (0: none).
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
if ALLAUTH_TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

SESSION_ENGINE = "accounts.models.session"
# Whatever a session does it ends after eight hours, and after half an hour of nothing.
SESSION_COOKIE_AGE = env.int("SESSION_SECONDS", default=8 * 3600)
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", default=30 * 60)
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_AGE = None
CSRF_FAILURE_VIEW = "idv_dashboard.errors.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not PLAIN_HTTP
SESSION_COOKIE_NAME = "sid" if PLAIN_HTTP else "__Host-sid"
CSRF_COOKIE_NAME = "csrf" if PLAIN_HTTP else "__Host-csrf"
SECURE_SSL_REDIRECT = not PLAIN_HTTP
# A sender must never be taught to speak http first: the callback view refuses it by itself.
SECURE_REDIRECT_EXEMPT = [r"^callbacks/", r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 0 if PLAIN_HTTP else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not PLAIN_HTTP
SECURE_REFERRER_POLICY = SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 5

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "photos": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": DATA_DIR / "photos",
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG or TESTING
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}
# Files are looked up when asked for, not gathered at each start.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG or TESTING

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "idv_dashboard.formats"
USE_TZ = True

EMAIL_TIMEOUT = 10
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="idv-dashboard@localhost")

# How much of applicants' data one person may take.
LOOKS_PER_HOUR = env.int("LOOKS_PER_HOUR", default=300)
EXPORTS_PER_DAY = env.int("EXPORTS_PER_DAY", default=5)

# An address (https://…) or a mailto: that a person follows who misses a button.
SUPPORT_CONTACT = env.str("SUPPORT_CONTACT", default="mailto:support@idv-dashboard.example")
# Where photos may be fetched from; empty: from any public host.
PHOTO_HOSTS = env.list("PHOTO_HOSTS", default=[])

LOGGING = logs.CONFIGURATION
