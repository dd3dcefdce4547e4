"""Which KEK provider and which keyring this installation uses."""

from functools import cache
from pathlib import Path

from django.conf import settings

from keyvault.errors import UnknownKekError
from keyvault.kek.keyring import Keyring
from keyvault.kek.local import LocalProvider, keyring_at, reload_keyring
from keyvault.kek.provider import KekProvider


def require_keyring() -> None:
    """Makes sure that secrets can be opened; servers and workers call it before they start.

    Reads the keyring file anew; no query.

    Raises:
        KeyringError: missing, damaged, open to others: do not start, show the message.
    """
    reload_keyring(_path())


def current_keyring() -> Keyring:
    """The keyring of this installation.

    Raises:
        KeyringError: see `require_keyring`.
    """
    return keyring_at(_path())


def active_provider() -> KekProvider:
    """The provider that wraps new DEKs."""
    return _local(_path())


def provider_of(kek_id: str) -> KekProvider:
    """The provider that can unwrap what this KEK wrapped.

    Raises:
        UnknownKekError: the id is of no provider that is configured here.
    """
    provider = active_provider()
    if kek_id.partition(":")[0] == provider.name:
        return provider
    message = f"KEK {kek_id} belongs to a provider that is not configured here"
    raise UnknownKekError(message)


def _path() -> Path:
    return Path(settings.KEYVAULT_KEYRING)


@cache
def _local(path: Path) -> LocalProvider:
    return LocalProvider(path)
