"""The beginning and the end of a grant."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from keyvault import audit, pool, vault
from keyvault.audit import Action, Actor
from keyvault.endpoints import endpoint_name
from keyvault.errors import RefreshRefusedError, StateError, UnknownRecordError
from keyvault.models import Credential, Grant
from keyvault.renewal.claims import claim_grant, claimable_grant, seal_refresh
from keyvault.renewal.contract import AccountRef, TokenPair, account_of, renewer
from keyvault.renewal.times import call_seconds, renewal_at, valid_until
from keyvault.vault import AccessTokenSecret


def store_grant(
    *,
    keychain_id: UUID,
    account: AccountRef,
    account_name: str,
    pair: TokenPair,
    name: str,
    limits: Sequence[tuple[int, int]],
    actor: Actor,
    replaces: Sequence[UUID] = (),
) -> Credential:
    """Stores a verified grant as a credential that may be lent; what it replaces is retired.

    One transaction, or the caller's. Leases of the retired credentials drain: they were granted
    already, no new ones are. The pool is seeded with the one request that identified the account.

    Args:
        keychain_id: the store.
        account: the provider is also the name of the endpoint.
        account_name: the vendor's own name of it, for people.
        pair: committed here before anything else uses it.
        name: what people call the connection.
        limits: the vendor's windows of this grant, (seconds, limit).
        actor: who connected it.
        replaces: credentials of the same store.

    Returns:
        The stored credential, active.

    Raises:
        DuplicateCredentialError: another live credential opens the same account.
        UnknownRecordError, StateError: one that is to be replaced is gone.
        ShreddedKeychainError, KeyExhaustedError, KekUnavailableError, UnknownKekError: nothing was
            stored.
    """
    now = timezone.now()
    life_seconds = pair.expires_in_seconds
    with transaction.atomic():
        for credential_id in replaces:
            retire(credential_id=credential_id, keychain_id=keychain_id, actor=actor)
        credential = vault.store_token(
            keychain_id=keychain_id,
            secret=AccessTokenSecret(pair.access_token),
            fingerprint=vault.account_fingerprint(
                provider=account.provider, account=account.account
            ),
            name=name,
            endpoint=endpoint_name(name=account.provider, shop=account.shop),
            limits=limits,
            valid_until=valid_until(now=now, life_seconds=life_seconds),
            actor=actor,
        )
        Grant(
            credential=credential,
            provider=account.provider,
            account=account.account,
            account_name=account_name,
            shop=account.shop,
            scopes=" ".join(pair.scopes),
            sealed_refresh=seal_refresh(
                keychain_id=keychain_id,
                credential_id=credential.pk,
                generation=1,
                refresh_token=pair.refresh_token,
            ),
            access_expires_at=now + timedelta(seconds=life_seconds),
            renewed_at=now,
            due_at=renewal_at(now=now, life_seconds=life_seconds),
        ).save(force_insert=True)
        pool.seed(credential_id=credential.pk, request_times=[now])
        _record(Action.GRANT_CONNECTED, credential=credential, actor=actor, account=account)
    return credential


def retire(*, credential_id: UUID, keychain_id: UUID, actor: Actor) -> None:
    """Takes a credential out of the pool because another stands in its place. Needs a transaction.

    Its grant, if it has one, is renewed no more; it is not revoked, since the vendor may have
    given the new one in its place.
    """
    vault.set_state(
        credential_id=credential_id,
        keychain_id=keychain_id,
        to=Credential.State.REPLACED,
        actor=actor,
        reason="reconnected",
    )
    Grant.objects.filter(pk=credential_id).update(
        state=Grant.State.ENDED, due_at=None, sealed_refresh=b""
    )


def end_grant(*, credential_id: UUID, keychain_id: UUID, actor: Actor) -> None:
    """Disconnects: ends the grant at the vendor, then shreds both tokens.

    The claim keeps a renewal from bringing a pair meanwhile. Open no transaction around it.

    Args:
        credential_id: which one.
        keychain_id: the keychain that it must belong to.
        actor: who disconnects it.

    Raises:
        UnknownRecordError: no such grant in that keychain.
        StateError: it is being renewed at this moment; try again in a few seconds.
        RefreshFailedError: the vendor did not confirm it; nothing was shredded; try again.
    """
    grant = (
        Grant.objects.select_related("credential")
        .filter(pk=credential_id, credential__keychain_id=keychain_id)
        .first()
    )
    if grant is None or grant.state == Grant.State.ENDED:
        message = f"no grant {credential_id} in keychain {keychain_id}"
        raise UnknownRecordError(message)
    if grant.state in Grant.LIVE_STATES:
        _end_at_vendor(credential_id=credential_id)
    with transaction.atomic():
        Grant.objects.filter(pk=credential_id).update(
            state=Grant.State.ENDED,
            sealed_refresh=b"",
            due_at=None,
            claimed_until=None,
            intent_at=None,
        )
        vault.set_state(
            credential_id=credential_id,
            keychain_id=keychain_id,
            to=Credential.State.REVOKED,
            actor=actor,
            reason="disconnected",
        )
        _record(
            Action.GRANT_ENDED,
            credential=grant.credential,
            actor=actor,
            account=account_of(grant),
        )


def _end_at_vendor(*, credential_id: UUID) -> None:
    now = timezone.now()
    grant = claimable_grant(credential_id=credential_id, now=now)
    claim = claim_grant(grant=grant, now=now) if grant else None
    if claim is None:
        message = f"grant {credential_id} is being renewed"
        raise StateError(message)
    try:
        renewer().revoke(
            account=account_of(claim.grant),
            refresh_token=claim.refresh_token,
            seconds=call_seconds(),
        )
    except RefreshRefusedError:
        return
    except BaseException:
        Grant.objects.filter(pk=credential_id, fence=claim.grant.fence).update(
            claimed_until=None, intent_at=None
        )
        raise


def _record(action: Action, *, credential: Credential, actor: Actor, account: AccountRef) -> None:
    audit.record(
        action=action,
        actor=actor,
        keychain_id=credential.keychain_id,
        subject=f"credential:{credential.pk}",
        facts={"provider": account.provider},
    )
