"""Counting a grant, and opening the credential that goes with it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from keyvault import windows
from keyvault.audit import Action
from keyvault.endpoints import address_of
from keyvault.leases.access import Caller
from keyvault.leases.entries import entry
from keyvault.leases.together import LeaseWrite, write_lease
from keyvault.leases.values import SETTLE_SECONDS, IssuedLease, LeaseAsk, LentCredential
from keyvault.models import Credential
from keyvault.models.lease import moment
from keyvault.pool.budgets import budget_of
from keyvault.pool.engine import uuid_value
from keyvault.pool.rows import KeyRow, transit_us
from keyvault.pool.writing import Effect
from keyvault.vault import SealedCredential, Secret, open_sealed_credential
from keyvault.windows import SECOND

_INSERT: Final = (
    "INSERT INTO keyvault_lease (id, key_id, token_id, permits, counted, is_batch, granted_us, "
    "use_by_us, expires_us, outcome) SELECT %(lease_id)s, %(key_id)s, %(token_id)s, %(permits)s, "
    "%(permits)s, %(is_batch)s, %(granted_us)s, %(use_by_us)s, %(expires_us)s, '' WHERE {saved}"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key that may be lent, and its sealed credential."""

    row: KeyRow
    credential: SealedCredential = field(repr=False)


def lend(
    *, candidate: Candidate, caller: Caller, ask: LeaseAsk, effects: Sequence[Effect] = ()
) -> IssuedLease | None:
    """Lends a key, if it has a permit and nobody was faster.

    One statement on PostgreSQL. The credential is opened first: what does not open costs no permit.

    Args:
        candidate: as read just now.
        caller: who asks.
        ask: what for.
        effects: what else takes place with the lease.

    Returns:
        The lease; None when the key has no permit, or was changed since it was read.

    Raises:
        TamperedSecretError, UnknownKekError, KekUnavailableError: nothing
            was granted.
    """
    prepared = prepare(candidate=candidate, caller=caller, ask=ask, effects=effects)
    if prepared is None:
        return None
    lease, write = prepared
    return lease if write_lease(write) else None


def prepare(
    *, candidate: Candidate, caller: Caller, ask: LeaseAsk, effects: Sequence[Effect] = ()
) -> tuple[IssuedLease, LeaseWrite] | None:
    """A lease that is yet to be written; None when the key has no permit. See `lend`."""
    row = candidate.row
    state = row.advanced()
    free = windows.free_permits(state=state, traffic_class=ask.traffic_class)
    if not free:
        return None
    secret = open_sealed_credential(credential=candidate.credential, actor=caller.actor)
    permits, lease_id = min(free, ask.permits), uuid.uuid4()
    use_by_us = row.now_us + ask.use_within_seconds * SECOND
    after = windows.grant(
        state=state,
        permits=permits,
        traffic_class=ask.traffic_class,
        leaves=row.oldest,
        use_by_us=use_by_us,
        transit_us=transit_us(),
    )
    lease = IssuedLease(
        id=lease_id,
        permits=permits,
        use_by=moment(use_by_us),
        expires_at=moment(use_by_us + SETTLE_SECONDS * SECOND),
        credential=lent(credential=candidate.credential, secret=secret),
        budget=budget_of(after),
        backend_id=caller.backend_id,
        public_key=caller.public_key,
    )
    own = [
        _row_effect(lease=lease, row=row, caller=caller, ask=ask),
        _entry_effect(lease=lease, candidate=candidate, caller=caller, ask=ask),
    ]
    write = LeaseWrite(
        key_id=row.id, version=row.version, state=after, effects=own, further=effects
    )
    return lease, write


def lent(*, credential: Credential | SealedCredential, secret: Secret) -> LentCredential:
    """The credential as a backend gets it."""
    return LentCredential(
        id=credential.id,
        type=credential.kind,
        endpoint=credential.endpoint,
        base_url=address_of(credential.endpoint),
        language=credential.language,
        secret=secret,
    )


def _row_effect(*, lease: IssuedLease, row: KeyRow, caller: Caller, ask: LeaseAsk) -> Effect:
    use_by_us = row.now_us + ask.use_within_seconds * SECOND
    return Effect(
        sql=_INSERT,
        parameters={
            "lease_id": uuid_value(lease.id),
            "token_id": caller.token_id,
            "permits": lease.permits,
            "is_batch": ask.traffic_class == "batch",
            "granted_us": row.now_us,
            "use_by_us": use_by_us,
            "expires_us": use_by_us + SETTLE_SECONDS * SECOND,
        },
    )


def _entry_effect(
    *, lease: IssuedLease, candidate: Candidate, caller: Caller, ask: LeaseAsk
) -> Effect:
    return entry(
        action=Action.LEASE_GRANTED,
        actor=caller.actor,
        keychain_id=candidate.credential.keychain_id,
        lease_id=lease.id,
        facts={
            "class": ask.traffic_class,
            "credential": str(lease.credential.id),
            "permits": lease.permits,
            "use_within_seconds": ask.use_within_seconds,
        },
    )
