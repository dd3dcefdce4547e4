"""The caller, the store, and the best key of it, in one statement.

On PostgreSQL one statement serves all threads that ask at the same time.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.utils import timezone

from keyvault import vault
from keyvault.errors import UnknownRecordError
from keyvault.leases.access import CALLER_COLUMNS, CALLER_WIDTH, caller_sql
from keyvault.leases.lending import Candidate
from keyvault.leases.together import LEASING
from keyvault.pool.engine import (
    POSTGRESQL,
    SQLITE,
    Engine,
    clock_parameters,
    datetime_value,
    uuid_value,
)
from keyvault.pool.gathering import Gathering
from keyvault.pool.rows import KEY_WIDTH, clock_and_pick, key_columns, key_of, transit_us
from keyvault.pool.turns import hang_up, holds_connection
from keyvault.windows import BATCH_BURST_US, CLOCK_TOLERANCE_US, SECOND, TrafficClass

# A key that was not written for so long is looked at first: its headroom may have grown.
STALE_US: Final = 60 * SECOND

_READY: Final = (
    "{greatest}(k.next_free_us, k.cooled_until_us, "
    f"CASE WHEN {{is_batch}} THEN k.batch_free_us - {BATCH_BURST_US} ELSE 0 END)"
)
_ORDER: Final = (
    f"ORDER BY CASE WHEN {{ready}} <= clock.now_us "
    f"OR k.high_water_us > clock.now_us + {CLOCK_TOLERANCE_US} THEN 0 ELSE {{ready}} END, "
    f"CASE WHEN k.high_water_us < clock.now_us - {STALE_US} THEN 0 ELSE 1 END, "
    "k.headroom DESC, k.id LIMIT 1"
)
_CREDENTIAL_COLUMNS: Final = (
    "pick.kind, pick.endpoint, pick.language, pick.credential_version, pick.is_honeytoken, "
    "pick.sealed, dek.kek_id, dek.wrapped"
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    digest: str
    keychain_id: UUID
    is_batch: bool


def find(*, digest: str, keychain_id: UUID, traffic_class: TrafficClass) -> Any:  # noqa: ANN401  # a row
    """Who calls, whether the store is theirs, and its key with most headroom. No lock.

    Args:
        digest: of the token that the caller shows.
        keychain_id: the store.
        traffic_class: who asks.

    Returns:
        `CALLER_COLUMNS`, the store's id, the credential's columns, those of `key_of`; None or
        NULLs for an unknown token, NULLs for a store that has no key to lend.
    """
    wanted = _Wanted(digest=digest, keychain_id=keychain_id, is_batch=traffic_class == "batch")
    if connection.vendor != "postgresql":
        return _found_one(wanted)
    if holds_connection():
        LEASING.leave()
        return _found_all([wanted])[0]
    return _finds.ask(wanted)


def candidate_in(found: Sequence[Any], *, keychain_id: UUID) -> Candidate | None:
    """The best key of the store in what `find` gave; None when it has none.

    Raises:
        UnknownRecordError: no such store for the caller.
    """
    if not found[CALLER_WIDTH - 1] or found[CALLER_WIDTH] is None:
        message = f"no store {keychain_id} for this backend"
        raise UnknownRecordError(message)
    columns = found[CALLER_WIDTH + 1 :]
    kind, endpoint, language, version, is_decoy, sealed, kek_id, wrapped = columns[:-KEY_WIDTH]
    if kind is None or kek_id is None:
        return None
    row = key_of(columns[-KEY_WIDTH:])
    credential = vault.SealedCredential(
        id=row.credential_id,
        keychain_id=keychain_id,
        kind=kind,
        endpoint=endpoint,
        language=language,
        version=version,
        is_honeytoken=bool(is_decoy),
        sealed=sealed,
        kek_id=kek_id,
        wrapped=wrapped,
    )
    return Candidate(row=row, credential=credential)


def _found_one(wanted: _Wanted) -> Any:  # noqa: ANN401  # a row
    parameters = {
        "digest": wanted.digest,
        "keychain_id": uuid_value(wanted.keychain_id),
        "is_batch": wanted.is_batch,
    }
    with connection.cursor() as cursor:
        cursor.execute(_of_one(SQLITE), parameters | _parameters())
        return cursor.fetchone()


def _found_all(wanted: list[_Wanted]) -> list[Any]:
    asks = [
        {
            "n": n,
            "digest": each.digest,
            "keychain_id": str(each.keychain_id),
            "is_batch": each.is_batch,
        }
        for n, each in enumerate(wanted)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_of_all(), {"asks": json.dumps(asks)} | _parameters())
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    return [rows[n] for n in range(len(wanted))]


def _parameters() -> dict[str, Any]:
    now_at = datetime_value(timezone.now())
    return {"now_at": now_at, "transit_us": transit_us(), **clock_parameters()}


@lru_cache
def _of_all() -> str:
    one = _of_one(
        POSTGRESQL, digest="ask.digest", keychain_id="ask.keychain_id", is_batch="ask.is_batch"
    )
    return (
        "SELECT ask.n, one.* FROM jsonb_to_recordset(%(asks)s) "  # noqa: S608  # our own fragments
        "AS ask(n integer, digest text, keychain_id uuid, is_batch boolean) "
        f"LEFT JOIN LATERAL ({one}) one ON TRUE"
    )


@lru_cache
def _of_one(
    fragments: Engine,
    *,
    digest: str = "%(digest)s",
    keychain_id: str = "%(keychain_id)s",
    is_batch: str = "%(is_batch)s",
) -> str:
    ready = _READY.format(greatest=fragments.greatest, is_batch=is_batch)
    found = clock_and_pick(
        fragments,
        where=f"c.keychain_id = {keychain_id} AND c.state = 'active' "
        "AND (c.valid_until IS NULL OR c.valid_until > %(now_at)s)",
        tail=_ORDER.format(ready=ready),
        columns=", c.kind, c.endpoint, c.language, c.version AS credential_version, "
        "c.is_honeytoken, c.sealed",
    )
    caller = caller_sql(digest=digest, keychain_id=keychain_id)
    return (
        f"WITH {found}, {caller} "  # noqa: S608  # our own fragments
        f"SELECT {CALLER_COLUMNS}, chain.id AS chain_id, {_CREDENTIAL_COLUMNS}, "
        f"{key_columns(fragments)} "
        f"FROM caller LEFT JOIN keyvault_keychain chain ON chain.id = {keychain_id} "
        "AND chain.kind = 'store' AND chain.shredded_at IS NULL "
        "LEFT JOIN keyvault_wrappeddek dek ON dek.keychain_id = chain.id "
        "LEFT JOIN pick ON chain.id IS NOT NULL"
    )


_finds: Final = Gathering(_found_all, company=LEASING, asks_again=True, on_handover=hang_up)
