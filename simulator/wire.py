"""HTTP/1.1 as far as the stand-in speaks it: reading requests from bytes, writing answers.

Nothing here does input or output, so every rule is tested without a socket. A request body has a
Content-Length; a chunked one is refused with 411. Bodies above `MAX_KEPT_BODY_BYTES` are read and
thrown away, those above `MAX_READ_BODY_BYTES` end the connection.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import parse_qsl

MAX_HEAD_BYTES = 32_768
MAX_KEPT_BODY_BYTES = 1_048_576
MAX_READ_BODY_BYTES = 67_108_864

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_HEAD_END = b"\r\n\r\n"
_REQUEST_LINE = re.compile(r"([A-Z]{1,16}) ([\x21-\x7e]{1,8192}) HTTP/1\.([01])")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_ORIGIN = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_LENGTH = re.compile(r"[0-9]{1,12}")


class WireError(Exception):
    """Bytes that are no acceptable request; the connection ends after the answer."""

    def __init__(self, *, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Request:
    """One whole request; header names are lower-case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    is_body_dropped: bool = False
    is_kept_alive: bool = True
    cluster: str = "eu1"
    peer: str = "127.0.0.1"

    def parameters(self) -> dict[str, str]:
        """Give the query's parameters; the last of several wins."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Response:
    """One answer before it becomes bytes; `delay_seconds` pass before the first of them is sent."""

    status: int
    body: bytes = b""
    content_type: str = "application/json; charset=UTF-8"
    headers: tuple[tuple[str, str], ...] = ()
    delay_seconds: float = 0.0


def encode_response(
    *,
    response: Response,
    keep_alive: bool,
    with_body: bool = True,
    content_length: int | None = None,
) -> bytes:
    """Give the answer's bytes.

    Args:
        response: What to say.
        keep_alive: Whether the connection stays open.
        with_body: False leaves the body out, as HEAD wants it.
        content_length: A length to claim in place of the body's own.
    """
    length = len(response.body) if content_length is None else content_length
    lines = [
        f"HTTP/1.1 {response.status} {_reason(response.status)}",
        f"Date: {_http_date(int(time.time()))}",
    ]
    if response.status != HTTPStatus.NO_CONTENT:
        lines += (f"Content-Type: {response.content_type}", f"Content-Length: {length}")
    lines += (f"{name}: {value}" for name, value in response.headers)
    if not keep_alive:
        lines.append("Connection: close")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return head + response.body if with_body else head


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase


@dataclass(frozen=True, slots=True)
class _Head:
    method: str
    target: str
    headers: dict[str, str]
    body_bytes: int
    is_kept_alive: bool


class RequestReader:
    """Turns the bytes of one connection into requests, in order."""

    def __init__(self, *, cluster: str, peer: str) -> None:
        self._cluster = cluster
        self._peer = peer
        self._buffer = bytearray()
        self._head: _Head | None = None
        self._dropped_bytes = 0

    @property
    def buffered_bytes(self) -> int:
        """How much has arrived that is not yet part of a request."""
        return len(self._buffer)

    def awaits_continue(self) -> bool:
        """Say whether the client holds its body back until it is told to go on."""
        head = self._head
        return (
            head is not None
            and not self._buffer
            and not self._dropped_bytes
            and head.headers.get("expect", "").lower() == "100-continue"
        )

    def feed(self, data: bytes) -> None:
        """Take bytes as they came."""
        self._buffer += data

    def next_request(self) -> Request | None:
        """Give the next whole request, or None while more bytes are needed.

        Raises:
            WireError: The bytes are no acceptable request.
        """
        if self._head is None:
            self._head = self._read_head()
            if self._head is None:
                return None
        head = self._head
        if head.body_bytes > MAX_KEPT_BODY_BYTES:
            return self._drop_body(head)
        if len(self._buffer) < head.body_bytes:
            return None
        body = bytes(self._buffer[: head.body_bytes])
        del self._buffer[: head.body_bytes]
        return self._finish(head=head, body=body)

    def _read_head(self) -> _Head | None:
        end = self._buffer.find(_HEAD_END, 0, MAX_HEAD_BYTES)
        if end >= 0:
            text = self._buffer[:end].decode("latin-1")
            del self._buffer[: end + len(_HEAD_END)]
            return parse_head(text.lstrip("\r\n"))
        if len(self._buffer) >= MAX_HEAD_BYTES:
            raise WireError(status=431, message="The request's head is too large.")
        return None

    def _drop_body(self, head: _Head) -> Request | None:
        taken = min(len(self._buffer), head.body_bytes - self._dropped_bytes)
        del self._buffer[:taken]
        self._dropped_bytes += taken
        if self._dropped_bytes < head.body_bytes:
            return None
        self._dropped_bytes = 0
        return self._finish(head=head, body=b"")

    def _finish(self, *, head: _Head, body: bytes) -> Request:
        self._head = None
        path, _, query = _ORIGIN.sub("", head.target, count=1).partition("?")
        return Request(
            method=head.method,
            path=path or "/",
            query=query,
            headers=head.headers,
            body=body,
            is_body_dropped=head.body_bytes > MAX_KEPT_BODY_BYTES,
            is_kept_alive=head.is_kept_alive,
            cluster=self._cluster,
            peer=self._peer,
        )


def parse_head(text: str) -> _Head:
    """Read request line and headers.

    Raises:
        WireError: 400, 411 or 413, by what is wrong.
    """
    first, *lines = text.split("\r\n")
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise WireError(status=400, message="This is no HTTP/1.1 request.")
    headers = _parse_headers(lines)
    if "transfer-encoding" in headers:
        raise WireError(status=411, message="Send the body with a Content-Length.")
    is_modern = match[3] == "1"
    if is_modern and "host" not in headers:
        raise WireError(status=400, message="The Host header is missing.")
    connection = headers.get("connection", "").lower()
    return _Head(
        method=match[1],
        target=match[2],
        headers=headers,
        body_bytes=_parse_length(headers.get("content-length", "0")),
        is_kept_alive="close" not in connection if is_modern else "keep-alive" in connection,
    )


def _parse_headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or _HEADER_NAME.fullmatch(name) is None:
            raise WireError(status=400, message="A header line cannot be read.")
        lowered = name.lower()
        value = value.strip()
        if lowered in headers:
            value = f"{headers[lowered]}, {value}"
        headers[lowered] = value
    return headers


def _parse_length(text: str) -> int:
    if _LENGTH.fullmatch(text) is None:
        raise WireError(status=400, message="The Content-Length cannot be read.")
    length = int(text)
    if length > MAX_READ_BODY_BYTES:
        raise WireError(status=413, message="The body is too large.")
    return length
