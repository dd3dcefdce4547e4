"""Our client against another's server: Authlib's, with PKCE, rotation and revocation."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import Flask, current_app, request
from pydantic import SecretStr

from lightspeed.oauth.errors import ClientRefusedError, ConsentDeniedError, GrantRefusedError
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


class Registered:
    """A client as Authlib's server wants one."""

    client_id = CLIENT.client_id

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return REDIRECT

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(each for each in scope.split() if each in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == REDIRECT

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT.secret.get_secret_value()

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_post"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


@dataclass
class Code:
    """What a code stands for."""

    code: str
    redirect_uri: str
    scope: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Token:
    """A pair that was given."""

    access_token: str
    refresh_token: str
    scope: str
    is_revoked: bool = False

    def get_scope(self) -> str:
        return self.scope

    def check_client(self, client: Registered) -> bool:
        return client.client_id == CLIENT.client_id

    def is_expired(self) -> bool:
        return False


@dataclass
class Shelf:
    """What the server keeps."""

    codes: dict[str, Code] = field(default_factory=dict)
    tokens: list[Token] = field(default_factory=list)

    def of(self, refresh_token: str) -> Token | None:
        return next((each for each in self.tokens if each.refresh_token == refresh_token), None)


def shelf() -> Shelf:
    """What the server that answers this request keeps."""
    found: Shelf = current_app.extensions["shelf"]
    return found


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # untyped
    """Codes for pairs."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post",)

    def save_authorization_code(self, code: str, request: Any) -> None:
        asked = request.payload
        shelf().codes[code] = Code(
            code=code,
            redirect_uri=asked.redirect_uri,
            scope=asked.scope,
            code_challenge=asked.data["code_challenge"],
            code_challenge_method=asked.data["code_challenge_method"],
        )

    def query_authorization_code(self, code: str, client: Registered) -> Code | None:
        return shelf().codes.get(code)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        del shelf().codes[authorization_code.code]

    def authenticate_user(self, authorization_code: Code) -> str:
        return "merchant"


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]  # untyped
    """The next pair; the token that was used dies at once."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post",)
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        found = shelf().of(refresh_token)
        return None if found is None or found.is_revoked else found

    def authenticate_user(self, refresh_token: Token) -> str:
        return "merchant"

    def revoke_old_credential(self, refresh_token: Token) -> None:
        refresh_token.is_revoked = True


class Revocation(RevocationEndpoint):  # type: ignore[misc]  # untyped
    """The end of a grant."""

    CLIENT_AUTH_METHODS = ("client_secret_post",)

    def query_token(self, token_string: str, token_type_hint: str) -> Token | None:
        return shelf().of(token_string)

    def revoke_token(self, token: Token, request: Any) -> None:
        token.is_revoked = True


def save_token(token: dict[str, Any], request: Any) -> None:
    shelf().tokens.append(Token(token["access_token"], token["refresh_token"], token["scope"]))


def find_client(client_id: str) -> Registered | None:
    return Registered() if client_id == CLIENT.client_id else None


def application() -> Flask:
    app = Flask("far-side")
    app.extensions["shelf"] = Shelf()
    app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
    server = AuthorizationServer(app, query_client=find_client, save_token=save_token)
    server.register_grant(CodeGrant, [CodeChallenge(required=True)])
    server.register_grant(RefreshGrant)
    server.register_endpoint(Revocation)

    @app.post("/authorize")
    def authorize() -> Any:
        approves = request.form.get("decision") == "approve"
        return server.create_authorization_response(
            grant_user="merchant" if approves else None,
            grant=server.get_consent_grant(end_user="merchant"),
        )

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @app.post("/revoke")
    def revoke() -> Any:
        return server.create_endpoint_response(Revocation.ENDPOINT_NAME)

    return app


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with provider_at(application(), name="authlib") as served:
        yield served


def test_the_whole_life_of_a_grant(provider: Provider) -> None:
    first = Way(provider).go()
    assert provider.missing_scopes(first.scopes) == ()
    second = renew(provider, first.refresh_token)
    with pytest.raises(GrantRefusedError):
        renew(provider, first.refresh_token)
    revoke(provider, second.refresh_token)
    with pytest.raises(GrantRefusedError):
        renew(provider, second.refresh_token)


def test_no_means_denied(provider: Provider) -> None:
    with pytest.raises(ConsentDeniedError):
        Way(provider).go(decision="deny")


def test_a_wrong_secret_is_the_operators_fault(provider: Provider) -> None:
    with pytest.raises(ClientRefusedError):
        Way(provider, client=OAuthClient(CLIENT.client_id, SecretStr("wrong"))).go()
