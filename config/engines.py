"""What the settings of the environment mean to Django's engines: database, mail, KEK providers."""

from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment

# An attempt to connect is given up soon, and the next request makes another: the pool's own pauses
# double, so it would find a database that is back only as long again after its outage.
POOL: Final = {"min_size": 1, "max_size": 10, "timeout": 3, "reconnect_timeout": 0.25}
# A lease looks dear to PostgreSQL's planner, and common installations then compile it anew each
# time: 40 ms for what takes 0.2 ms.
WITHOUT_JIT: Final = "-c jit=off"
# When its machine or the way there is gone, nobody says so: what has had no answer for ten seconds
# fails, or every thread would wait until TCP gives up a quarter of an hour later. A server that
# only takes its time answers still on that level.
NOBODY_THERE: Final = {
    "connect_timeout": 3,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}


def database(environment: Environment) -> dict[str, Any]:
    """Give the value of DATABASES["default"].

    Raises:
        ImproperlyConfigured: it is PostgreSQL, and only SQLite's part was installed.
    """
    if environment.database_url is None:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": environment.data_dir / "latchkey.sqlite3",
            # Kept open: the first to open the file writes to it, which a full disk would forbid.
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 10,
                # FULL: a commit lost in a power cut would grant its permits a second time.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                "PRAGMA foreign_keys=ON;",
            },
        }
    if find_spec("psycopg") is None:
        message = (
            "Latchkey cannot start. DATABASE_URL: what PostgreSQL needs is not installed; "
            "run: python3 tools/bootstrap.py prod"
        )
        raise ImproperlyConfigured(message)
    url = urlsplit(environment.database_url.get_secret_value())
    query = dict(parse_qsl(url.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": query.pop("host", url.hostname or ""),
        "PORT": url.port or "",
        "OPTIONS": {
            "pool": POOL,
            "server_side_binding": True,
            "prepare_threshold": 1,
            **NOBODY_THERE,
            "options": f"{WITHOUT_JIT} {query.pop('options', '')}".rstrip(),
            **query,
        },
    }


def mail(environment: Environment) -> dict[str, Any]:
    """Give Django's settings of outgoing mail."""
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


def key_providers(environment: Environment) -> dict[str, Any]:
    """The value of KEYVAULT_KEK: which provider wraps, and how to reach each remote one."""
    providers: dict[str, Any] = {"provider": environment.kek_provider}
    if environment.transit_address and environment.transit_token:
        providers["vault-transit"] = {
            "address": environment.transit_address,
            "token": environment.transit_token,
            "key": environment.transit_key,
            "mount": environment.transit_mount,
            "ca_file": str(environment.transit_ca_file) if environment.transit_ca_file else None,
        }
    if environment.aws_kms_alias and environment.aws_kms_region:
        providers["aws-kms"] = {
            "alias": environment.aws_kms_alias,
            "region": environment.aws_kms_region,
            "endpoint": environment.aws_kms_endpoint,
        }
    return providers
