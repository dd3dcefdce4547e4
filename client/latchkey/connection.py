"""Talking to Latchkey's API, with the standard library alone."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlsplit

from latchkey.answers import faults_in, object_in, trouble_in, wait_in
from latchkey.deadline import cut_after
from latchkey.errors import LatchkeyError, LeaseRefusedError, PoolEmptyError, UnavailableError
from latchkey.forked import renew_in_child
from latchkey.hidden import Hidden, Secret
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
        ValueError: the address is none, or the token cannot be one.
    """

    def __init__(
        self,
        *,
        url: str,
        token: str | Secret[str],
        private_key: bytes | Secret[bytes] | None = None,
        signing_key: bytes | Secret[bytes] | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        token, private_key = _sent_token(Secret(token)), Secret.or_none(private_key)
        signing_key = Secret.or_none(signing_key)
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
        renew_in_child(self)

    def begin(self) -> None:
        """Begins with no open connection; in a forked process those are another's."""
        self.close()

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
            LatchkeyError: the lease is sealed and does not open here.
        """
        body = {
            "permits": permits,
            "class": traffic_class,
            "use_within_seconds": use_within_seconds,
        }
        answer = self._call("POST", f"/stores/{quote(store, safe='')}/leases", body)
        try:
            return lease_in(answer, private_key=self._private_key)
        except UnavailableError:
            raise
        except LatchkeyError:
            # Who tries again and again would spend permits that nobody can use.
            with suppress(LatchkeyError):
                self.settle(str(answer["lease"]["id"]), used=0)
            raise

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
        status, headers, answer = self._send(method, path, body)
        problem = answer or {}
        if status == 429:  # noqa: PLR2004  # the status
            raise PoolEmptyError(retry_after_seconds=wait_in(problem, headers))
        if 400 <= status < 500:  # noqa: PLR2004  # whoever asks is at fault
            raise LeaseRefusedError(
                status=status,
                type_=str(problem.get("type", "about:blank")),
                title=str(problem.get("title", self._foreign(status))),
                faults=faults_in(problem),
            )
        if answer is None or not 200 <= status < 300:  # noqa: PLR2004  # the range of success
            said = trouble_in(problem)
            message = f"{self._root} answered {status}: {said}" if said else self._foreign(status)
            raise UnavailableError(message)
        return answer

    def _foreign(self, status: int) -> str:
        """What to say of an answer that is not in Latchkey's own words."""
        said = f"{self._root} answered {status}, not as Latchkey does"
        return f"{said}: is LATCHKEY_URL right, and Latchkey up behind it?"

    def _send(self, method: str, path: str, body: object) -> tuple[int, Any, dict[str, Any] | None]:
        """Sends once; a kept connection that turns out closed is opened anew."""
        payload = None if body is None else json.dumps(body).encode()
        target = f"{self._prefix}{path}"
        headers = self._headers(method, target, payload)
        connection, is_kept = self._taken()
        try:
            found = self._exchange(connection, method, target, payload, headers)
        except (OSError, HTTPException) as error:
            connection.close()
            trouble = _trouble(error)
            is_over = isinstance(error, TimeoutError) or not is_kept
        except BaseException:
            connection.close()
            raise
        else:
            self._idle.append(connection)
            return found
        if is_over:
            message = f"Latchkey does not answer at {self._root}: {trouble}"
            # Out here, since what was sent and came stands in the frames of the cause.
            raise UnavailableError(message)
        self.close()
        return self._send(method, path, body)

    def _headers(self, method: str, target: str, payload: bytes | None) -> Hidden:
        headers = Hidden(Accept="application/json")
        headers["Authorization"] = f"Bearer {self._token.reveal()}"
        if payload is not None:
            headers["Content-Type"] = "application/json"
        if self._signer is not None:
            url = f"{self._root}{target}"
            self._signer.sign(method=method, url=url, headers=headers, body=payload)
        return headers

    def _exchange(
        self,
        connection: HTTPConnection,
        method: str,
        target: str,
        payload: bytes | None,
        headers: Hidden,
    ) -> tuple[int, Any, dict[str, Any] | None]:
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(self._answer_seconds)
        with cut_after(self._answer_seconds, connection.sock):
            connection.request(method, target, body=payload, headers=headers)
            with connection.getresponse() as response:
                data = response.read(MOST_BYTES)
                is_whole = response.isclosed()
        if not is_whole or response.status < 200:  # noqa: PLR2004  # another one follows
            message = "an answer without an end"
            raise HTTPException(message)
        return response.status, response.headers, object_in(data)

    def _taken(self) -> tuple[HTTPConnection, bool]:
        """A connection for one request, and whether it was kept from another."""
        with suppress(IndexError):
            return self._idle.pop(), True
        return self._kind(self._netloc, timeout=CONNECT_SECONDS), False


def _sent_token(token: Secret[str]) -> Secret[str]:
    """A token as it can be sent; from a file it often comes with the end of its line.

    Raises:
        ValueError: it cannot be; the library's own words would repeat it.
    """
    stripped = Secret(token.reveal().strip())
    if not re.fullmatch(r"[!-~]+", stripped.reveal()):
        message = "the token has characters that no token has: copy it whole, and nothing else"
        raise ValueError(message)
    return stripped


def _trouble(error: OSError | HTTPException) -> str:
    """What went wrong; the words of an HTTPException may repeat what came."""
    said = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _after(following: object) -> str:
    return "" if following is None else f"&after={quote(str(following), safe='')}"
