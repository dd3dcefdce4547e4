"""Django settings, read strictly from the environment.

`Environment` is the whole list of what an operator can set; a name with our prefix that it does not
know, or a value that does not fit, stops the start with every fault named at once.
"""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent
PREFIX = "LATCHKEY_"


class Environment(BaseSettings):
    """Everything that is read from the environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", hide_input_in_errors=True, populate_by_name=True
    )

    mode: Literal["development", "production"] = Field(
        "development", description="development serves this machine only, over plain http."
    )
    secret_key: SecretStr | None = Field(
        None,
        min_length=50,
        description="Signs sessions and links; no stored secret derives from it.",
    )
    hosts: list[str] = Field(
        default_factory=list, description="JSON list of host names that the site answers to."
    )
    database_url: SecretStr | None = Field(
        None, alias="DATABASE_URL", description="postgresql://…; empty: SQLite in DATA_DIR."
    )
    data_dir: Path = Field(
        BASE_DIR / "var", alias="DATA_DIR", description="Database, keyring and checkpoints."
    )
    port: int = Field(8000, alias="PORT", ge=1, le=65535, description="The site's port.")
    simulator_port: int = Field(
        8001, alias="SIMULATOR_PORT", ge=1, le=65534, description="eu1 stand-in; us1 is the next."
    )
    keyring: Path | None = Field(None, description="Keyring file; empty: DATA_DIR/keyring.json.")
    checkpoints: Path | None = Field(
        None, description="Where audit checkpoints are copied; empty: DATA_DIR/checkpoints.jsonl."
    )
    operator_name: str = Field("Your app builder", min_length=1, description="Shown on each page.")
    support_email: str = Field("support@example.test", description="Where people ask for help.")
    smtp_url: SecretStr | None = Field(
        None, description="smtp[s]://user:password@host:port; empty: mails are printed."
    )
    mail_from: str = Field("Latchkey <latchkey@example.test>", description="Sender of all mails.")
    trusted_proxies: int = Field(
        0, ge=0, le=5, description="How many proxies in front may name the client's address."
    )

    @model_validator(mode="after")
    def _is_complete(self) -> "Environment":
        if self.mode == "production":
            needed = {
                "LATCHKEY_SECRET_KEY": self.secret_key,
                "LATCHKEY_HOSTS": self.hosts,
                "LATCHKEY_SMTP_URL": self.smtp_url,
            }
            missing = sorted(name for name, value in needed.items() if not value)
            if missing:
                message = f"production needs {', '.join(missing)}"
                raise ValueError(message)
        return self


def _read_environment() -> Environment:
    known = {f"{PREFIX}{name.upper()}" for name in Environment.model_fields}
    strays = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    faults = [f"{name}: no such setting" for name in strays]
    try:
        environment = Environment()  # type: ignore[call-arg]  # the environment gives the values
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            name = ".".join(str(part) for part in fault["loc"])
            faults.append(f"{name}: {fault['msg']}" if name else fault["msg"])
    if faults:
        raise ImproperlyConfigured("Latchkey cannot start. " + "; ".join(faults))
    return environment


def _development_secret_key(data_dir: Path) -> str:
    """A key of this folder's own, so that nobody runs with a published one."""
    path = data_dir / "secret-key"
    data_dir.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(64))
    return path.read_text()


def _database(environment: Environment) -> dict[str, Any]:
    if environment.database_url is None:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": environment.data_dir / "latchkey.sqlite3",
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 10,
                # FULL: a commit lost in a power cut would grant its permits a second time.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                "PRAGMA foreign_keys=ON;",
            },
        }
    url = urlsplit(environment.database_url.get_secret_value())
    query = dict(parse_qsl(url.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": query.pop("host", url.hostname or ""),
        "PORT": url.port or "",
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "pool": {"min_size": 1, "max_size": 10, "timeout": 5},
            "server_side_binding": True,
            "prepare_threshold": 1,
            **query,
        },
    }


def _mail(environment: Environment) -> dict[str, Any]:
    if environment.smtp_url is None:
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    url = urlsplit(environment.smtp_url.get_secret_value())
    return {
        "EMAIL_HOST": url.hostname or "localhost",
        "EMAIL_PORT": url.port or 25,
        "EMAIL_HOST_USER": unquote(url.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(url.password or ""),
        "EMAIL_USE_SSL": url.scheme == "smtps",
        "EMAIL_USE_TLS": url.scheme == "smtp" and url.username is not None,
        "EMAIL_TIMEOUT": 10,
    }


ENVIRONMENT = _read_environment()
IS_PRODUCTION = ENVIRONMENT.mode == "production"

SECRET_KEY = (
    ENVIRONMENT.secret_key.get_secret_value()
    if ENVIRONMENT.secret_key
    else _development_secret_key(ENVIRONMENT.data_dir)
)
DEBUG = False
ALLOWED_HOSTS = ENVIRONMENT.hosts or ["127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ENVIRONMENT.hosts]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DATABASES = {"default": _database(ENVIRONMENT)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Counters of the login limits must be shared by all processes.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "latchkey_cache",
    }
}

INSTALLED_APPS = [
    "onboarding",
    "keyvault",
    "onboarding.staff.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_htmx",
    "django_structlog",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "onboarding.people.context.operator",
            ],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"

# People: e-mail and password, through django-allauth.
AUTH_USER_MODEL = "onboarding.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_ADAPTER = "onboarding.people.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

# Languages: English and Dutch complete.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("nl", _("Dutch"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Amsterdam"

STATIC_URL = "/static/"
STATIC_ROOT = ENVIRONMENT.data_dir / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

for _name, _value in _mail(ENVIRONMENT).items():
    globals()[_name] = _value
DEFAULT_FROM_EMAIL = SERVER_EMAIL = ENVIRONMENT.mail_from

# Browser safety. The plain cookie names are for http on this machine only.
_COOKIE_PREFIX = "__Host-" if IS_PRODUCTION else "latchkey_"
SESSION_COOKIE_NAME = f"{_COOKIE_PREFIX}session"
CSRF_COOKIE_NAME = f"{_COOKIE_PREFIX}csrf"
LANGUAGE_COOKIE_NAME = f"{_COOKIE_PREFIX}language"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = IS_PRODUCTION
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_SSL_REDIRECT = IS_PRODUCTION
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if IS_PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_PRODUCTION
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if ENVIRONMENT.trusted_proxies else None
)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# The vault. An endpoint is a name, so that a credential never carries an address of its own.
KEYVAULT_KEYRING = ENVIRONMENT.keyring or ENVIRONMENT.data_dir / "keyring.json"
KEYVAULT_CHECKPOINTS = ENVIRONMENT.checkpoints or ENVIRONMENT.data_dir / "checkpoints.jsonl"
KEYVAULT_ENDPOINTS = {
    "ecom-eu1": "https://api.webshopapp.com/",
    "ecom-us1": "https://api.shoplightspeed.com/",
}
# Addresses inside our own network that the vendor client may reach: the simulator, nothing else.
LIGHTSPEED_ALLOWED_ADDRESSES: list[str] = []
if not IS_PRODUCTION:
    _SIMULATORS = [f"127.0.0.1:{ENVIRONMENT.simulator_port + step}" for step in (0, 1)]
    LIGHTSPEED_ALLOWED_ADDRESSES = _SIMULATORS
    KEYVAULT_ENDPOINTS = {
        "ecom-eu1": f"http://{_SIMULATORS[0]}/",
        "ecom-us1": f"http://{_SIMULATORS[1]}/",
    }

OPERATOR = {"name": ENVIRONMENT.operator_name, "support_email": ENVIRONMENT.support_email}
