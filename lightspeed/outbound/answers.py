"""Reading a JSON answer that may be late, endless, packed, broken or something else altogether."""

import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from typing import cast

import httpx2

from lightspeed.errors import (
    Flaw,
    Outage,
    UnreadableAnswerError,
    VendorError,
    VendorUnavailableError,
)
from lightspeed.outbound.deadline import Deadline
from lightspeed.outbound.transport import DEADLINE_EXTENSION

#: Bytes of a body; the vendor's own answers here are a few thousand.
MAX_BODY_BYTES = 1024 * 1024
#: Values in a body. A megabyte of `[[],[],…` would grow to thirty in memory.
MAX_JSON_VALUES = 10_000

_JSON_TYPES = ("application/json", "text/json")
_PLAIN = ("", "identity")


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """An answer that was read to its end. Its repr leaves out what the vendor may repeat to us.

    Attributes:
        status: 200 to 299 or 400 to 599.
        headers: as they came; names compare without case.
        body: the parsed JSON; None when an error's body could not be read.
    """

    status: int
    headers: httpx2.Headers = field(repr=False)
    body: object = field(repr=False)


def fetch_json(
    *, transport: httpx2.BaseTransport, request: httpx2.Request, deadline: Deadline
) -> JsonAnswer:
    """Send a request and read its answer, within the deadline and `MAX_BODY_BYTES`.

    No redirect is followed and nothing is unpacked: a server that was asked for a plain answer
    and sends a packed one is not believed.

    Args:
        transport: sends it; `OutboundTransport` unless a test gives another.
        request: complete, credentials included.
        deadline: bounds the whole exchange; handed to the transport in the extensions.

    Raises:
        VendorUnavailableError: no answer in time, no connection, connection lost.
        UnreadableAnswerError: a redirect, or a 2xx whose body is packed, too large, cut off or
            not JSON. An error's unreadable body is no exception: its status says enough.
        UnsafeAddressError: nothing was sent.
    """
    try:
        return _fetch(transport=transport, request=request, deadline=deadline)
    except VendorError as error:
        failure = error.with_traceback(None)
    # The frames and causes below hold the Authorization header and the vendor's own words, which
    # a debug page or an error tracker would show: none of them leaves with the error.
    failure.__cause__ = failure.__context__ = None
    raise failure


def _fetch(
    *, transport: httpx2.BaseTransport, request: httpx2.Request, deadline: Deadline
) -> JsonAnswer:
    request.headers["Accept"] = "application/json"
    request.headers["Accept-Encoding"] = "identity"
    request.headers["Connection"] = "close"
    request.extensions = {**request.extensions, DEADLINE_EXTENSION: deadline}
    response = _send(transport=transport, request=request, deadline=deadline)
    status = response.status_code
    with closing(response):
        if not (response.is_success or response.is_error):
            raise UnreadableAnswerError(flaw=Flaw.REDIRECT, status=status)
        try:
            body = _parsed(_body(response=response, deadline=deadline), status=status)
        except (UnreadableAnswerError, VendorUnavailableError):
            if response.is_success:
                raise
            body = None
    return JsonAnswer(status=status, headers=response.headers, body=body)


def _send(
    *, transport: httpx2.BaseTransport, request: httpx2.Request, deadline: Deadline
) -> httpx2.Response:
    if deadline.is_over():
        raise VendorUnavailableError(reason=Outage.TIMEOUT)
    try:
        return transport.handle_request(request)
    except httpx2.TimeoutException as error:
        raise VendorUnavailableError(reason=Outage.TIMEOUT) from error
    except httpx2.TransportError as error:
        raise VendorUnavailableError(reason=Outage.CONNECTION) from error


def _body(*, response: httpx2.Response, deadline: Deadline) -> bytearray:
    status = response.status_code
    _require_plain_json(response)
    body = bytearray()
    # From the stream itself: the response's own readers would unpack it.
    chunks = cast("Iterable[bytes]", response.stream)
    try:
        for chunk in chunks:
            if deadline.is_over():
                raise VendorUnavailableError(reason=Outage.TIMEOUT, status=status)
            if len(body) + len(chunk) > MAX_BODY_BYTES:
                raise UnreadableAnswerError(flaw=Flaw.TOO_LARGE, status=status)
            body += chunk
    except httpx2.TimeoutException as error:
        raise VendorUnavailableError(reason=Outage.TIMEOUT, status=status) from error
    except httpx2.ProtocolError as error:
        raise UnreadableAnswerError(flaw=Flaw.TRUNCATED, status=status) from error
    except httpx2.TransportError as error:
        raise VendorUnavailableError(reason=Outage.CONNECTION, status=status) from error
    return body


def _require_plain_json(response: httpx2.Response) -> None:
    """Refuse by the headers alone what need not be read at all."""
    headers, status = response.headers, response.status_code
    if headers.get("Content-Encoding", "").strip().lower() not in _PLAIN:
        raise UnreadableAnswerError(flaw=Flaw.ENCODED, status=status)
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type not in _JSON_TYPES:
        raise UnreadableAnswerError(flaw=Flaw.NOT_JSON, status=status)


def _parsed(body: bytearray, *, status: int) -> object:
    values = sum(body.count(mark) for mark in (b"[", b"{", b",", b":"))
    if values > MAX_JSON_VALUES:
        raise UnreadableAnswerError(flaw=Flaw.TOO_LARGE, status=status)
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableAnswerError(flaw=Flaw.NOT_JSON, status=status) from error
    return parsed
