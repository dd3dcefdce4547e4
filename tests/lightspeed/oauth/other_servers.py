"""Servers of others as the far side: one run of each, and our client's way there and back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
from flask import Flask
from pydantic import SecretStr
from werkzeug.serving import make_server

from lightspeed.oauth.consent import ask_consent, read_callback
from lightspeed.oauth.provider import Provider, Rotation, Scope
from lightspeed.oauth.tokens import (
    OAuthClient,
    TokenPair,
    exchange_code,
    refresh_tokens,
    revoke_token,
)
from lightspeed.outbound.addresses import allowed_addresses
from lightspeed.outbound.transport import OutboundTransport

REDIRECT = "http://127.0.0.1:9/oauth/callback"
CLIENT = OAuthClient(client_id="our-app", secret=SecretStr("obviously-fake-secret"))
SCOPES = ("products:read", "sales:read")


@contextmanager
def provider_at(application: Flask, *, name: str) -> Iterator[Provider]:
    """The application as a provider that rotates at once, until the end of the block."""
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    yield Provider(
        name=name,
        title=name,
        authorize_url=f"{url}/authorize",
        token_url=f"{url}/token",
        revoke_url=f"{url}/revoke",
        account_url=f"{url}/account",
        api_url=f"{url}/",
        issuer=url,
        scopes=tuple(Scope(each, each) for each in SCOPES),
        rotation=Rotation.AT_ONCE,
        limits=((300, 300),),
    )
    server.shutdown()
    thread.join()
    server.server_close()


def transport_of(provider: Provider) -> OutboundTransport:
    place = urlsplit(provider.api_url).netloc
    return OutboundTransport(allowed_addresses=allowed_addresses([place]))


@dataclass
class Way:
    """One way to the far side and back, up to the code."""

    provider: Provider
    client: OAuthClient = CLIENT
    redirect_uri: str = REDIRECT

    def __post_init__(self) -> None:
        self.asked = ask_consent(
            provider=self.provider,
            client_id=self.client.client_id,
            redirect_uri=self.redirect_uri,
        )

    def back(
        self, *, decision: str = "approve", scopes: tuple[str, ...] = SCOPES
    ) -> dict[str, str]:
        answer = httpx2.post(
            self.asked.url, data={"decision": decision, "granted": " ".join(scopes)}
        )
        parameters = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
        assert parameters["state"] == self.asked.state.get_secret_value()
        return parameters

    def exchange(self, code: SecretStr) -> TokenPair:
        return exchange_code(
            provider=self.provider,
            client=self.client,
            code=code,
            verifier=self.asked.verifier,
            redirect_uri=self.redirect_uri,
            shop="",
            transport=transport_of(self.provider),
        )

    def go(self, **decision: Any) -> TokenPair:
        found = read_callback(provider=self.provider, parameters=self.back(**decision))
        return self.exchange(found.code)


def renew(provider: Provider, token: SecretStr) -> TokenPair:
    return refresh_tokens(
        provider=provider,
        client=CLIENT,
        refresh_token=token,
        shop="",
        transport=transport_of(provider),
    )


def revoke(provider: Provider, token: SecretStr) -> None:
    revoke_token(
        provider=provider,
        client=CLIENT,
        refresh_token=token,
        shop="",
        transport=transport_of(provider),
    )
