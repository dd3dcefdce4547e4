"""Making stores, and what a merchant does with the keys of one."""

from django.db import transaction

from keyvault import vault
from keyvault.audit import Action, Actor, record
from keyvault.errors import StateError
from keyvault.models import Credential, Keychain
from onboarding.models import Merchant, Store


@transaction.atomic
def create_store(
    *,
    merchant: Merchant,
    name: str,
    app_name: str,
    cluster: str = Store.Cluster.EU1,
    language: str = "en",
    platform: str = Store.Platform.ECOM,
    actor: Actor,
) -> Store:
    """Make a store with a keychain of its own.

    Args:
        merchant: whose shop it is.
        name: what the merchant calls the shop.
        app_name: the one app that its keys feed.
        cluster: where the shop lives, as far as is known; the first key decides.
        language: the vendor's language to ask in, two letters; the first key decides.
        platform: what the web shop runs on, a value of `Store.Platform`; campaigns ask.
        actor: who makes it.

    Raises:
        keyvault.errors.VaultError: no key could be made for it; nothing is kept.
    """
    keychain = vault.create_keychain(kind=Keychain.Kind.STORE, label=name, actor=actor)
    store = Store.objects.create(
        keychain=keychain,
        merchant=merchant,
        name=name,
        app_name=app_name,
        cluster=cluster,
        language=language,
        platform=platform,
    )
    record(
        action=Action.STORE_CREATED,
        actor=actor,
        keychain_id=store.pk,
        subject=f"store:{store.pk}",
        facts={"cluster": str(cluster), "language": language},
    )
    return store


def pause_key(*, credential: Credential, actor: Actor) -> Credential:
    """Stop lending a key until it is resumed; leases that are out run to their end.

    Raises:
        keyvault.errors.StateError: it is not active or suspended.
    """
    return _move(credential, to=Credential.State.PAUSED, actor=actor)


@transaction.atomic
def resume_key(*, credential: Credential, actor: Actor) -> Credential:
    """Lend a paused key again; check it afterwards, the vendor may refuse it by now.

    Locks the key's row: a key that the vendor refuses must not come back in this way.

    Raises:
        keyvault.errors.StateError: it is not paused.
    """
    row = Credential.objects.select_for_update(no_key=True).get(pk=credential.pk)
    if row.state not in (Credential.State.PAUSED, Credential.State.ACTIVE):
        message = f"credential {row.pk} is {row.state}, not to be resumed"
        raise StateError(message)
    return _move(row, to=Credential.State.ACTIVE, actor=actor)


def remove_key(*, credential: Credential, actor: Actor) -> Credential:
    """Take a key out for good: its sealed bytes are destroyed, nothing brings it back.

    Raises:
        keyvault.errors.StateError: another request was faster with another change.
    """
    return _move(credential, to=Credential.State.REVOKED, actor=actor)


def _move(credential: Credential, *, to: Credential.State, actor: Actor) -> Credential:
    return vault.set_state(
        credential_id=credential.pk,
        keychain_id=credential.keychain_id,
        to=to,
        actor=actor,
        reason="asked",
    )
