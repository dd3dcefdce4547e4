"""Who calls: looked up with each request, in the statement that does the work where that counts."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from keyvault.audit import Actor
from keyvault.errors import MissingScopeError, UnknownTokenError
from keyvault.leases.backends import Scope
from keyvault.models import BackendToken, Keychain

# The expression `caller`: at most one row. Parameters: digest, keychain_id, now_at.
CALLER_SQL = (
    "caller AS (SELECT t.id AS token_id, t.scopes, b.id AS backend_id, b.has_all_stores, "
    "(t.revoked_at IS NULL AND t.expires_at > %(now_at)s AND b.is_active) AS is_valid, "
    "(b.has_all_stores OR EXISTS (SELECT 1 FROM keyvault_backend_stores s "
    "WHERE s.backend_id = b.id AND s.keychain_id = %(keychain_id)s)) AS is_covered "
    "FROM keyvault_backendtoken t JOIN keyvault_backend b ON b.id = t.backend_id "
    "WHERE t.digest = %(digest)s)"
)
CALLER_COLUMNS = (
    "caller.token_id, caller.backend_id, caller.scopes, caller.has_all_stores, "
    "caller.is_valid, caller.is_covered"
)
CALLER_WIDTH = 6


@dataclass(frozen=True, slots=True)
class Caller:
    """A backend with a valid token.

    Attributes:
        token_id: the row of its token.
        backend_id: who it is.
        scopes: what it may do, as stored.
        has_all_stores: whether its stores need no list.
    """

    token_id: int
    backend_id: UUID
    scopes: str
    has_all_stores: bool

    @property
    def actor(self) -> Actor:
        """The caller in the audit record."""
        return Actor(kind="backend", id=str(self.backend_id))

    def require(self, scope: Scope) -> None:
        """Refuses a token without the scope.

        Raises:
            MissingScopeError: it lacks it.
        """
        if f" {scope} " not in self.scopes:
            raise MissingScopeError(scope=scope)


def caller_of(*, digest: str, scope: Scope) -> Caller:
    """The backend that shows a token. One query.

    Args:
        digest: see `keyvault.leases.backends.digest_of`.
        scope: what it wants to do.

    Raises:
        UnknownTokenError: unknown, expired or revoked, or the backend is switched off.
        MissingScopeError: the token does not allow this.
    """
    row = (
        BackendToken.objects.filter(
            digest=digest,
            revoked_at=None,
            expires_at__gt=timezone.now(),
            backend__is_active=True,
        )
        .values_list("pk", "backend_id", "scopes", "backend__has_all_stores")
        .first()
    )
    if row is None:
        message = "unknown, expired or revoked token"
        raise UnknownTokenError(message)
    caller = Caller(*row)
    caller.require(scope)
    return caller


def stores_of(*, caller: Caller) -> QuerySet[Keychain]:
    """The stores that a backend may lease from."""
    stores = Keychain.objects.filter(kind=Keychain.Kind.STORE, shredded_at=None)
    if caller.has_all_stores:
        return stores
    return stores.filter(backends=caller.backend_id)
