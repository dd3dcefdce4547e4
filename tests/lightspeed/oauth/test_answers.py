"""Answers that a vendor should not give, and callbacks that nobody should send."""

from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from lightspeed.errors import (
    CredentialRefusedError,
    ThrottledError,
    UnreadableAnswerError,
    VendorError,
    VendorUnavailableError,
)
from lightspeed.oauth.account import bearer, read_account
from lightspeed.oauth.consent import read_callback
from lightspeed.oauth.errors import (
    CallbackError,
    ConsentDeniedError,
    GrantRefusedError,
    ScopeRefusedError,
)
from lightspeed.oauth.provider import Provider
from lightspeed.oauth.r_series import R_SERIES
from lightspeed.oauth.tokens import OAuthClient, TokenPair, refresh_tokens, revoke_token
from lightspeed.oauth.x_series import X_SERIES
from tests.lightspeed.oauth.far_side import ListedTransport

CLIENT = OAuthClient(client_id="c", secret=SecretStr("canary-client-secret"))
TOKEN = SecretStr("canary-refresh-token")
PAIR: dict[str, Any] = {"access_token": "a.b", "refresh_token": "r", "expires_in": 1800}


def ask(transport: ListedTransport, provider: Provider = R_SERIES) -> TokenPair:
    return refresh_tokens(
        provider=provider, client=CLIENT, refresh_token=TOKEN, shop="shop", transport=transport
    )


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "invalid_grant"}, GrantRefusedError),
        (400, {"error": "invalid_scope"}, ScopeRefusedError),
        (400, {"error": "something_new"}, UnreadableAnswerError),
        (400, {"error": ["invalid_grant"]}, UnreadableAnswerError),
        (400, [], UnreadableAnswerError),
        (500, {}, VendorUnavailableError),
        (200, [], UnreadableAnswerError),
        (200, {"access_token": "a"}, UnreadableAnswerError),
        (200, {**PAIR, "refresh_token": ""}, UnreadableAnswerError),
        (200, {**PAIR, "access_token": "x" * 9000}, UnreadableAnswerError),
    ],
)
def test_every_refusal_has_its_own_error(
    status: int, body: object, error: type[VendorError]
) -> None:
    with pytest.raises(error) as caught:
        ask(ListedTransport((status, body)))
    assert "canary" not in repr(caught.value) + str(caught.value)


@pytest.mark.parametrize(("wait", "seconds"), [("7", 7), ("0", 1), ("tomorrow", 30), ("", 30)])
def test_throttling_says_when_to_come_back(wait: str, seconds: int) -> None:
    with pytest.raises(ThrottledError) as caught:
        ask(ListedTransport((429, {}), headers={"Retry-After": wait}))
    assert caught.value.retry_after_seconds == seconds


@pytest.mark.parametrize("life", [None, 0, -1, "x", 10**12, True])
def test_a_life_that_cannot_be_is_the_providers_own(life: object) -> None:
    pair = ask(ListedTransport((200, {**PAIR, "expires_in": life})))
    assert pair.expires_in_seconds == R_SERIES.access_seconds


@pytest.mark.parametrize("token", ["opaque", "a.!!.c", "a.W10.c", "a.e30.c"])
def test_scopes_that_nobody_tells_are_unknown(token: str) -> None:
    assert ask(ListedTransport((200, {**PAIR, "access_token": token}))).scopes == ()


def test_an_answered_scope_goes_before_the_tokens_own() -> None:
    assert ask(ListedTransport((200, {**PAIR, "scope": "a b"}))).scopes == ("a", "b")


def test_r_series_gets_json_and_x_series_a_form_at_the_shops_own_host() -> None:
    transport = ListedTransport((200, PAIR), (200, PAIR))
    ask(transport)
    ask(transport, X_SERIES)
    json_request, form_request = transport.requests
    assert json_request.headers["Content-Type"] == "application/json"
    assert form_request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert form_request.url.host == "shop.retail.lightspeed.app"
    assert b"canary-client-secret" in form_request.read()
    assert "canary" not in str(form_request.url)


def test_a_vendor_without_revocation_is_not_asked() -> None:
    provider = Provider(**{**_fields(R_SERIES), "revoke_url": ""}).moved_to("http://127.0.0.1:1")
    transport = ListedTransport()
    revoke_token(
        provider=provider, client=CLIENT, refresh_token=TOKEN, shop="", transport=transport
    )
    assert transport.requests == []


@pytest.mark.parametrize(
    "shop", ["", "a.b", "evil/", "shop@evil.test", "-a", "a-", "A", "x" * 64, "a\n", "ä", "a:80"]
)
def test_a_hostile_domain_prefix_never_becomes_a_host(shop: str) -> None:
    parameters = {"code": "c", "state": "s", "domain_prefix": shop}
    with pytest.raises(CallbackError):
        read_callback(provider=X_SERIES, parameters=parameters)
    with pytest.raises(CallbackError):
        X_SERIES.address(X_SERIES.token_url, shop=shop)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({}, CallbackError),
        ({"code": ""}, CallbackError),
        ({"code": "x" * 3000}, CallbackError),
        ({"code": "a\x00b"}, CallbackError),
        ({"code": "c", "iss": "https://evil.test"}, CallbackError),
        ({"error": "access_denied", "iss": "https://evil.test"}, CallbackError),
        ({"error": "access_denied"}, ConsentDeniedError),
        ({"error": "server_error"}, CallbackError),
    ],
)
def test_a_callback_is_believed_only_as_far_as_it_fits(
    parameters: Mapping[str, str], error: type[VendorError]
) -> None:
    with pytest.raises(error):
        read_callback(provider=R_SERIES, parameters=parameters)


def test_the_right_issuer_is_accepted() -> None:
    parameters = {"code": "c", "iss": R_SERIES.issuer}
    answer = read_callback(provider=R_SERIES, parameters=parameters)
    assert answer.code.get_secret_value() == "c"
    assert "'c'" not in repr(answer)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {}, CredentialRefusedError),
        (403, {}, CredentialRefusedError),
        (404, {}, UnreadableAnswerError),
        (429, {}, ThrottledError),
        (503, {}, VendorUnavailableError),
        (200, {"Account": {}}, UnreadableAnswerError),
        (200, {"Account": []}, UnreadableAnswerError),
    ],
)
def test_an_account_that_cannot_be_read_is_an_error(
    status: int, body: object, error: type[VendorError]
) -> None:
    with pytest.raises(error):
        read_account(
            provider=R_SERIES,
            authorization=bearer(TOKEN),
            shop="",
            transport=ListedTransport((status, body)),
        )


def test_an_accounts_number_is_read_in_either_form() -> None:
    for number in (77, "77"):
        transport = ListedTransport((200, {"Account": {"accountID": number}}))
        account = read_account(
            provider=R_SERIES, authorization=bearer(TOKEN), shop="", transport=transport
        )
        assert (account.id, account.name) == ("77", "")


def test_a_lost_connection_chains_no_cause_that_holds_the_token() -> None:
    with pytest.raises(VendorUnavailableError) as caught:
        ask(ListedTransport(httpx2.ReadError("reset")))
    assert caught.value.__cause__ is None


def _fields(provider: Provider) -> dict[str, Any]:
    return {name: getattr(provider, name) for name in Provider.__slots__}
