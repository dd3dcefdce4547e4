"""Talking to Latchkey's API, with the standard library alone."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from latchkey.errors import LeaseRefusedError, PoolEmptyError, UnavailableError
from latchkey.sealed import unseal
from latchkey.signed import Signer

TIMEOUT_SECONDS = 10.0
UNAVAILABLE = frozenset({500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Lease:
    """A credential with a number of permits.

    Attributes:
        id: to settle it.
        permits: requests that may be sent.
        use_by: the last moment to send one, by Latchkey's clock.
        base_url: where they go.
        language: the shop's language code.
        credential: {"key", "secret"} or {"access_token"}.
    """

    id: str
    permits: int
    use_by: datetime
    base_url: str
    language: str
    credential: dict[str, str] = field(repr=False)


class Connection:
    """One backend's way to Latchkey; safe to share between threads.

    Args:
        url: where Latchkey is, `https://latchkey.example.test`.
        token: `lk_…`.
        private_key: raw X25519 key, when leases come sealed.
        signing_key: raw Ed25519 key, when requests must be signed.
    """

    def __init__(
        self,
        *,
        url: str,
        token: str,
        private_key: bytes | None = None,
        signing_key: bytes | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            message = "url must begin with https:// (or http:// on your own machine)"
            raise ValueError(message)
        self._kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._netloc = parts.netloc
        self._prefix = f"{parts.path.rstrip('/')}/api/v1"
        self._root = f"{parts.scheme}://{parts.netloc}"
        self._token = token
        self._private_key = private_key
        self._signer = None if signing_key is None else Signer(signing_key)
        self._idle: list[HTTPConnection] = []

    def lease(
        self,
        store: str,
        *,
        permits: int = 1,
        traffic_class: str = "interactive",
        use_within_seconds: int = 2,
    ) -> Lease:
        """Borrows a key.

        Raises:
            PoolEmptyError: nothing is free now.
            LeaseRefusedError: no such store, no key, no right.
            UnavailableError: Latchkey does not answer.
        """
        body = {
            "permits": permits,
            "class": traffic_class,
            "use_within_seconds": use_within_seconds,
        }
        answer = self._call("POST", f"/stores/{store}/leases", body)
        lease, credential = answer["lease"], answer["credential"]
        return Lease(
            id=lease["id"],
            permits=lease["permits"],
            use_by=datetime.fromisoformat(lease["use_by"]),
            base_url=credential["base_url"],
            language=credential["language"],
            credential=self._secret(lease_id=lease["id"], credential=credential),
        )

    def settle(
        self,
        lease_id: str,
        *,
        used: int,
        outcome: str = "ok",
        last_used_at: datetime | None = None,
        rate_limit: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Reports what was used; safe to repeat."""
        body: dict[str, Any] = {"used": used, "outcome": outcome}
        if last_used_at is not None:
            body["last_used_at"] = last_used_at.isoformat()
        if rate_limit is not None:
            body["rate_limit"] = rate_limit
        return self._call("POST", f"/leases/{lease_id}/settle", body)

    def stores(self) -> Iterator[dict[str, Any]]:
        """The stores that this backend may lease from."""
        after = ""
        while True:
            page = self._call("GET", f"/stores?limit=100{after}")
            yield from page["stores"]
            if page["next"] is None:
                return
            after = f"&after={page['next']}"

    def store(self, store: str) -> dict[str, Any]:
        """One store: state, kinds of credential, headroom."""
        return self._call("GET", f"/stores/{store}")

    def close(self) -> None:
        """Closes what is kept open; a further request opens anew."""
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _secret(self, *, lease_id: str, credential: dict[str, Any]) -> dict[str, str]:
        if "sealed" in credential:
            return unseal(
                private_key=self._private_key,
                sealed=credential["sealed"],
                place=f"{lease_id}|{credential['id']}|{credential['backend_id']}",
            )
        return {
            name: credential[name]
            for name in ("key", "secret", "access_token")
            if name in credential
        }

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        status, headers, data = self._send(method, path, body)
        try:
            answer = json.loads(data)
        except ValueError:
            answer = {}
        if not isinstance(answer, dict) or status in UNAVAILABLE:
            message = f"Latchkey answered {status}"
            raise UnavailableError(message)
        if status == 429:  # noqa: PLR2004  # the status
            raise PoolEmptyError(retry_after_seconds=_wait(answer, headers))
        if status >= 400:  # noqa: PLR2004  # the first error
            raise LeaseRefusedError(
                status=status,
                type_=str(answer.get("type", "about:blank")),
                title=str(answer.get("title", "refused")),
            )
        return answer

    def _send(self, method: str, path: str, body: object) -> tuple[int, Any, bytes]:
        """Sends once; a kept connection that turns out closed is opened anew."""
        payload = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        if payload is not None:
            headers["Content-Type"] = "application/json"
        target = f"{self._prefix}{path}"
        if self._signer is not None:
            url = f"{self._root}{target}"
            self._signer.sign(method=method, url=url, headers=headers, body=payload)
        connection, is_kept = self._taken()
        try:
            connection.request(method, target, body=payload, headers=headers)
            response = connection.getresponse()
            found = response.status, response.headers, response.read()
        except (OSError, HTTPException) as error:
            connection.close()
            if isinstance(error, TimeoutError) or not is_kept:
                message = f"Latchkey does not answer: {type(error).__name__}"
                raise UnavailableError(message) from error
            self.close()
            return self._send(method, path, body)
        self._idle.append(connection)
        return found

    def _taken(self) -> tuple[HTTPConnection, bool]:
        """A connection for one request, and whether it was kept from another."""
        with suppress(IndexError):
            return self._idle.pop(), True
        return self._kind(self._netloc, timeout=TIMEOUT_SECONDS), False


def _wait(answer: dict[str, Any], headers: Any) -> float:  # noqa: ANN401  # a message's headers
    """The exact wait stands in the body; the header holds whole seconds."""
    exact = answer.get("retry_after_seconds")
    if isinstance(exact, int | float):
        return max(float(exact), 0.0)
    try:
        return max(float(headers.get("Retry-After", "1")), 0.0)
    except ValueError:
        return 1.0
