"""Answers in JSON."""

import json

from simulator.wire import Request, Response

Headers = tuple[tuple[str, str], ...]


def to_json(value: object) -> bytes:
    """Encode a value compactly."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def json_response(*, status: int, value: object, headers: Headers = ()) -> Response:
    """Answer with a JSON value."""
    return Response(status=status, body=to_json(value), headers=headers)


def vendor_error(*, request: Request, status: int, message: str, headers: Headers = ()) -> Response:
    """Answer with the vendor's error object."""
    error = {"code": status, "method": request.method, "request": request.path, "message": message}
    return json_response(status=status, value={"error": error}, headers=headers)
