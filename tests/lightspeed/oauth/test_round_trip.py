"""Consent, tokens and accounts of both series against the simulated vendor."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from pydantic import SecretStr

from lightspeed.errors import (
    CredentialRefusedError,
    ThrottledError,
    VendorError,
    VendorUnavailableError,
)
from lightspeed.oauth.account import bearer, read_account
from lightspeed.oauth.consent import ask_consent, read_callback
from lightspeed.oauth.errors import ClientRefusedError, ConsentDeniedError, GrantRefusedError
from lightspeed.oauth.legacy import check_legacy_key, is_legacy_key
from lightspeed.oauth.provider import Provider
from lightspeed.oauth.r_series import R_SERIES
from lightspeed.oauth.registry import PROVIDERS
from lightspeed.oauth.tokens import (
    OAuthClient,
    TokenPair,
    exchange_code,
    refresh_tokens,
    revoke_token,
)
from lightspeed.oauth.x_series import X_SERIES
from simulator.running import RunningSimulator
from tests.lightspeed.oauth.far_side import (
    REDIRECT,
    approve,
    challenge_of,
    client_of,
    transport_to,
)

ACCOUNTS = {R_SERIES.name: "100002", X_SERIES.name: "second-shop"}


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest, vendor: RunningSimulator) -> Provider:
    return PROVIDERS[request.param].moved_to(vendor.url_eu1)


def connect(
    vendor: RunningSimulator,
    provider: Provider,
    *,
    scopes: tuple[str, ...] | None = None,
    secret: SecretStr | None = None,
    verifier: SecretStr | None = None,
) -> TokenPair:
    client = client_of(provider)
    asked = ask_consent(provider=provider, client_id=client.client_id, redirect_uri=REDIRECT)
    parameters = approve(
        asked,
        account=ACCOUNTS[provider.name],
        scopes=provider.scope_names if scopes is None else scopes,
    )
    assert parameters["state"] == asked.state.get_secret_value()
    answer = read_callback(provider=provider, parameters=parameters)
    return exchange_code(
        provider=provider,
        client=OAuthClient(client.client_id, secret or client.secret),
        code=answer.code,
        verifier=verifier or asked.verifier,
        redirect_uri=REDIRECT,
        shop=answer.shop,
        transport=transport_to(vendor),
    )


def renew(vendor: RunningSimulator, provider: Provider, token: SecretStr) -> TokenPair:
    return refresh_tokens(
        provider=provider,
        client=client_of(provider),
        refresh_token=token,
        shop=ACCOUNTS[X_SERIES.name],
        transport=transport_to(vendor),
    )


def whose(vendor: RunningSimulator, provider: Provider, pair: TokenPair) -> str:
    account = read_account(
        provider=provider,
        authorization=bearer(pair.access_token),
        shop=ACCOUNTS[X_SERIES.name],
        transport=transport_to(vendor),
    )
    return account.id


def test_consent_leads_to_the_chosen_account_and_its_scopes(
    vendor: RunningSimulator, provider: Provider
) -> None:
    pair = connect(vendor, provider)
    assert pair.scopes == provider.scope_names
    assert provider.missing_scopes(pair.scopes) == ()
    assert pair.expires_in_seconds > 600
    assert whose(vendor, provider, pair) == ACCOUNTS[provider.name]


def test_a_scope_that_the_merchant_leaves_out_is_missed(
    vendor: RunningSimulator, provider: Provider
) -> None:
    pair = connect(vendor, provider, scopes=provider.scope_names[1:])
    assert [each.name for each in provider.missing_scopes(pair.scopes)] == [provider.scope_names[0]]


def test_every_way_to_the_consent_page_has_its_own_state_and_verifier(provider: Provider) -> None:
    asked = [ask_consent(provider=provider, client_id="c", redirect_uri=REDIRECT) for _ in range(2)]
    first, second = (dict(parse_qsl(urlsplit(each.url).query)) for each in asked)
    assert first["code_challenge_method"] == "S256"
    assert first["code_challenge"] == challenge_of(asked[0].verifier.get_secret_value())
    assert first["state"] != second["state"]
    assert len(asked[0].state) >= 32
    assert 43 <= len(asked[0].verifier) <= 128


def test_no_means_denied(vendor: RunningSimulator, provider: Provider) -> None:
    asked = ask_consent(
        provider=provider, client_id=client_of(provider).client_id, redirect_uri=REDIRECT
    )
    parameters = approve(asked, account="", scopes=(), decision="deny")
    with pytest.raises(ConsentDeniedError):
        read_callback(provider=provider, parameters=parameters)


def test_a_wrong_client_secret_is_the_operators_fault(
    vendor: RunningSimulator, provider: Provider
) -> None:
    with pytest.raises(ClientRefusedError):
        connect(vendor, provider, secret=SecretStr("wrong"))


def test_a_code_without_its_verifier_is_worth_nothing(
    vendor: RunningSimulator, provider: Provider
) -> None:
    with pytest.raises(GrantRefusedError):
        connect(vendor, provider, verifier=SecretStr("x" * 64))


def test_a_code_dies_with_its_time(vendor: RunningSimulator, provider: Provider) -> None:
    vendor.retail(lambda each: each.set_rules({"series": provider.name[-1], "code_seconds": 0}))
    with pytest.raises(GrantRefusedError):
        connect(vendor, provider)


def test_r_series_keeps_the_old_refresh_token_until_the_new_access_token_is_used(
    vendor: RunningSimulator,
) -> None:
    provider = R_SERIES.moved_to(vendor.url_eu1)
    first = connect(vendor, provider)
    second = renew(vendor, provider, first.refresh_token)
    third = renew(vendor, provider, first.refresh_token)
    assert third.refresh_token != second.refresh_token
    whose(vendor, provider, third)
    with pytest.raises(GrantRefusedError):
        renew(vendor, provider, first.refresh_token)
    assert renew(vendor, provider, third.refresh_token).access_token


def test_x_series_ends_the_old_refresh_token_at_once(vendor: RunningSimulator) -> None:
    provider = X_SERIES.moved_to(vendor.url_eu1)
    first = connect(vendor, provider)
    second = renew(vendor, provider, first.refresh_token)
    assert whose(vendor, provider, second) == "second-shop"
    with pytest.raises(GrantRefusedError):
        renew(vendor, provider, first.refresh_token)
    # Showing a dead token ends the whole grant.
    with pytest.raises(CredentialRefusedError):
        whose(vendor, provider, second)


def test_revoking_ends_the_grant(vendor: RunningSimulator, provider: Provider) -> None:
    pair = connect(vendor, provider)
    revoke_token(
        provider=provider,
        client=client_of(provider),
        refresh_token=pair.refresh_token,
        shop="second-shop",
        transport=transport_to(vendor),
    )
    with pytest.raises(CredentialRefusedError):
        whose(vendor, provider, pair)


@pytest.mark.parametrize(
    ("kind", "error"), [("500", VendorUnavailableError), ("429", ThrottledError)]
)
def test_an_outage_says_nothing_of_the_grant(
    vendor: RunningSimulator, provider: Provider, kind: str, error: type[Exception]
) -> None:
    pair = connect(vendor, provider)
    vendor.add_fault(path=urlsplit(provider.token_url).path, kind=kind)
    with pytest.raises(error):
        renew(vendor, provider, pair.refresh_token)


@pytest.mark.parametrize(
    ("name", "kind"), [("retail-r", "500"), ("retail-r", "429"), ("retail-x", "429")]
)
def test_a_token_that_was_not_rotated_away_works_after_an_outage(
    vendor: RunningSimulator, name: str, kind: str
) -> None:
    provider = PROVIDERS[name].moved_to(vendor.url_eu1)
    pair = connect(vendor, provider)
    vendor.add_fault(path=urlsplit(provider.token_url).path, kind=kind)
    with pytest.raises(VendorError):
        renew(vendor, provider, pair.refresh_token)
    assert renew(vendor, provider, pair.refresh_token).refresh_token


def test_a_provider_without_pkce_sends_none(vendor: RunningSimulator) -> None:
    provider = replace(X_SERIES.moved_to(vendor.url_eu1), is_pkce=False)
    asked = ask_consent(provider=provider, client_id="latchkey-x", redirect_uri=REDIRECT)
    assert "code_challenge" not in asked.url
    assert connect(vendor, provider).access_token


def test_a_late_answer_counts_as_none(vendor: RunningSimulator, provider: Provider) -> None:
    pair = connect(vendor, provider)
    vendor.add_fault(path=urlsplit(provider.token_url).path, kind="delay", seconds=5)
    with pytest.raises(VendorUnavailableError):
        refresh_tokens(
            provider=provider,
            client=client_of(provider),
            refresh_token=pair.refresh_token,
            shop="second-shop",
            transport=transport_to(vendor),
            seconds=0.2,
        )


def test_a_legacy_key_opens_its_account_until_all_are_refused(vendor: RunningSimulator) -> None:
    provider = R_SERIES.moved_to(vendor.url_eu1)
    key = SecretStr("legacy-key-of-2016")
    vendor.retail(
        lambda each: each.put_key({"key": key.get_secret_value(), "account_id": "100001"})
    )
    transport = transport_to(vendor)
    assert check_legacy_key(key=key, transport=transport, provider=provider).name == "Corner Shop"
    with pytest.raises(CredentialRefusedError):
        check_legacy_key(key=SecretStr("another-key"), transport=transport, provider=provider)
    vendor.retail(lambda each: each.put_key({"refused": True}))
    with pytest.raises(CredentialRefusedError):
        check_legacy_key(key=key, transport=transport, provider=provider)


def test_a_legacy_key_has_no_spaces_and_no_colon() -> None:
    assert is_legacy_key("0123456789abcdef")
    assert not any(is_legacy_key(text) for text in ("short", "with space in it", "key:apikey"))


def test_the_access_token_of_r_series_is_signed_with_the_published_key(
    vendor: RunningSimulator,
) -> None:
    pair = connect(vendor, R_SERIES.moved_to(vendor.url_eu1))
    keys = KeySet.import_key_set(httpx2.get(f"{vendor.url_eu1}/.well-known/jwks").json())
    token = jwt.decode(pair.access_token.get_secret_value(), keys, algorithms=["RS256"])
    assert token.claims["acct"] == "100002"
