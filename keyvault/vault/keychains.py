"""Making keychains."""

import uuid

from django.db import transaction

from keyvault import audit, envelope
from keyvault.audit import Action, Actor
from keyvault.models import Keychain, WrappedDek
from keyvault.vault.ciphers import count_wraps
from keyvault.vault.custody import active_provider


def create_keychain(
    *, kind: Keychain.Kind | str, label: str, actor: Actor, keychain_id: uuid.UUID | None = None
) -> Keychain:
    """Creates a keychain with a fresh DEK, wrapped by the active KEK.

    Opens a transaction, or joins the caller's. Records `keychain.created`.

    Args:
        kind: whose secrets it will hold.
        label: for people; never a secret.
        actor: who asked for it.
        keychain_id: an id that is fixed already, as of a store; else a random one.

    Returns:
        The new keychain.

    Raises:
        KeyringError, KekUnavailableError: the DEK cannot be wrapped; nothing is stored.
        IntegrityError: the id is taken, or there is a system keychain already.
    """
    keychain = Keychain(id=keychain_id or uuid.uuid4(), kind=kind, label=label)
    key = active_provider().wrap(dek=envelope.new_dek(), keychain=keychain.id.hex)
    with transaction.atomic():
        keychain.save(force_insert=True)
        WrappedDek(keychain=keychain, kek_id=key.kek_id, wrapped=key.wrapped).save(
            force_insert=True
        )
        count_wraps(kek_id=key.kek_id)
        audit.record(
            action=Action.KEYCHAIN_CREATED,
            actor=actor,
            keychain_id=keychain.id,
            subject=f"keychain:{keychain.id}",
            facts={"kind": str(kind), "kek": key.kek_id},
        )
    return keychain
