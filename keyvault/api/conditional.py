"""Reading again only what has changed: ETag and If-None-Match (RFC 9110, section 13).

The answers stay `no-store`: no cache on the way keeps one. A program that remembers the tag of what
it has read spares itself the body.
"""

import hashlib
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags

TAG_BYTES: Final = 16


def unless_known(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer with its tag; 304 without a body when the caller has it already.

    Args:
        request: whoever sent it may read this: the answer was made for it.
        response: as it would go out.
    """
    if request.method not in {"GET", "HEAD"} or response.status_code != HTTPStatus.OK:
        return response
    tag = f'"{hashlib.sha256(response.content).hexdigest()[: 2 * TAG_BYTES]}"'
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" in known or tag in {each.removeprefix("W/") for each in known}:
        response = HttpResponse(status=HTTPStatus.NOT_MODIFIED)
        del response.headers["Content-Type"]
    response.headers["ETag"] = tag
    return response
