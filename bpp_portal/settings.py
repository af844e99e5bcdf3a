"""Settings of the portal.

Without any setting this is the demo: loopback only, SQLite, the sandbox as the other side. Every value can be set by an
environment variable; `make demo` writes the ones that belong to this folder to `var/demo.env`. `PORTAL_ENV=production`
switches the demo's allowances off, and `bpp_portal.checks` refuses what would be unsafe.
"""

import sqlite3
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
VAR_DIR = Path(env("PORTAL_VAR_DIR", default=str(BASE_DIR / "var")))
if env("PORTAL_ENV", default="demo") == "demo" and (VAR_DIR / "demo.env").exists():
    env.read_env(str(VAR_DIR / "demo.env"))

PORTAL_ENV = env("PORTAL_ENV", default="demo")
PRODUCTION = PORTAL_ENV == "production"
DEBUG = False
DEMO_SECRET = "demo-only-key-that-production-refuses-0123456789abcdefghijklmnop"  # noqa: S105 - refused in production
SECRET_KEY = env("SECRET_KEY", default="" if PRODUCTION else DEMO_SECRET)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["127.0.0.1", "localhost", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# The portal's own data: snapshots of cubes, frozen lines and packages.
DATA_DIR = Path(env("PORTAL_DATA_DIR", default=str(VAR_DIR / "data")))

# The other side. Hosts are exact "host:port"; nothing else is ever called.
SANDBOX_PORT = env.int("SANDBOX_PORT", default=8100)
SANDBOX_TLS_PORT = env.int("SANDBOX_TLS_PORT", default=SANDBOX_PORT + 1)
_sandbox_hosts = [f"127.0.0.1:{SANDBOX_TLS_PORT}", f"localhost:{SANDBOX_TLS_PORT}"]
ALLOWED_REMOTE_HOSTS = env.list("ALLOWED_REMOTE_HOSTS", default=[] if PRODUCTION else _sandbox_hosts)
# Where packages may be uploaded: exact hosts, or a suffix such as .blob.core.windows.net for any account of it.
ALLOWED_BLOB_HOSTS = env.list("ALLOWED_BLOB_HOSTS", default=[])
REMOTE_CA_FILE = env("REMOTE_CA_FILE", default="" if PRODUCTION else str(VAR_DIR / "sandbox" / "tls" / "ca.pem"))
# The portal's application in Entra: a secret, or a certificate with its key in one PEM file, which goes first.
ENTRA_CLIENT_SECRET = env("ENTRA_CLIENT_SECRET", default="")
ENTRA_CERTIFICATE_FILE = env("ENTRA_CERTIFICATE_FILE", default="")
# People sign in with Entra ID where tenant and application are set; the application may be the same one.
ENTRA_SIGN_IN_AUTHORITY = env("ENTRA_SIGN_IN_AUTHORITY", default="https://login.microsoftonline.com")
ENTRA_SIGN_IN_TENANT = env("ENTRA_SIGN_IN_TENANT", default="")
ENTRA_SIGN_IN_CLIENT_ID = env("ENTRA_SIGN_IN_CLIENT_ID", default="")
ENTRA_SIGN_IN_SECRET = env("ENTRA_SIGN_IN_SECRET", default=ENTRA_CLIENT_SECRET)
# Newest first, base64 of 32 bytes each; the first one encrypts.
DEMO_CONNECTION_KEY = "ZGVtby1vbmx5LWtleS1vZi1leGFjdGx5LTMyLWJ5dGU="
CONNECTION_KEYS = env.list("CONNECTION_KEYS", default=[] if PRODUCTION else [DEMO_CONNECTION_KEY])

# How long and how often an export asks and tries; seconds.
EXPORT_MAX_RETRIES = env.int("EXPORT_MAX_RETRIES", default=5)
EXPORT_RETRY_BASE = env.float("EXPORT_RETRY_BASE", default=1.0)
EXPORT_POLL_BASE = env.float("EXPORT_POLL_BASE", default=1.0)
EXPORT_POLL_MAX = env.float("EXPORT_POLL_MAX", default=60.0)
EXPORT_SETTLE = env.float("EXPORT_SETTLE", default=10.0 if not PRODUCTION else 120.0)
EXPORT_LEASE = env.float("EXPORT_LEASE", default=20.0)
EXPORT_MAX_DOUBT = env.float("EXPORT_MAX_DOUBT", default=3600.0)
EXPORT_MAX_RUN = env.float("EXPORT_MAX_RUN", default=4 * 3600.0)
# Loads from Dataverse: rows of a page, and how many of a person's 6,000 requests in 300 seconds they may use.
DATAVERSE_LOAD_PAGE = env.int("DATAVERSE_LOAD_PAGE", default=5000)
DATAVERSE_LOAD_REQUESTS = env.int("DATAVERSE_LOAD_REQUESTS", default=1500)
ENTRY_NUMBER_PREFIX = env("ENTRY_NUMBER_PREFIX", default="BPP")
WORKER_STUCK_AFTER = env.float("WORKER_STUCK_AFTER", default=25.0)
# How often the worker checks readiness by itself (0: never), and how long a question of it may take; seconds.
READINESS_EVERY = env.float("READINESS_EVERY", default=300.0)
READINESS_ANSWER = env.float("READINESS_ANSWER", default=10.0)
# Asked where cubes hold the delimiter of Finance: handed in here, since connections does not know cubes.
READINESS_SENT_VALUES = "exports.queries.sent_values.holding"
ENGINE_MEMORY_LIMIT = env("ENGINE_MEMORY_LIMIT", default="1GB")

INSTALLED_APPS = [
    "bpp_portal.admin.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "bpp_portal.entra",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "django_q",
    "csp",
    "bpp_portal.apps.PortalConfig",
    "bpp_portal.kernel",
    "bpp_portal.audit.apps.AuditConfig",
    "bpp_portal.notices.apps.NoticesConfig",
    "connections",
    "cubes",
    "exports",
]
MIDDLEWARE = [
    # First, so that a request which a later one refuses has its correlation id as well.
    "bpp_portal.middleware.CorrelationMiddleware",
    "bpp_portal.audit.origin.OriginMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "bpp_portal.sessions.SessionLimits",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "bpp_portal.middleware.ReaderMiddleware",
]
ROOT_URLCONF = "bpp_portal.urls"
WSGI_APPLICATION = "bpp_portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # First the portal's own, which restyle pages of allauth and of the administration.
        "DIRS": [BASE_DIR / "bpp_portal" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "bpp_portal.context.frame",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'portal.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Read-then-write transactions need IMMEDIATE: a deferred one that must upgrade fails at once under WAL.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
    DATABASES["default"]["TEST"] = {"NAME": env("TEST_DATABASE", default=str(VAR_DIR / "test.sqlite3"))}
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["CONN_MAX_AGE"] = 60
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SQLITE_VERSION = sqlite3.sqlite_version

Q_CLUSTER = {
    "name": "bpp_portal",
    "orm": "default",
    "workers": env.int("WORKERS", default=2),
    "queue_limit": env.int("WORKERS", default=2),
    "bulk": 1,
    "poll": 0.2,
    "timeout": 90,
    # Far above queue wait plus time-out: our own sweeper gives liveness, redelivery never does.
    "retry": 3600,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "save_limit": 250,
    "recycle": 50,
    "max_rss": 800_000,
    "label": "Background tasks",
}

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "bpp_portal.adapter.NoSignUpAdapter"
SOCIALACCOUNT_ADAPTER = "bpp_portal.entra.adapter.EntraSignIn"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
# How many proxies before the portal may be believed about a caller's address, for the lock-out and the trail.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int(
    "TRUSTED_PROXY_COUNT", default=1 if env.bool("BEHIND_PROXY", default=False) else 0
)

# Mails to people about their notices, as smtp+tls://user:password@host:587. Without it notices are in the portal only.
EMAIL_URL = env("EMAIL_URL", default="")
MAIL_IS_SET_UP = bool(EMAIL_URL)
if MAIL_IS_SET_UP:
    vars().update(env.email_url("EMAIL_URL"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="bpp-portal@localhost")
# The portal's own address, for links in mails; without it they name none.
PORTAL_URL = env("PORTAL_URL", default="")

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["bpp_portal.formats"]
USE_TZ = True
USE_I18N = True
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": env("STATICFILES_BACKEND", default="whitenoise.storage.CompressedManifestStaticFilesStorage")
    },
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# Two demos on other ports of one host share the cookie jar: the name keeps them apart.
SESSION_COOKIE_NAME = env("SESSION_COOKIE_NAME", default="__Host-bpp_session" if PRODUCTION else "bpp_session")
CSRF_COOKIE_NAME = env("CSRF_COOKIE_NAME", default="__Host-bpp_csrf" if PRODUCTION else "bpp_csrf")
# A sign-in ends after this time without use, and after this time at all.
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", default=8 * 3600)
SESSION_ABSOLUTE_SECONDS = env.int("SESSION_ABSOLUTE_SECONDS", default=12 * 3600)
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_SECONDS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = 31536000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
# A file that a page takes, in bytes; larger ones come in by command.
LOAD_MAX_BYTES = env.int("LOAD_MAX_BYTES", default=200_000_000)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # First, since it answers 401 where nobody is signed in.
        "bpp_portal.api_sign_in.BasicSignIn",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "bpp_portal",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
    # httpx logs whole addresses at INFO, and a write address carries its signature.
    "loggers": {
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "msal": {"level": "WARNING"},
        "django.server": {"level": "WARNING"},
    },
}
