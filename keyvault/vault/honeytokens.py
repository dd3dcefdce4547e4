"""Decoys: credentials that open nothing, and that nobody has a reason to use."""

import secrets

from django.conf import settings
from django.db import transaction
from pydantic import SecretStr

from keyvault.audit import Actor
from keyvault.models import Credential, Keychain
from keyvault.vault.credentials import store_credential
from keyvault.vault.keychains import create_keychain
from keyvault.vault.secrets import ApiKeySecret

# The shape of a real one; the vendor's windows, so that it can be borrowed.
_HALF_BYTES = 16
_LIMITS = ((300, 300), (3600, 3000), (86400, 12000))


def plant_honeytoken(*, label: str, actor: Actor) -> Credential:
    """Stores a random pair in a keychain of its own, active, so that using it needs no trick.

    Opening or borrowing it raises an alert; see `keyvault.vault.tripwires`. It belongs to no
    merchant: no page and no check of ours touches it. A backend that may use all stores can see it,
    so name to its makers what it must leave alone, or list its stores.

    Args:
        label: what the keychain is called, like those of stores.
        actor: who plants it.

    Returns:
        The decoy.

    Raises:
        KeyringError, KekUnavailableError: nothing was stored.
    """
    pair = ApiKeySecret(
        SecretStr(secrets.token_hex(_HALF_BYTES)), SecretStr(secrets.token_hex(_HALF_BYTES))
    )
    with transaction.atomic():
        keychain = create_keychain(kind=Keychain.Kind.STORE, label=label, actor=actor)
        decoy = store_credential(
            keychain_id=keychain.pk,
            draft_id=None,
            secret=pair,
            name="",
            endpoint=next(iter(settings.KEYVAULT_ENDPOINTS)),
            language="en",
            limits=_LIMITS,
            actor=actor,
        )
        Credential.objects.filter(pk=decoy.pk).update(is_honeytoken=True)
    decoy.is_honeytoken = True
    return decoy
