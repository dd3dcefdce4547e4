"""Idempotency-Key: the same request again leads to the same lease, however often it comes.

Only the lease is kept, never its secret: a repeat opens the credential anew. The key is written in
the transaction of the lease, under a unique constraint, so of many at once one lends and the others
find what it lent.
"""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError

from keyvault import audit, vault
from keyvault.audit import Action
from keyvault.errors import (
    IdempotencyError,
    LeaseClosedError,
    TamperedSecretError,
    UnknownRecordError,
)
from keyvault.leases.access import Caller, caller_of, stores_of
from keyvault.leases.backends import Scope
from keyvault.leases.issue import issue_lease
from keyvault.leases.lending import lent
from keyvault.leases.values import IssuedLease, LeaseAsk
from keyvault.models import Credential, Lease, RepeatableRequest
from keyvault.models.lease import moment
from keyvault.pool import budgets
from keyvault.pool.engine import clock_us, uuid_value
from keyvault.pool.writing import Effect

_INSERT = (
    "INSERT INTO keyvault_repeatablerequest (backend_id, key, digest, lease_id) "
    "SELECT %(repeat_backend_id)s, %(repeat_key)s, %(repeat_digest)s, %(lease_id)s WHERE {saved}"
)


@dataclass(frozen=True, slots=True)
class _Repeat:
    key: str
    digest: str


def issue_once(
    *, digest: str, keychain_id: UUID, ask: LeaseAsk, key: str, address: str = ""
) -> IssuedLease:
    """Lends as `issue_lease`, or gives the lease that the same key has led to.

    Four statements for the first, a few more for a repeat.

    Args:
        digest: of the token that the caller shows.
        keychain_id: the store.
        ask: how many permits, for whom, for how long.
        key: the caller's Idempotency-Key.
        address: where the call comes from.

    Raises:
        IdempotencyError: the key stands for another request.
        LeaseClosedError: the lease that it led to is over, or its key is lent no more.
        UnknownRecordError: the store was taken from the backend since.
        VaultError: as for `issue_lease`; a refusal is not kept, so that a repeat may succeed.
    """
    caller = caller_of(digest=digest, scope=Scope.LEASES_WRITE, address=address)
    repeat = _Repeat(key=key, digest=_digest(keychain_id=keychain_id, ask=ask))
    earlier = _earlier(caller=caller, repeat=repeat)
    if earlier is not None:
        return earlier
    effect = Effect(
        sql=_INSERT,
        parameters={
            "repeat_backend_id": uuid_value(caller.backend_id),
            "repeat_key": key,
            "repeat_digest": repeat.digest,
        },
    )
    try:
        # No transaction around it: who loses a race for one key would hold that key's lock while it
        # waits for the others, and two of them could wait for each other.
        return issue_lease(
            digest=digest, keychain_id=keychain_id, ask=ask, address=address, effects=[effect]
        )
    except IntegrityError:
        earlier = _earlier(caller=caller, repeat=repeat)
        if earlier is None:
            raise
        return earlier


def _digest(*, keychain_id: UUID, ask: LeaseAsk) -> str:
    text = f"{keychain_id}|{ask.permits}|{ask.traffic_class}|{ask.use_within_seconds}"
    return hashlib.sha256(text.encode()).hexdigest()


def _earlier(*, caller: Caller, repeat: _Repeat) -> IssuedLease | None:
    found = (
        RepeatableRequest.objects.filter(backend_id=caller.backend_id, key=repeat.key)
        .select_related("lease__key")
        .first()
    )
    if found is None:
        return None
    if found.digest != repeat.digest:
        message = "the Idempotency-Key stands for another request"
        raise IdempotencyError(message)
    return _reopened(caller=caller, lease=found.lease)


def _reopened(*, caller: Caller, lease: Lease) -> IssuedLease:
    credential = Credential.objects.select_related("keychain__wrapped_dek").get(
        pk=lease.key.credential_id
    )
    if not stores_of(caller=caller).filter(pk=credential.keychain_id).exists():
        message = f"no store {credential.keychain_id} for this backend"
        raise UnknownRecordError(message)
    is_over = lease.settled_us is not None or clock_us() > lease.expires_us
    if is_over or credential.state != Credential.State.ACTIVE:
        message = "the lease that this Idempotency-Key led to is over"
        raise LeaseClosedError(message)
    try:
        secret = vault.open_credential(credential=credential, actor=caller.actor)
    except TamperedSecretError:
        vault.quarantine(credential_id=credential.pk)
        message = "the key that this Idempotency-Key led to is lent no more"
        raise LeaseClosedError(message) from None
    audit.record(
        action=Action.CREDENTIAL_OPENED,
        actor=caller.actor,
        keychain_id=credential.keychain_id,
        subject=f"lease:{lease.pk}",
        facts={"credential": str(credential.pk), "purpose": "repeat"},
    )
    return IssuedLease(
        id=lease.pk,
        permits=lease.permits,
        use_by=moment(lease.use_by_us),
        expires_at=moment(lease.expires_us),
        credential=lent(credential=credential, secret=secret),
        budget=budgets(credential_ids=[credential.pk])[credential.pk],
        backend_id=caller.backend_id,
        public_key=caller.public_key,
    )
