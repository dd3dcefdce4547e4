"""Which KEK provider and which keyring this installation uses."""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings

from keyvault.errors import KeyringError, UnknownKekError
from keyvault.kek.keyring import Keyring
from keyvault.kek.local import LocalProvider, keyring_at, reload_keyring
from keyvault.kek.provider import KekProvider

_REMOTE = {
    "vault-transit": ("keyvault.kek.transit", "TransitSettings", "TransitProvider"),
    "aws-kms": ("keyvault.kek.aws", "AwsSettings", "AwsProvider"),
}


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
    """The provider that wraps new DEKs.

    Raises:
        KeyringError: its settings are missing.
    """
    return _provider(settings.KEYVAULT_KEK["provider"])


def provider_of(kek_id: str) -> KekProvider:
    """The provider that can unwrap what this KEK wrapped.

    Raises:
        UnknownKekError: the id is of no provider that is configured here.
    """
    try:
        return _provider(kek_id.partition(":")[0])
    except KeyringError:
        message = f"KEK {kek_id} belongs to a provider that is not configured here"
        raise UnknownKekError(message) from None


def configured_providers() -> list[KekProvider]:
    """The local provider, and the remote ones that have settings."""
    remote = [name for name in _REMOTE if settings.KEYVAULT_KEK.get(name)]
    return [_provider(name) for name in ("local", *remote)]


def _path() -> Path:
    return Path(settings.KEYVAULT_KEYRING)


def _provider(name: str) -> KekProvider:
    if name == LocalProvider.name:
        return _local(_path())
    options = settings.KEYVAULT_KEK.get(name)
    if name not in _REMOTE or not options:
        message = f"the KEK provider {name} has no settings"
        raise KeyringError(message)
    return _remote(name, tuple(sorted(options.items())))


@cache
def _local(path: Path) -> LocalProvider:
    return LocalProvider(path)


@cache
def _remote(name: str, options: tuple[tuple[str, Any], ...]) -> KekProvider:
    """Imported here: their libraries are extras that only their users install."""
    module_name, settings_name, provider_name = _REMOTE[name]
    module = import_module(module_name)
    provider: KekProvider = getattr(module, provider_name)(
        getattr(module, settings_name)(**dict(options))
    )
    return provider
