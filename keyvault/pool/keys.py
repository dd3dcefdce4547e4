"""Keys under a lock: mending what a plain lease cannot, and the exact moment of the next permit."""

import logging
from uuid import UUID

from django.db.models import F, Q
from django.utils import timezone

from keyvault import windows
from keyvault.models import Credential, Lease, PoolKey
from keyvault.models.lease import big
from keyvault.pool.engine import clock_us, datetime_value, uuid_value
from keyvault.pool.rows import KeyRow, read_keys, recounted, transit_us
from keyvault.pool.writing import write_key
from keyvault.windows import BATCH_BURST_US, KeyState, TrafficClass

logger = logging.getLogger(__name__)


def ensure_key(*, credential: Credential) -> PoolKey:
    """The pool's row of a credential; an empty one when there is none yet.

    Needs a transaction. Safe beside others who do the same.
    """
    key, is_new = PoolKey.objects.get_or_create(credential=credential)
    if is_new:
        limits = [(seconds, limit) for seconds, limit in credential.limits]
        state = windows.fresh(limits=limits, now_us=clock_us(), transit_us=transit_us())
        write_key(key_id=key.pk, version=key.version, state=state)
    return key


def locked_key(*, credential_id: UUID) -> KeyRow:
    """One key, locked until the transaction ends and mended.

    Raises:
        PoolKey.DoesNotExist: the credential was never seeded.
    """
    PoolKey.objects.select_for_update().get(credential_id=credential_id)
    (row,) = read_keys(
        where="k.credential_id = %(credential_id)s",
        parameters={"credential_id": uuid_value(credential_id)},
    )
    return mended(row)


def locked_keys(*, keychain_id: UUID) -> list[KeyRow]:
    """The keys of a keychain that may be lent, most headroom first, locked and mended.

    Needs a transaction. Locks are taken in the order of the rows' ids, so that two callers cannot
    hold each other up. About three queries; a key without a row in the pool gets one.
    """
    now = timezone.now()
    may_be_lent = Q(valid_until=None) | Q(valid_until__gt=now)
    active = Credential.objects.filter(
        may_be_lent, keychain_id=keychain_id, state=Credential.State.ACTIVE
    )
    for credential in active.filter(pool_key=None):
        ensure_key(credential=credential)
    keys = PoolKey.objects.filter(credential__in=active).order_by("pk")
    locked = set(keys.select_for_update(of=("self",)).values_list("pk", flat=True))
    rows = read_keys(
        where="c.keychain_id = %(keychain_id)s AND c.state = 'active' "
        "AND (c.valid_until IS NULL OR c.valid_until > %(now_at)s)",
        parameters={"keychain_id": uuid_value(keychain_id), "now_at": datetime_value(now)},
    )
    # One that may be lent only since then has no lock, and would be waited for out of order.
    rows = [mended(row) for row in rows if row.id in locked]
    return sorted(rows, key=lambda row: -row.advanced().headroom)


def next_free_us(*, row: KeyRow, state: KeyState, traffic_class: TrafficClass) -> int:
    """The first moment at which the key has a permit for the class, exact as things stand.

    One query for each window that is spent.

    Args:
        row: as read, under a lock.
        state: the row's state, advanced to now.
        traffic_class: who asks.
    """
    moment = max(state.cooled_until_us, state.high_water_us)
    if traffic_class == "batch":
        moment = max(moment, state.batch_free_us - BATCH_BURST_US)
    for window in state.windows:
        room = windows.usable(window=window, state=state, traffic_class=traffic_class)
        if window.counted >= room:
            use_by_us = _nth_leaving(
                row=row, beyond_us=window.horizon_us, n=window.counted - room + 1
            )
            moment = max(
                moment,
                windows.leaves_at_us(window=window, use_by_us=use_by_us, transit_us=transit_us()),
            )
    return moment


def _nth_leaving(*, row: KeyRow, beyond_us: int, n: int) -> int:
    """The use-by of the n-th permit that will leave a window, counted from its horizon."""
    seen = 0
    log = Lease.objects.filter(key_id=row.id, use_by_us__gt=beyond_us, counted__gt=0)
    ordered = log.order_by("use_by_us").values_list("use_by_us", "counted")
    for use_by_us, counted in ordered.iterator():
        seen += counted
        if seen >= n:
            return use_by_us
    message = f"the log of key {row.id} holds fewer permits than its windows count"
    raise RuntimeError(message)


def mended(row: KeyRow) -> KeyRow:
    """The key after its log followed the clock back and its windows followed the limits.

    Needs a transaction that holds the key's lock.
    """
    if row.is_behind:
        row = _moved_back(row)
    if row.has_new_limits:
        logger.info("the limits of a key changed", extra={"key": row.id})
        write_key(key_id=row.id, version=row.version, state=recounted(row=row))
        row = _again(row)
    return row


def _moved_back(row: KeyRow) -> KeyRow:
    by_us = row.clock_us - row.state.high_water_us
    logger.warning(
        "the clock was set back: a key's log follows", extra={"key": row.id, "by_us": by_us}
    )
    Lease.objects.filter(key_id=row.id).update(
        granted_us=F("granted_us") + big(by_us),
        use_by_us=F("use_by_us") + big(by_us),
        expires_us=F("expires_us") + big(by_us),
    )
    state = windows.shifted(state=row.state, by_us=by_us)
    write_key(key_id=row.id, version=row.version, state=state)
    return _again(row)


def _again(row: KeyRow) -> KeyRow:
    (fresh,) = read_keys(where="k.id = %(key_id)s", parameters={"key_id": row.id})
    return fresh
