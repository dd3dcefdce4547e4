"""Who calls: looked up with each request, in the statement that does the work where that counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from keyvault.audit import Actor
from keyvault.errors import AddressRefusedError, MissingScopeError, UnknownTokenError
from keyvault.leases.backends import Scope
from keyvault.models import BackendToken, Keychain
from keyvault.pool.engine import read_uuid

# The expression `caller`: at most one row. Parameters: now_at, and those of `caller_sql`.
_CALLER_SQL = (
    "caller AS (SELECT t.id AS token_id, t.scopes, b.id AS backend_id, b.has_all_stores, "
    "b.networks, b.public_key, "
    "(t.revoked_at IS NULL AND t.expires_at > %(now_at)s AND b.is_active) AS is_valid, "
    "(b.has_all_stores OR EXISTS (SELECT 1 FROM keyvault_backend_stores s "
    "WHERE s.backend_id = b.id AND s.keychain_id = {keychain_id})) AS is_covered "
    "FROM keyvault_backendtoken t JOIN keyvault_backend b ON b.id = t.backend_id "
    "WHERE t.digest = {digest})"
)
CALLER_COLUMNS = (
    "caller.token_id, caller.backend_id, caller.scopes, caller.has_all_stores, "
    "caller.networks, caller.public_key, caller.is_valid, caller.is_covered"
)
CALLER_WIDTH = 8


@dataclass(frozen=True, slots=True)
class Caller:
    """A backend with a valid token.

    Attributes:
        token_id: the row of its token.
        backend_id: who it is.
        scopes: what it may do, as stored.
        has_all_stores: whether its stores need no list.
        networks: where it may call from; empty: anywhere.
        public_key: what it is lent is sealed to this key; None: it goes plain.
    """

    token_id: int
    backend_id: UUID
    scopes: str
    has_all_stores: bool
    networks: str = ""
    public_key: bytes | None = None

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

    def admit(self, address: str) -> None:
        """Refuses a call from outside of the backend's networks.

        Raises:
            AddressRefusedError: it comes from elsewhere.
        """
        if not self.networks:
            return
        try:
            at = ip_address(address)
        except ValueError:
            at = None
        if at is None or not any(at in ip_network(each) for each in self.networks.split()):
            message = "this backend may not call from this address"
            raise AddressRefusedError(message)


def caller_sql(*, digest: str = "%(digest)s", keychain_id: str = "%(keychain_id)s") -> str:
    """The expression `caller`.

    Args:
        digest: what stands for that of the token that is shown.
        keychain_id: what stands for the store that is asked for.
    """
    return _CALLER_SQL.format(digest=digest, keychain_id=keychain_id)


def caller_in(columns: Sequence[Any] | None, *, address: str) -> Caller:
    """The caller in a row that begins with `CALLER_COLUMNS`.

    Raises:
        UnknownTokenError: there is no row, or its token is over.
        MissingScopeError: the token may not lease.
        AddressRefusedError: it comes from elsewhere.
    """
    if columns is None or not columns[CALLER_WIDTH - 2]:
        message = "unknown, expired or revoked token"
        raise UnknownTokenError(message)
    token_id, backend_id, scopes, has_all_stores, networks, public_key = columns[:6]
    caller = Caller(
        token_id=token_id,
        backend_id=read_uuid(backend_id),
        scopes=scopes,
        has_all_stores=bool(has_all_stores),
        networks=networks,
        public_key=None if public_key is None else bytes(public_key),
    )
    caller.require(Scope.LEASES_WRITE)
    caller.admit(address)
    return caller


def caller_of(*, digest: str, scope: Scope, address: str = "") -> Caller:
    """The backend that shows a token. One query.

    Args:
        digest: see `keyvault.leases.backends.digest_of`.
        scope: what it wants to do.
        address: where the call comes from.

    Raises:
        UnknownTokenError: unknown, expired or revoked, or the backend is switched off.
        MissingScopeError: the token does not allow this.
        AddressRefusedError: the backend may not call from there.
    """
    row = (
        BackendToken.objects.filter(
            digest=digest,
            revoked_at=None,
            expires_at__gt=timezone.now(),
            backend__is_active=True,
        )
        .values_list(
            "pk",
            "backend_id",
            "scopes",
            "backend__has_all_stores",
            "backend__networks",
            "backend__public_key",
        )
        .first()
    )
    if row is None:
        message = "unknown, expired or revoked token"
        raise UnknownTokenError(message)
    caller = Caller(
        token_id=row[0],
        backend_id=row[1],
        scopes=row[2],
        has_all_stores=row[3],
        networks=row[4],
        public_key=None if row[5] is None else bytes(row[5]),
    )
    caller.require(scope)
    caller.admit(address)
    return caller


def stores_of(*, caller: Caller) -> QuerySet[Keychain]:
    """The stores that a backend may lease from."""
    stores = Keychain.objects.filter(kind=Keychain.Kind.STORE, shredded_at=None)
    if caller.has_all_stores:
        return stores
    return stores.filter(backends=caller.backend_id)
