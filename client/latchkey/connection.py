"""Talking to Latchkey's API, with the standard library alone."""

import json
import math
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlsplit

from latchkey.errors import LeaseRefusedError, PoolEmptyError, UnavailableError
from latchkey.lease import Lease, lease_in
from latchkey.signed import Signer

CONNECT_SECONDS = 10.0
# Of a whole answer: a lease whose token must be renewed first takes as long as the vendor.
ANSWER_SECONDS = 30.0
MOST_BYTES = 1024 * 1024


class Connection:
    """One backend's way to Latchkey; safe to share between threads.

    Args:
        url: where Latchkey is, `https://latchkey.example.test`.
        token: `lk_…`.
        private_key: raw X25519 key, when leases come sealed.
        signing_key: raw Ed25519 key, when requests must be signed.
        answer_seconds: how long a whole answer may take.

    Raises:
        ValueError: the address is none.
    """

    def __init__(
        self,
        *,
        url: str,
        token: str,
        private_key: bytes | None = None,
        signing_key: bytes | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        parts = urlsplit(url)
        # A port that is none raises a ValueError too.
        is_whole = parts.hostname and not parts.username and parts.port != 0
        if parts.scheme not in {"http", "https"} or not is_whole:
            message = "url must begin with https:// (or http:// on your own machine)"
            raise ValueError(message)
        self._kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._netloc = parts.netloc
        self._prefix = f"{parts.path.rstrip('/')}/api/v1"
        self._root = f"{parts.scheme}://{parts.netloc}"
        self._token = token
        self._private_key = private_key
        self._answer_seconds = answer_seconds
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
        answer = self._call("POST", f"/stores/{quote(store, safe='')}/leases", body)
        return lease_in(answer, private_key=self._private_key)

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
        return self._call("POST", f"/leases/{quote(lease_id, safe='')}/settle", body)

    def stores(self) -> Iterator[dict[str, Any]]:
        """The stores that this backend may lease from."""
        after: object = None
        while True:
            page = self._call("GET", f"/stores?limit=100{_after(after)}")
            stores, following = page.get("stores"), page.get("next")
            if not isinstance(stores, list) or (following is not None and following == after):
                message = "Latchkey's answer is no list of stores"
                raise UnavailableError(message)
            yield from stores
            if following is None:
                return
            after = following

    def store(self, store: str) -> dict[str, Any]:
        """One store: state, kinds of credential, headroom."""
        return self._call("GET", f"/stores/{quote(store, safe='')}")

    def close(self) -> None:
        """Closes what is kept open; a further request opens anew."""
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        status, headers, data = self._send(method, path, body)
        answer = _object_in(data)
        if status == 429:  # noqa: PLR2004  # the status
            raise PoolEmptyError(retry_after_seconds=_wait(answer or {}, headers))
        if 400 <= status < 500:  # noqa: PLR2004  # whoever asks is at fault
            raise LeaseRefusedError(
                status=status,
                type_=str((answer or {}).get("type", "about:blank")),
                title=str((answer or {}).get("title", "refused")),
                faults=_faults(answer or {}),
            )
        if answer is None or not 200 <= status < 300:  # noqa: PLR2004  # the range of success
            message = f"Latchkey answered {status}"
            raise UnavailableError(message)
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
            found = self._exchange(connection, method, target, payload, headers)
        except (OSError, HTTPException) as error:
            connection.close()
            if isinstance(error, TimeoutError) or not is_kept:
                message = f"Latchkey does not answer: {type(error).__name__}"
                raise UnavailableError(message) from error
            self.close()
            return self._send(method, path, body)
        self._idle.append(connection)
        return found

    def _exchange(
        self,
        connection: HTTPConnection,
        method: str,
        target: str,
        payload: bytes | None,
        headers: dict[str, str],
    ) -> tuple[int, Any, bytes]:
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(self._answer_seconds)
        with _cut_after(self._answer_seconds, connection.sock):
            connection.request(method, target, body=payload, headers=headers)
            with connection.getresponse() as response:
                data = response.read(MOST_BYTES)
                is_whole = response.isclosed()
        if not is_whole or response.status < 200:  # noqa: PLR2004  # another one follows
            message = "an answer without an end"
            raise HTTPException(message)
        return response.status, response.headers, data

    def _taken(self) -> tuple[HTTPConnection, bool]:
        """A connection for one request, and whether it was kept from another."""
        with suppress(IndexError):
            return self._idle.pop(), True
        return self._kind(self._netloc, timeout=CONNECT_SECONDS), False


@contextmanager
def _cut_after(seconds: float, connected: socket.socket) -> Iterator[None]:
    """Ends a connection that goes on for too long, even when something comes all the time.

    Raises:
        TimeoutError: that was needed.
    """
    is_late = threading.Event()
    with socket.socket(fileno=os.dup(connected.fileno())) as twin:
        timer = threading.Timer(seconds, _cut, args=(twin, is_late))
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, HTTPException):
            if is_late.is_set():
                raise TimeoutError from None
            raise
        else:
            # Of half a status line, the half that came makes a status too.
            if is_late.is_set():
                raise TimeoutError
        finally:
            timer.cancel()
            timer.join()


def _cut(twin: socket.socket, is_late: threading.Event) -> None:
    is_late.set()
    with suppress(OSError):
        twin.shutdown(socket.SHUT_RDWR)


def _object_in(data: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _faults(answer: dict[str, Any]) -> str:
    """What Latchkey finds wrong in a request, "permits: …"; it never repeats a value."""
    errors = answer.get("errors")
    if not isinstance(errors, list):
        return ""
    pairs = [(each.get("loc"), each.get("msg")) for each in errors if isinstance(each, dict)]
    return "; ".join(f"{loc[-1]}: {msg}" for loc, msg in pairs if isinstance(loc, list) and loc)


def _after(following: object) -> str:
    return "" if following is None else f"&after={quote(str(following), safe='')}"


def _wait(answer: dict[str, Any], headers: Any) -> float:  # noqa: ANN401  # a message's headers
    """The exact wait stands in the body; the header holds whole seconds."""
    waits: tuple[Any, ...] = (answer.get("retry_after_seconds"), headers.get("Retry-After"))
    for told in waits:
        with suppress(TypeError, ValueError):
            seconds = float(told)
            if math.isfinite(seconds) and seconds >= 0:
                return seconds
    return 1.0
