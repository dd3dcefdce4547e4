"""Making keychains."""

import uuid

from django.db import IntegrityError, transaction

from keyvault import audit, envelope
from keyvault.audit import SYSTEM, Action, Actor
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


def system_keychain() -> Keychain:
    """The one keychain of the system, made at its first use. One query.

    Of two who make it at the same moment, both end with the same. In a transaction of its own, or
    the caller's.

    Raises:
        KeyringError, KekUnavailableError: there is none yet and its DEK cannot be wrapped.
    """
    keychains = Keychain.objects.filter(kind=Keychain.Kind.SYSTEM)
    if found := keychains.first():
        return found
    try:
        with transaction.atomic():
            return create_keychain(kind=Keychain.Kind.SYSTEM, label="Latchkey", actor=SYSTEM)
    except IntegrityError:
        return keychains.get()
