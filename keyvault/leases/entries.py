"""The audit entries of leases as effects, so that they are part of the statement that lends."""

import json
import uuid
from collections.abc import Mapping
from uuid import UUID

import structlog

from keyvault.audit import Action, Actor
from keyvault.audit.entries import REQUEST_ID_CHARACTERS, Fact, entry_time, printable
from keyvault.pool.engine import datetime_value, uuid_value
from keyvault.pool.writing import Effect

_INSERT = (
    "INSERT INTO keyvault_auditentry "
    "(at, action, actor, keychain_id, subject, facts, request_id, nonce) "
    "SELECT %(entry_at)s, %(entry_action)s, %(entry_actor)s, %(entry_keychain_id)s, "
    "%(entry_subject)s, %(entry_facts)s, %(entry_request_id)s, %(entry_nonce)s WHERE {saved}"
)


def entry(
    *, action: Action, actor: Actor, keychain_id: UUID, lease_id: UUID, facts: Mapping[str, Fact]
) -> Effect:
    """The entry that `keyvault.audit.record` would write, as an effect.

    Args:
        action: what happened to the lease.
        actor: who did it.
        keychain_id: whose record it belongs to.
        lease_id: the subject.
        facts: ids and counts.
    """
    request_id = structlog.contextvars.get_contextvars().get("request_id") or ""
    return Effect(
        sql=_INSERT,
        parameters={
            "entry_at": datetime_value(entry_time()),
            "entry_action": action.value,
            "entry_actor": str(actor),
            "entry_keychain_id": uuid_value(keychain_id),
            "entry_subject": f"lease:{lease_id}",
            "entry_facts": json.dumps(facts, sort_keys=True, separators=(",", ":")),
            "entry_request_id": printable(str(request_id))[:REQUEST_ID_CHARACTERS],
            "entry_nonce": uuid_value(uuid.uuid4()),
        },
    )
