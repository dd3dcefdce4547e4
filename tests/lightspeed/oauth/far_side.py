"""The simulated vendor as a far side, and a transport that answers from a list."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
from pydantic import SecretStr

from lightspeed.oauth.consent import ConsentRequest
from lightspeed.oauth.provider import Provider
from lightspeed.oauth.tokens import OAuthClient
from lightspeed.outbound.addresses import allowed_addresses
from lightspeed.outbound.transport import OutboundTransport
from simulator.retail.clients import DEFAULT_SECRET
from simulator.running import RunningSimulator

REDIRECT = "http://127.0.0.1:9/oauth/callback"


def client_of(provider: Provider) -> OAuthClient:
    return OAuthClient(client_id=f"latchkey-{provider.name[-1]}", secret=SecretStr(DEFAULT_SECRET))


def transport_to(simulator: RunningSimulator) -> OutboundTransport:
    return OutboundTransport(
        allowed_addresses=allowed_addresses([urlsplit(simulator.url_eu1).netloc])
    )


def approve(
    asked: ConsentRequest, *, account: str, scopes: tuple[str, ...], decision: str = "approve"
) -> dict[str, str]:
    """What a merchant does in a browser; gives the callback's parameters."""
    fields = [("decision", decision), ("account", account), *(("scope", each) for each in scopes)]
    body = "&".join(f"{name}={value}" for name, value in fields)
    with httpx2.Client() as browser:
        answer = browser.post(
            asked.url, content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


class ListedTransport(httpx2.BaseTransport):
    """Answers in order and keeps what was asked."""

    def __init__(
        self, *answers: tuple[int, Any] | Exception, headers: dict[str, str] | None = None
    ) -> None:
        self._answers: Iterator[tuple[int, Any] | Exception] = iter(answers)
        self._headers = headers or {}
        self.requests: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return httpx2.Response(
            status,
            content=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **self._headers},
        )


def challenge_of(verifier: str) -> str:
    hashed = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
