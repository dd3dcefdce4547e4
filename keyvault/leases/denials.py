"""Putting on record that a store had nothing to lend."""

from uuid import UUID

from keyvault import audit
from keyvault.audit import Action
from keyvault.errors import NoCredentialError, PoolEmptyError
from keyvault.leases.access import caller_of
from keyvault.leases.backends import Scope


def record_denied(
    *, digest: str, keychain_id: UUID, error: NoCredentialError | PoolEmptyError
) -> None:
    """Records `lease.denied`, counted by the minute; call it when the transaction is over.

    Args:
        digest: of a token that may lease from the store.
        keychain_id: the store.
        error: why there was nothing.
    """
    caller = caller_of(digest=digest, scope=Scope.LEASES_WRITE)
    audit.record_denial(
        action=Action.LEASE_DENIED,
        actor=caller.actor,
        keychain_id=keychain_id,
        facts={"reason": error.code},
    )
