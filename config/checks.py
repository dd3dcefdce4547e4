"""What `manage.py check --deploy` says of our own settings; Django checks its own.

Each finding has a number that stays its own for good: docs/reference/configuration.md lists them.
They read files and settings, and ask neither the database nor the network.
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004  # Django's own name

from config.colours import DARK, LIGHT, READABLE, legibility
from config.environment import Environment, variable
from keyvault.errors import KeyringError
from keyvault.vault import require_keyring

NETWORK_FILESYSTEMS: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "fuse.sshfs", "afs"}
)
LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
# Of the defaults, and of the files of settings that are copied.
SAMPLE_DOMAIN: Final = "@example.test"


@dataclass(frozen=True, slots=True)
class Finding:
    """A numbered finding.

    Attributes:
        id: its number; W for what should not stay so, E for what must not.
        text: what is wrong.
        hint: what to do.
    """

    id: str
    text: str
    hint: str

    def message(self, detail: str = "") -> CheckMessage:
        """The finding as Django shows it."""
        kind = Error if ".E" in self.id else Warning
        return kind(f"{self.text}{': ' if detail else '.'}{detail}", hint=self.hint, id=self.id)


KEYRING = Finding(
    "latchkey.E001",
    "The keyring cannot be used, so no secret can be opened or stored",
    "Restore the file from its backup, or, only for a new installation: manage.py keyvault init",
)
NETWORK_DISK = Finding(
    "latchkey.E002",
    "SQLite stands on a network disk, where its locks do not hold: permits would be granted twice",
    "Set DATABASE_URL to a PostgreSQL, or move DATA_DIR to a disk of this machine.",
)
DEVELOPMENT = Finding(
    "latchkey.W001",
    "This is the development mode: plain http, plain cookies, the simulator in the vendor's place",
    "Set LATCHKEY_MODE=production.",
)
SQLITE = Finding(
    "latchkey.W002",
    "SQLite serves one machine only",
    "Set DATABASE_URL, or LATCHKEY_SINGLE_MACHINE=true when there will be no second machine.",
)
NO_PROXY = Finding(
    "latchkey.W003",
    "No proxy is trusted: behind one that ends TLS, every page is redirected to itself for ever, "
    "and login limits count all people as one address",
    "Set LATCHKEY_TRUSTED_PROXIES to the address of the proxy in front.",
)
METRICS = Finding(
    "latchkey.W004",
    "The measures of several processes cannot be added up",
    "Set PROMETHEUS_MULTIPROC_DIR to a folder that the service may write and that a boot empties.",
)
SAMPLE_ADDRESS = Finding(
    "latchkey.W005",
    "An e-mail address is still the sample one",
    "Set it to an address that you read.",
)
NO_STATIC_FILES = Finding(
    "latchkey.W006",
    "The static files are not collected, so no page can be shown",
    "Run: manage.py collectstatic --noinput",
)
OPEN_FOLDER = Finding(
    "latchkey.W007",
    "Everybody on this machine may look into a folder that holds keys",
    "Run: chmod o-rwx on it.",
)
LOCAL_HOST = Finding(
    "latchkey.W008",
    "A host name is this machine's own, so links in mails may lead nowhere",
    "Leave it out of LATCHKEY_HOSTS; probes need no host name.",
)
PALE_BRAND = Finding(
    "latchkey.W009",
    "A colour of the brand cannot be read as text, so links and charts take another shade of it",
    f"Choose one with {READABLE} : 1 on the page; buttons have it already.",
)
FINDINGS: Final = tuple(value for value in list(globals().values()) if isinstance(value, Finding))

Check = Callable[[Environment], Iterator[CheckMessage]]


def _keyring(environment: Environment) -> Iterator[CheckMessage]:  # noqa: ARG001  # all have one shape
    try:
        require_keyring()
    except KeyringError as error:
        yield KEYRING.message(str(error))


def _database(environment: Environment) -> Iterator[CheckMessage]:
    if environment.database_url is not None:
        return
    kind = _filesystem(environment.data_dir)
    if kind in NETWORK_FILESYSTEMS:
        yield NETWORK_DISK.message(f"{environment.data_dir} is on {kind}")
    if not environment.single_machine:
        yield SQLITE.message()


def _front(environment: Environment) -> Iterator[CheckMessage]:
    if environment.mode != "production":
        yield DEVELOPMENT.message()
        return
    if not environment.trusted_proxies:
        yield NO_PROXY.message()
    for host in LOCAL_NAMES.intersection(environment.hosts):
        yield LOCAL_HOST.message(host)


def _metrics(environment: Environment) -> Iterator[CheckMessage]:
    folder = environment.metrics_dir
    if folder is None:
        yield METRICS.message("PROMETHEUS_MULTIPROC_DIR is not set")
    elif not folder.is_dir() or not os.access(folder, os.W_OK):
        yield METRICS.message(f"{folder} is no folder that can be written")


def _addresses(environment: Environment) -> Iterator[CheckMessage]:
    for name in ("support_email", "mail_from"):
        if parseaddr(getattr(environment, name))[1].endswith(SAMPLE_DOMAIN):
            yield SAMPLE_ADDRESS.message(variable(name))


def _files(environment: Environment) -> Iterator[CheckMessage]:
    if not (Path(settings.STATIC_ROOT) / "staticfiles.json").is_file():
        yield NO_STATIC_FILES.message(str(settings.STATIC_ROOT))
    for folder in {environment.data_dir, Path(settings.KEYVAULT_KEYRING).parent}:
        if folder.is_dir() and folder.stat().st_mode & stat.S_IRWXO:
            yield OPEN_FOLDER.message(str(folder))


def _brand(environment: Environment) -> Iterator[CheckMessage]:
    for name, ground in (("brand_colour", LIGHT), ("brand_colour_dark", DARK)):
        colour = getattr(environment, name)
        if colour is None:
            continue
        found = legibility(colour, ground=ground)
        if found < READABLE:
            yield PALE_BRAND.message(f"{variable(name)} has {found:.1f} : 1")


CHECKS: Final[tuple[Check, ...]] = (
    _keyring,
    _database,
    _front,
    _metrics,
    _addresses,
    _files,
    _brand,
)


@register(Tags.security, deploy=True)
def check_deployment(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001  # Django passes it
    **_: Any,
) -> list[CheckMessage]:
    """All findings for the present settings."""
    return [message for check in CHECKS for message in check(settings.ENVIRONMENT)]


def _filesystem(path: Path) -> str:
    """The kind of the filesystem that a path stands on, "" where this machine does not tell."""
    mounts = Path("/proc/self/mounts")
    if not mounts.is_file():
        return ""
    target = path.resolve()
    best, kind = Path("/"), ""
    for line in mounts.read_text().splitlines():
        _, point, found, *_ = line.split(" ")
        folder = Path(point.replace("\\040", " "))
        if target.is_relative_to(folder) and len(folder.parts) >= len(best.parts):
            best, kind = folder, found
    return kind
