"""The way to the vendor's consent page and back (RFC 6749 section 4.1, RFC 7636, RFC 9207)."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from pydantic import SecretStr

from lightspeed.oauth.errors import CallbackError, OAuthError
from lightspeed.oauth.provider import Provider

STATE_BYTES = 32
VERIFIER_BYTES = 48
#: A code longer than this is not looked at.
MAX_CODE_CHARACTERS = 2048


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """One way to the consent page.

    Attributes:
        url: where the merchant is sent.
        state: comes back with the answer; single use, bound to the merchant's session.
        verifier: goes to the token endpoint with the code, and nowhere else.
    """

    url: str
    state: SecretStr
    verifier: SecretStr


@dataclass(frozen=True, slots=True)
class ConsentAnswer:
    """What came back from the consent page, believed only as far as it was checked.

    Attributes:
        code: to be exchanged at once.
        shop: the shop's part of the vendor's host, checked; empty where there is one host for all.
    """

    code: SecretStr = field(repr=False)
    shop: str = ""


def ask_consent(*, provider: Provider, client_id: str, redirect_uri: str) -> ConsentRequest:
    """Make the address of the consent page, with a fresh state and verifier.

    Args:
        provider: whose page.
        client_id: the operator's.
        redirect_uri: as registered, to the letter.
    """
    state, verifier = secrets.token_urlsafe(STATE_BYTES), secrets.token_urlsafe(VERIFIER_BYTES)
    parameters = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(provider.scope_names),
        "state": state,
    }
    if provider.is_pkce:
        parameters["code_challenge"] = create_s256_code_challenge(verifier)  # type: ignore[no-untyped-call]
        parameters["code_challenge_method"] = "S256"
    return ConsentRequest(
        url=f"{provider.authorize_url}?{urlencode(parameters)}",
        state=SecretStr(state),
        verifier=SecretStr(verifier),
    )


def read_callback(*, provider: Provider, parameters: Mapping[str, str]) -> ConsentAnswer:
    """Check what a browser brought back; the caller has checked `state` before.

    Raises:
        ConsentDeniedError, ScopeRefusedError, ClientRefusedError: the vendor's `error`.
        CallbackError: no code, another issuer than the one we sent the merchant to (RFC 9207
            section 2.4), or a shop that cannot be part of a host name.
    """
    issuer = parameters.get("iss")
    if issuer is not None and issuer != provider.issuer:
        raise CallbackError
    if "error" in parameters:
        raise _refusal(provider=provider, error=parameters["error"])
    code = parameters.get("code", "")
    if not 0 < len(code) <= MAX_CODE_CHARACTERS or not code.isprintable():
        raise CallbackError
    shop = ""
    if provider.shop_parameter:
        shop = parameters.get(provider.shop_parameter, "")
        # The same check as the addresses make, also where a simulator needs no host name.
        provider.address("{shop}", shop=shop)
    return ConsentAnswer(code=SecretStr(code), shop=shop)


def _refusal(*, provider: Provider, error: str) -> OAuthError:
    return provider.errors.get(error, CallbackError)()
