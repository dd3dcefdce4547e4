"""Our client against a second server of others: oauthlib's, which ends a family on re-use."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask, Response, request
from oauthlib.oauth2 import AccessDeniedError, RequestValidator, WebApplicationServer
from pydantic import SecretStr

from lightspeed.oauth.consent import read_callback
from lightspeed.oauth.errors import (
    ClientRefusedError,
    ConsentDeniedError,
    GrantRefusedError,
    ScopeRefusedError,
)
from lightspeed.oauth.provider import Provider
from lightspeed.oauth.tokens import (
    OAuthClient,
)
from tests.lightspeed.oauth.other_servers import (
    CLIENT,
    REDIRECT,
    SCOPES,
    Way,
    provider_at,
    renew,
    revoke,
)


@dataclass
class Family:
    """One consent and every refresh token that came of it."""

    scopes: list[str]
    is_alive: bool = True
    living: str = ""


@dataclass
class Shelf:
    """What the server keeps."""

    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    families: dict[str, Family] = field(default_factory=dict)


class Rules(RequestValidator):  # type: ignore[misc]  # untyped
    """What oauthlib asks its host: one client, codes that work once, rotating refresh tokens."""

    def __init__(self) -> None:
        self.shelf = Shelf()

    def validate_client_id(self, client_id: str, request: Any, *_: Any) -> bool:
        return client_id == CLIENT.client_id

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, *_: Any) -> bool:
        return redirect_uri == REDIRECT

    def validate_scopes(self, client_id: str, scopes: list[str], *_: Any) -> bool:
        return set(scopes) <= set(SCOPES)

    def validate_response_type(self, client_id: str, response_type: str, *_: Any) -> bool:
        return response_type == "code"

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        return True

    def save_authorization_code(self, client_id: str, code: dict[str, str], request: Any) -> None:
        self.shelf.codes[code["code"]] = {
            "scopes": request.scopes,
            "redirect_uri": request.redirect_uri,
            "challenge": request.code_challenge,
            "method": request.code_challenge_method,
        }

    def authenticate_client(self, request: Any) -> bool:
        if request.client_secret != CLIENT.secret.get_secret_value():
            return False
        request.client = Registered(request.client_id)
        return bool(request.client_id == CLIENT.client_id)

    def validate_code(self, client_id: str, code: str, client: Any, request: Any) -> bool:
        found = self.shelf.codes.get(code)
        if found is None:
            return False
        request.scopes, request.user = found["scopes"], "merchant"
        return True

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Any, request: Any
    ) -> bool:
        return bool(self.shelf.codes[code]["redirect_uri"] == redirect_uri)

    def get_code_challenge(self, code: str, request: Any) -> str:
        return str(self.shelf.codes[code]["challenge"])

    def get_code_challenge_method(self, code: str, request: Any) -> str:
        return str(self.shelf.codes[code]["method"])

    def invalidate_authorization_code(self, client_id: str, code: str, request: Any) -> None:
        del self.shelf.codes[code]

    def validate_grant_type(self, client_id: str, grant_type: str, *_: Any) -> bool:
        return grant_type in ("authorization_code", "refresh_token")

    def save_bearer_token(self, token: dict[str, Any], request: Any) -> None:
        before = self.shelf.families.get(request.refresh_token or "")
        family = before or Family(scopes=token["scope"].split())
        family.living = token["refresh_token"]
        self.shelf.families[token["refresh_token"]] = family

    def validate_refresh_token(self, refresh_token: str, client: Any, request: Any) -> bool:
        family = self.shelf.families.get(refresh_token)
        if family is None or not family.is_alive:
            return False
        if family.living != refresh_token:
            family.is_alive = False
            return False
        request.user = "merchant"
        return True

    def get_original_scopes(self, refresh_token: str, request: Any) -> list[str]:
        return self.shelf.families[refresh_token].scopes

    def rotate_refresh_token(self, request: Any) -> bool:
        return True

    def revoke_token(self, token: str, token_type_hint: str, request: Any) -> None:
        if token in self.shelf.families:
            self.shelf.families[token].is_alive = False


@dataclass
class Registered:
    """The client as oauthlib hands it around."""

    client_id: str


def application() -> Flask:
    app = Flask("second-far-side")
    server = WebApplicationServer(Rules())

    def asked() -> dict[str, Any]:
        return {
            "uri": request.url,
            "http_method": request.method,
            "body": request.get_data(as_text=True),
            "headers": dict(request.headers),
        }

    def answer(found: tuple[dict[str, str], str, int]) -> Response:
        headers, body, status = found
        return Response(body or "", status=status, headers=headers)

    @app.post("/authorize")
    def authorize() -> Response:
        question = asked() | {"http_method": "GET", "body": "", "headers": {}}
        if request.form.get("decision") == "approve":
            scopes = request.form["granted"].split()
            return answer(server.create_authorization_response(**question, scopes=scopes))
        _, known = server.validate_authorization_request(**question)
        denied = AccessDeniedError(state=known["state"])
        return answer(({"Location": denied.in_uri(known["redirect_uri"])}, "", 302))

    @app.post("/token")
    def token() -> Response:
        return answer(server.create_token_response(**asked()))

    @app.post("/revoke")
    def revoke() -> Response:
        headers, body, status = server.create_revocation_response(**asked())
        return answer(({**headers, "Content-Type": "application/json"}, body or "{}", status))

    return app


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with provider_at(application(), name="oauthlib") as served:
        yield served


def test_a_grant_is_begun_renewed_and_ended(provider: Provider) -> None:
    first = Way(provider).go()
    assert sorted(first.scopes) == list(SCOPES)
    second = renew(provider, first.refresh_token)
    assert second.refresh_token != first.refresh_token
    revoke(provider, second.refresh_token)
    with pytest.raises(GrantRefusedError):
        renew(provider, second.refresh_token)


def test_a_token_that_is_used_twice_ends_its_family(provider: Provider) -> None:
    first = Way(provider).go()
    second = renew(provider, first.refresh_token)
    for token in (first.refresh_token, second.refresh_token):
        with pytest.raises(GrantRefusedError):
            renew(provider, token)


def test_no_means_denied(provider: Provider) -> None:
    with pytest.raises(ConsentDeniedError):
        Way(provider).go(decision="deny")


def test_a_permission_that_was_left_out_is_seen(provider: Provider) -> None:
    pair = Way(provider).go(scopes=("sales:read",))
    assert [each.name for each in provider.missing_scopes(pair.scopes)] == ["products:read"]


def test_a_permission_that_the_vendor_does_not_know_is_the_operators_fault(
    provider: Provider,
) -> None:
    with pytest.raises(ScopeRefusedError):
        Way(provider).go(scopes=("sales:read", "bank:read"))


def test_a_code_works_once(provider: Provider) -> None:
    way = Way(provider)
    code = read_callback(provider=provider, parameters=way.back()).code
    way.exchange(code)
    with pytest.raises(GrantRefusedError):
        way.exchange(code)


def test_a_code_that_was_injected_fails_for_lack_of_its_verifier(provider: Provider) -> None:
    victim, thief = Way(provider), Way(provider)
    code = read_callback(provider=provider, parameters=victim.back()).code
    with pytest.raises(GrantRefusedError):
        thief.exchange(code)


def test_a_wrong_secret_is_the_operators_fault(provider: Provider) -> None:
    with pytest.raises(ClientRefusedError):
        Way(provider, client=OAuthClient(CLIENT.client_id, SecretStr("wrong"))).go()
