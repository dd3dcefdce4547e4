"""Keychains, credentials and secrets for the vault's tests."""

import secrets

from pydantic import SecretStr

from keyvault import vault
from keyvault.audit import SYSTEM, Actor
from keyvault.models import Credential, Keychain

OWNER = Actor("person", "1")
BACKEND = Actor("backend", "2b0f5c1e")
LIMITS = ((300, 300), (3600, 3000), (86400, 12000))


def api_key() -> vault.ApiKeySecret:
    """A random pair in the vendor's shape."""
    return vault.ApiKeySecret(SecretStr(secrets.token_hex(16)), SecretStr(secrets.token_hex(16)))


def keychain(label: str = "Bakery De Korenaar") -> Keychain:
    return vault.create_keychain(kind=Keychain.Kind.STORE, label=label, actor=SYSTEM)


def credential(
    *, of: Keychain | None = None, secret: vault.ApiKeySecret | None = None, name: str = "App"
) -> Credential:
    return vault.store_credential(
        keychain_id=(of or keychain()).id,
        draft_id=None,
        secret=secret or api_key(),
        name=name,
        endpoint="ecom-eu1",
        language="nl",
        limits=LIMITS,
        actor=OWNER,
    )
