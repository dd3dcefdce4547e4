"""Everything that can be set from outside, read strictly.

`Environment` is the whole list; a name with our prefix that it does not know, or a value that does
not fit, stops the start with every fault named at once.
"""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
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
    signup_open: bool = Field(
        default=False, description="Whether people may make accounts without an invitation."
    )
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


def read_environment() -> Environment:
    """Read and check the environment; raises ImproperlyConfigured naming every fault."""
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


def development_secret_key(data_dir: Path) -> str:
    """Give this folder's own key, made once, so that nobody runs with a published one."""
    path = data_dir / "secret-key"
    data_dir.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(64))
    return path.read_text()


def database(environment: Environment) -> dict[str, Any]:
    """Give the value of DATABASES["default"]."""
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
