"""The bearer token of a request; each operation names the scope that it needs."""

from django.http import HttpRequest, HttpResponse
from ninja.security import HttpBearer

from keyvault.api.boundary import unacceptable_body, unreadable_query
from keyvault.api.signatures import require_signature
from keyvault.errors import UnknownTokenError
from keyvault.leases import Scope, caller_of, digest_of, note_use
from keyvault.leases.backends import PREFIX
from keyvault.leases.limits import count_request

MOST_CHARACTERS = 100


def address_of(request: HttpRequest) -> str:
    """Where the call comes from; proxies were dealt with before."""
    return str(request.META.get("REMOTE_ADDR", ""))


class RefusedBodyError(Exception):
    """A body or an address that is not worth reading; carries the answer."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


class Token(HttpBearer):
    """A token with one scope.

    Attributes:
        scope: what the operation needs.
        is_deferred: the operation looks the token up itself, in the statement that does its work,
            and gets the digest; otherwise it gets a `Caller`.
    """

    openapi_bearerFormat = "lk_…"  # noqa: N815  # OpenAPI's own name
    openapi_description = (
        "A backend that has registered a signing key also signs each request (RFC 9421, Ed25519): "
        "@method, @authority, @path and @query (or @target-uri), authorization, content-digest and "
        "idempotency-key where they are there; with created, keyid and a nonce."
    )

    def __init__(self, scope: Scope, *, is_deferred: bool = False) -> None:
        super().__init__()
        self.scope = scope
        self.is_deferred = is_deferred

    def __call__(self, request: HttpRequest) -> object:
        """The digest or the caller, as `request.auth`."""
        found = super().__call__(request)
        if found is None:
            message = "no bearer token"
            raise UnknownTokenError(message)
        return found

    def authenticate(self, request: HttpRequest, token: str) -> object:
        """Looks the token up, unless the operation does."""
        if not token.startswith(PREFIX) or len(token) > MOST_CHARACTERS:
            return None
        digest = digest_of(token)
        count_request(digest=digest)
        response = unreadable_query(request) or unacceptable_body(request)
        if response is not None:
            raise RefusedBodyError(response)
        require_signature(request, digest=digest)
        note_use(digest=digest)
        if self.is_deferred:
            return digest
        return caller_of(digest=digest, scope=self.scope, address=address_of(request))
