"""Whose account a token opens. This is a first use of the token: store it before you ask."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx2
from pydantic import SecretStr

from lightspeed import wire
from lightspeed.errors import (
    CredentialRefusedError,
    Flaw,
    Outage,
    ThrottledError,
    UnreadableAnswerError,
    VendorError,
    VendorUnavailableError,
)
from lightspeed.oauth.provider import Provider
from lightspeed.outbound.answers import JsonAnswer, fetch_json
from lightspeed.outbound.deadline import REQUEST_SECONDS, Deadline

_RETRY_SECONDS = 10
_REFUSED = (401, 403)


@dataclass(frozen=True, slots=True)
class RetailAccount:
    """A merchant's account at the vendor.

    Attributes:
        id: the vendor's own; the same for as long as the account lives.
        name: what people call it; may be empty.
    """

    id: str
    name: str


def read_account(
    *,
    provider: Provider,
    authorization: SecretStr,
    shop: str,
    transport: httpx2.BaseTransport,
    url: str = "",
    seconds: float = REQUEST_SECONDS,
) -> RetailAccount:
    """Ask the vendor whose account it is; one request.

    Args:
        provider: whose API.
        authorization: the value of the Authorization header.
        shop: as `read_callback` gave it.
        transport: see `lightspeed.outbound`.
        url: another address than the provider's, for keys of before OAuth.
        seconds: total time.

    Raises:
        CredentialRefusedError: 401 or 403.
        ThrottledError, VendorUnavailableError, UnreadableAnswerError: says nothing of the token.
    """
    request = httpx2.Request(
        "GET",
        url or provider.address(provider.account_url, shop=shop),
        headers={"Authorization": authorization.get_secret_value()},
    )
    answer = fetch_json(transport=transport, request=request, deadline=Deadline.after(seconds))
    if answer.status >= 400:  # noqa: PLR2004 - HTTP's own class
        raise _error_for(answer.status)
    return _account(provider=provider, answer=answer)


def bearer(access_token: SecretStr) -> SecretStr:
    """Return the Authorization header's value for an access token."""
    return SecretStr(f"Bearer {access_token.get_secret_value()}")


def _error_for(status: int) -> VendorError:
    if status in _REFUSED:
        return CredentialRefusedError(status=status)
    if status == 429:  # noqa: PLR2004 - HTTP's own number
        return ThrottledError(retry_after_seconds=_RETRY_SECONDS, status=status)
    if status >= 500:  # noqa: PLR2004 - HTTP's own class
        return VendorUnavailableError(reason=Outage.SERVER_ERROR, status=status)
    return UnreadableAnswerError(flaw=Flaw.UNEXPECTED_STATUS, status=status)


def _account(*, provider: Provider, answer: JsonAnswer) -> RetailAccount:
    found = _follow(answer.body, provider.account_path)
    number = wire.whole_number(found)
    account_id = wire.text(found) or ("" if number is None else str(number))
    if not account_id:
        raise UnreadableAnswerError(flaw=Flaw.UNEXPECTED_SHAPE, status=answer.status)
    name = wire.text(_follow(answer.body, provider.name_path)) or ""
    return RetailAccount(id=account_id[:100], name=name)


def _follow(value: object, path: tuple[str, ...]) -> object:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
