"""Calls of a token endpoint: a code or a refresh token for a pair, and the end of a grant.

Every function sends exactly one request and retries nothing: whether an old refresh token may be
shown again is for the caller to decide (`Provider.rotation`).
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2
from pydantic import SecretStr

from lightspeed import wire
from lightspeed.errors import (
    Flaw,
    Outage,
    ThrottledError,
    UnreadableAnswerError,
    VendorError,
    VendorUnavailableError,
)
from lightspeed.oauth.provider import Body, Provider, ScopeSource
from lightspeed.outbound.answers import JsonAnswer, fetch_json
from lightspeed.outbound.deadline import Deadline

#: For one token call, answer included; longer than the vendors are known to take.
TOKEN_SECONDS = 30.0
#: Without a `Retry-After` that can be read.
RETRY_SECONDS = 30
MAX_TOKEN_CHARACTERS = 8192
MAX_LIFE_SECONDS = 366 * 86_400


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """The operator's registration at a provider.

    Attributes:
        client_id: public.
        secret: goes to the provider's token endpoint only.
    """

    client_id: str
    secret: SecretStr


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What the token endpoint gave.

    Attributes:
        access_token: opens the API.
        refresh_token: brings the next pair.
        expires_in_seconds: how long the access token lives, from the answer on.
        scopes: granted; empty when the vendor does not say.
    """

    access_token: SecretStr
    refresh_token: SecretStr
    expires_in_seconds: int
    scopes: tuple[str, ...] = field(default=())


def exchange_code(
    *,
    provider: Provider,
    client: OAuthClient,
    code: SecretStr,
    verifier: SecretStr,
    redirect_uri: str,
    shop: str,
    transport: httpx2.BaseTransport,
    seconds: float = TOKEN_SECONDS,
) -> TokenPair:
    """Exchange an authorisation code for the first pair of a grant.

    Args:
        provider: the one that the code came from.
        client: the operator's registration there.
        code: lives `provider.code_seconds` and works once.
        verifier: of the same consent request.
        redirect_uri: of the same consent request.
        shop: as `read_callback` gave it.
        transport: see `lightspeed.outbound`.
        seconds: total time.

    Raises:
        GrantRefusedError: the code is expired, used, or not ours: ask for consent again.
        ClientRefusedError: the operator's secret is wrong: tell staff.
        VendorError: an outage; the code may be used up.
    """
    parameters = {
        "grant_type": "authorization_code",
        "code": code.get_secret_value(),
        "redirect_uri": redirect_uri,
    }
    if provider.is_pkce:
        parameters["code_verifier"] = verifier.get_secret_value()
    answer = _call(
        provider=provider,
        url=provider.address(provider.token_url, shop=shop),
        client=client,
        parameters=parameters,
        transport=transport,
        seconds=seconds,
    )
    return _pair(provider=provider, answer=answer)


def refresh_tokens(
    *,
    provider: Provider,
    client: OAuthClient,
    refresh_token: SecretStr,
    shop: str,
    transport: httpx2.BaseTransport,
    seconds: float = TOKEN_SECONDS,
) -> TokenPair:
    """Exchange a refresh token for the next pair. Store the pair before anything uses it.

    Raises:
        GrantRefusedError: the token is dead: read the row again before believing it.
        ClientRefusedError: the operator's secret is wrong: tell staff.
        VendorUnavailableError, UnreadableAnswerError: the vendor may have rotated the token or not.
        ThrottledError: it did not.
    """
    answer = _call(
        provider=provider,
        url=provider.address(provider.token_url, shop=shop),
        client=client,
        parameters={
            "grant_type": "refresh_token",
            "refresh_token": refresh_token.get_secret_value(),
        },
        transport=transport,
        seconds=seconds,
    )
    return _pair(provider=provider, answer=answer)


def revoke_token(
    *,
    provider: Provider,
    client: OAuthClient,
    refresh_token: SecretStr,
    shop: str,
    transport: httpx2.BaseTransport,
    seconds: float = TOKEN_SECONDS,
) -> None:
    """End a grant at the vendor (RFC 7009); nothing happens where the vendor cannot.

    Raises:
        VendorError: the vendor did not confirm it: try again.
    """
    if not provider.revoke_url:
        return
    _call(
        provider=provider,
        url=provider.address(provider.revoke_url, shop=shop),
        client=client,
        parameters={
            "token": refresh_token.get_secret_value(),
            "token_type_hint": "refresh_token",
        },
        transport=transport,
        seconds=seconds,
    )


def _call(
    *,
    provider: Provider,
    url: str,
    client: OAuthClient,
    parameters: Mapping[str, str],
    transport: httpx2.BaseTransport,
    seconds: float,
) -> JsonAnswer:
    fields = {
        **parameters,
        "client_id": client.client_id,
        "client_secret": client.secret.get_secret_value(),
    }
    if provider.body is Body.JSON:
        request = httpx2.Request("POST", url, json=fields)
    else:
        request = httpx2.Request("POST", url, data=fields)
    answer = fetch_json(transport=transport, request=request, deadline=Deadline.after(seconds))
    if answer.status >= 400:  # noqa: PLR2004 - HTTP's own class
        raise _error_for(provider=provider, answer=answer)
    return answer


def _error_for(*, provider: Provider, answer: JsonAnswer) -> VendorError:
    status = answer.status
    error = answer.body.get("error") if isinstance(answer.body, Mapping) else None
    if status == 429:  # noqa: PLR2004 - HTTP's own number
        wait = answer.headers.get("Retry-After", "")
        seconds = int(wait) if wait.isdecimal() and len(wait) < 5 else RETRY_SECONDS  # noqa: PLR2004
        return ThrottledError(retry_after_seconds=max(seconds, 1), status=status)
    if status >= 500:  # noqa: PLR2004 - HTTP's own class
        return VendorUnavailableError(reason=Outage.SERVER_ERROR, status=status)
    known = provider.errors.get(error) if isinstance(error, str) else None
    if known is not None:
        return known(status=status)
    return UnreadableAnswerError(flaw=Flaw.UNEXPECTED_STATUS, status=status)


def _pair(*, provider: Provider, answer: JsonAnswer) -> TokenPair:
    body = answer.body if isinstance(answer.body, Mapping) else {}
    access, refresh = body.get("access_token"), body.get("refresh_token")
    if not (_is_token(access) and _is_token(refresh)):
        raise UnreadableAnswerError(flaw=Flaw.UNEXPECTED_SHAPE, status=answer.status)
    seconds = wire.whole_number(body.get("expires_in"))
    if seconds is None or not 0 < seconds <= MAX_LIFE_SECONDS:
        seconds = provider.access_seconds
    told = body.get("scope")
    if provider.scope_source is ScopeSource.ACCESS_TOKEN and not isinstance(told, str):
        told = _claim(token=str(access), name="scope")
    return TokenPair(
        access_token=SecretStr(str(access)),
        refresh_token=SecretStr(str(refresh)),
        expires_in_seconds=seconds,
        scopes=tuple(told.split()) if isinstance(told, str) else (),
    )


def _is_token(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TOKEN_CHARACTERS and value.isascii()


def _claim(*, token: str, name: str) -> object:
    """Read a claim of a JWT that came over TLS from the token endpoint itself.

    The signature is not checked: whoever could forge the answer could forge the token's key too.
    """
    body = token.split(".")[1] if token.count(".") == 2 else ""  # noqa: PLR2004 - a JWT's dots
    try:
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, RecursionError):
        return None
    return claims.get(name) if isinstance(claims, Mapping) else None
