"""Everything that can be set from outside: names, values, and what goes together.

`Environment` is the whole list; `config.reading` reads it.
"""

import contextlib
import json
from email.utils import parseaddr
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

from django.http.request import host_validation_re
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from config.brand import read_logo
from lightspeed.permissions import REQUIRED_BY_DEFAULT, permissions_named

BASE_DIR = Path(__file__).resolve().parent.parent
PREFIX = "LATCHKEY_"
COLOUR = "^#[0-9a-fA-F]{6}$"
# A proxy that is reached through a Unix socket has no address.
UNIX = "unix"
# Without these, production would start and then fail in front of people.
NEEDED_IN_PRODUCTION = ("secret_key", "hosts", "smtp_url")
NEEDED_BY_KEK_PROVIDER = {
    "vault-transit": ("transit_address", "transit_token"),
    "aws-kms": ("aws_kms_alias", "aws_kms_region"),
}

# Schemes, and an example to show.
ADDRESSES = {
    "database_url": (
        ("postgresql", "postgres"),
        "postgresql://user:password@host:5432/name",
    ),
    "smtp_url": (("smtp", "smtps"), "smtp://user:password@host:587"),
}

Words = Annotated[list[str], NoDecode]


class Environment(BaseSettings):
    """Everything that is read from the environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    mode: Literal["development", "production"] = Field(
        "development", description="`development` serves this machine only, over plain http."
    )
    secret_key: SecretStr | None = Field(
        None,
        min_length=50,
        description="Signs sessions and links; no stored secret derives from it.",
    )
    hosts: Words = Field(
        default_factory=list, description="Host names that the site answers to, by commas."
    )
    database_url: SecretStr | None = Field(
        None, alias="DATABASE_URL", description="`postgresql://…`; empty: SQLite in DATA_DIR."
    )
    single_machine: bool = Field(
        default=False, description="Says that SQLite is meant: there will be no second machine."
    )
    data_dir: Path = Field(
        BASE_DIR / "var", alias="DATA_DIR", description="Database, keyring and checkpoints."
    )
    static_dir: Path | None = Field(
        None, description="Where static files are collected; empty: DATA_DIR/static."
    )
    metrics_dir: Path | None = Field(
        None,
        alias="PROMETHEUS_MULTIPROC_DIR",
        description="Where a machine's processes add up their measures; empty after a boot.",
    )
    port: int = Field(8000, alias="PORT", ge=1, le=65535, description="The site's port.")
    simulator_port: int = Field(
        8001, alias="SIMULATOR_PORT", ge=1, le=65534, description="eu1 stand-in; us1 is the next."
    )
    keyring: Path | None = Field(None, description="Keyring file; empty: DATA_DIR/keyring.json.")
    checkpoints: Path | None = Field(
        None, description="Where audit checkpoints are copied; empty: DATA_DIR/checkpoints.jsonl."
    )
    key_file: Path | None = Field(
        None, description="Wrapped keys of the backups; empty: DATA_DIR/backup-keys.jsonl."
    )
    key_file_days: int = Field(
        7, ge=0, description="How many days copies of the key file are kept, for receipts."
    )
    checkpoint_webhook: str | None = Field(
        None, description="`https://…` that each audit checkpoint is posted to as well."
    )
    checkpoint_log: bool = Field(
        default=False, description="Whether each audit checkpoint is also written to the log."
    )
    backend_opens_per_minute: int = Field(
        120_000, ge=1, description="Secrets that one backend opens in a minute without an alert."
    )
    kek_provider: Literal["local", "vault-transit", "aws-kms"] = Field(
        "local",
        description="What wraps new data keys; the others stay readable while they are set.",
    )
    transit_address: str | None = Field(
        None, description="`https://…` of OpenBao or Vault, for `vault-transit`."
    )
    transit_token: SecretStr | None = Field(None, description="Token for the transit key.")
    transit_key: str = Field("latchkey", description="Name of the derived transit key.")
    transit_mount: str = Field("transit", description="Where the transit engine is mounted.")
    transit_ca_file: Path | None = Field(None, description="Certificate authority of that server.")
    aws_kms_alias: str | None = Field(
        None, pattern="^alias/", description="`alias/…` of the active KMS key, for `aws-kms`."
    )
    aws_kms_region: str | None = Field(None, description="Region of the KMS key.")
    aws_kms_endpoint: str | None = Field(None, description="Another address of KMS.")
    operator_name: str = Field("Your app builder", min_length=1, description="Shown on each page.")
    support_email: str = Field("support@example.test", description="Where people ask for help.")
    brand_colour: str | None = Field(
        None,
        pattern=COLOUR,
        description="`#rrggbb` of buttons, links and charts; empty: our own green.",
    )
    brand_colour_dark: str | None = Field(
        None,
        pattern=COLOUR,
        description="The same on a dark page; empty: LATCHKEY_BRAND_COLOUR, lightened.",
    )
    brand_logo: Path | None = Field(
        None, description="PNG or SVG of at most 32 KiB; letters show a PNG only."
    )
    brand_logo_dark: Path | None = Field(
        None, description="The same for a dark page; empty: LATCHKEY_BRAND_LOGO."
    )
    smtp_url: SecretStr | None = Field(
        None, description="`smtp[s]://user:password@host:port`; empty: mails are printed."
    )
    mail_from: str = Field("Latchkey <latchkey@example.test>", description="Sender of all mails.")
    bounces_to: str | None = Field(
        None,
        description="Address that mail servers report undeliverable mails to; empty: the sender.",
    )
    signup_open: bool = Field(
        default=False, description="Whether people may make accounts without an invitation."
    )
    required_permissions: Words = Field(
        default_factory=lambda: [str(permission) for permission in REQUIRED_BY_DEFAULT],
        min_length=1,
        description="Boxes of an eCom key that your app needs, by commas: `orders.read` and so on.",
    )
    fixed_windows: bool = Field(
        default=False,
        description="Says that the vendor's windows stand still on the clock, so that a key is "
        "free again as soon as they turn.",
    )
    vendor_latency_ms: int = Field(
        500,
        ge=50,
        le=10_000,
        description="The longest, in milliseconds, that a request of your backend takes to reach "
        "the vendor.",
    )
    token_requests_per_minute: int = Field(
        0, ge=0, description="Requests that one token of a backend may send in a minute; 0: any."
    )
    trusted_proxies: Words = Field(
        default_factory=list,
        description="Addresses or networks of proxies that may name the client's address, by "
        "commas; `unix` for one that comes through a Unix socket.",
    )

    @field_validator("hosts", "required_permissions", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            with contextlib.suppress(ValueError):
                return json.loads(value)
        return [word.strip() for word in value.split(",") if word.strip()]

    @field_validator("hosts")
    @classmethod
    def _names_hosts(cls, value: list[str]) -> list[str]:
        for host in value:
            if "*" in host or host.startswith(".") or not host_validation_re.fullmatch(host):
                message = f"{host!r} is not the name of one host"
                raise ValueError(message)
        return value

    @field_validator("required_permissions")
    @classmethod
    def _names_boxes(cls, value: list[str]) -> list[str]:
        return [str(permission) for permission in permissions_named(value)]

    @field_validator("trusted_proxies")
    @classmethod
    def _names_proxies(cls, value: list[str]) -> list[str]:
        for proxy in value:
            if proxy != UNIX and ip_network(proxy, strict=False).prefixlen == 0:
                message = f"{proxy} is everybody: anyone could choose the address that we record"
                raise ValueError(message)
        return value

    @field_validator("database_url", "smtp_url")
    @classmethod
    def _is_address(cls, value: SecretStr | None, info: Any) -> SecretStr | None:  # noqa: ANN401  # pydantic's own
        if value is not None:
            schemes, example = ADDRESSES[info.field_name]
            _require_url(value.get_secret_value(), schemes=schemes, example=example)
        return value

    @field_validator("database_url")
    @classmethod
    def _names_a_database(cls, value: SecretStr | None) -> SecretStr | None:
        url = urlsplit(value.get_secret_value() if value else "")
        if value is not None and not (url.path.strip("/") or "service" in parse_qs(url.query)):
            message = f"names no database; it should be like {ADDRESSES['database_url'][1]}"
            raise ValueError(message)
        return value

    @field_validator("support_email", "mail_from", "bounces_to")
    @classmethod
    def _is_mailbox(cls, value: str | None) -> str | None:
        if value is None:
            return value
        if "@" not in parseaddr(value)[1] or not value.isprintable():
            message = "is no e-mail address"
            raise ValueError(message)
        return value

    @field_validator("brand_logo", "brand_logo_dark")
    @classmethod
    def _is_logo(cls, value: Path | None) -> Path | None:
        if value is not None:
            read_logo(value)
        return value

    @field_validator("transit_address", "checkpoint_webhook")
    @classmethod
    def _is_guarded(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://127.0.0.1:", "http://localhost:")):
            _require_url(value, schemes=("https",), example="https://host:8200")
        return value

    @model_validator(mode="after")
    def _has_its_kek(self) -> Self:
        needed = NEEDED_BY_KEK_PROVIDER.get(self.kek_provider, ())
        missing = [variable(name) for name in needed if getattr(self, name) is None]
        if missing:
            message = f"{', '.join(missing)}: the KEK provider {self.kek_provider} needs it"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        missing = [name for name in NEEDED_IN_PRODUCTION if not getattr(self, name)]
        if self.mode == "production" and missing:
            message = "; ".join(f"{variable(name)}: production needs it" for name in missing)
            raise ValueError(message)
        return self


def variable(name: str) -> str:
    """The environment variable of a field of `Environment`."""
    alias = Environment.model_fields[name].alias
    return alias or f"{PREFIX}{name.upper()}"


def _require_url(text: str, *, schemes: tuple[str, ...], example: str) -> None:
    try:
        url = urlsplit(text)
        is_sound = text.startswith(tuple(f"{scheme}://" for scheme in schemes)) and url.port != 0
    except ValueError:
        is_sound = False
    if not is_sound:
        message = f"is no address like {example} (special characters of a password as %2F)"
        raise ValueError(message)
