"""What is different from one provider to the next; everything else is the same code for all."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import urlsplit

from lightspeed.oauth.errors import (
    CallbackError,
    ClientRefusedError,
    ConsentDeniedError,
    GrantRefusedError,
    OAuthError,
    ScopeRefusedError,
)

#: What may become part of a host name; LIGHTSPEED.md section 6.
_SHOP = re.compile(r"[a-z0-9-]{1,63}")


class Rotation(StrEnum):
    """When the refresh token that was used dies."""

    #: When the access token that it brought is first used: until then the old one still works.
    FIRST_USE = "first-use"
    #: With the answer: if that is lost, so is the grant.
    AT_ONCE = "at-once"


class Body(StrEnum):
    """How the token endpoint wants its parameters."""

    FORM = "form"
    JSON = "json"


class ScopeSource(StrEnum):
    """Where the granted scopes stand."""

    ANSWER = "answer"
    ACCESS_TOKEN = "access-token"  # noqa: S105  # a place, not a token


@dataclass(frozen=True, slots=True)
class Scope:
    """One permission that we ask for.

    Attributes:
        name: as the vendor spells it.
        label: what a merchant reads.
    """

    name: str
    label: str


#: RFC 6749 sections 4.1.2.1 and 5.2, the same for every provider unless its row says otherwise.
STANDARD_ERRORS: Mapping[str, type[OAuthError]] = {
    "invalid_grant": GrantRefusedError,
    "invalid_client": ClientRefusedError,
    "unauthorized_client": ClientRefusedError,
    "access_denied": ConsentDeniedError,
    "invalid_scope": ScopeRefusedError,
}


@dataclass(frozen=True, slots=True)
class Provider:
    """One vendor's OAuth, as data. `{shop}` in an address is the shop's own part of the host.

    Attributes:
        name: ours, for rows and addresses.
        title: what people read.
        authorize_url: where a merchant is sent.
        token_url: where codes and refresh tokens are exchanged.
        revoke_url: RFC 7009; empty where the vendor has none.
        account_url: answers whose account an access token opens.
        api_url: root of the API that the token opens; what a backend is told.
        issuer: what `iss` must be where the vendor sends it (RFC 9207).
        scopes: the least that the app needs; asked for and required.
        rotation: see `Rotation`.
        limits: the windows of one grant, (seconds, requests); a bucket as the widest safe window.
        body: see `Body`.
        is_pkce: whether S256 is sent; a vendor that does not know it ignores it.
        scope_source: see `ScopeSource`.
        shop_parameter: the callback's parameter that becomes `{shop}`; empty: one host for all.
        account_path: the names that lead to the account's id in the answer of `account_url`.
        name_path: the same for its name.
        code_seconds: how long the vendor keeps a code.
        access_seconds: how long an access token lives when the answer does not say.
        errors: what the vendor's `error` values mean.
    """

    name: str
    title: str
    authorize_url: str
    token_url: str
    revoke_url: str
    account_url: str
    api_url: str
    issuer: str
    scopes: tuple[Scope, ...]
    rotation: Rotation
    limits: tuple[tuple[int, int], ...]
    body: Body = Body.FORM
    is_pkce: bool = True
    scope_source: ScopeSource = ScopeSource.ANSWER
    shop_parameter: str = ""
    account_path: tuple[str, ...] = ()
    name_path: tuple[str, ...] = ()
    code_seconds: int = 60
    access_seconds: int = 3600
    errors: Mapping[str, type[OAuthError]] = field(default_factory=lambda: STANDARD_ERRORS)

    @property
    def scope_names(self) -> tuple[str, ...]:
        """The scopes as the vendor spells them."""
        return tuple(scope.name for scope in self.scopes)

    def missing_scopes(self, granted: tuple[str, ...]) -> tuple[Scope, ...]:
        """Return the required scopes that were not granted."""
        return tuple(scope for scope in self.scopes if scope.name not in granted)

    def address(self, template: str, *, shop: str = "") -> str:
        """Fill the shop into one of the addresses.

        Raises:
            CallbackError: the address needs a shop and this is none. It becomes part of a host
                name, so nothing but `[a-z0-9-]{1,63}` is accepted.
        """
        if "{shop}" not in template:
            return template
        if _SHOP.fullmatch(shop) is None or shop.startswith("-") or shop.endswith("-"):
            raise CallbackError
        return template.replace("{shop}", shop)

    def moved_to(self, origin: str) -> "Provider":
        """Return the same provider on another origin: a simulator on this machine.

        Args:
            origin: scheme, host and port, without a slash at the end.
        """
        return replace(
            self,
            authorize_url=_moved(self.authorize_url, origin),
            token_url=_moved(self.token_url, origin),
            revoke_url=_moved(self.revoke_url, origin),
            account_url=_moved(self.account_url, origin),
            api_url=_moved(self.api_url, origin),
        )


def _moved(address: str, origin: str) -> str:
    if not address:
        return ""
    # The shop is part of the host; on one origin for all, nothing is left to fill in.
    return f"{origin}{urlsplit(address.replace('{shop}', 'shop')).path}"
