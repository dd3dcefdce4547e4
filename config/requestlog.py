"""One line in the log for each request, and the id that ties everything about it together.

The line names the route, never the address: an address may hold the one-time key of a link. It
asks nothing of the database, so it can be written while there is none.
"""

import re
import sys
import time
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

import structlog
from django.conf import settings
from django.core.signals import got_request_exception
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

logger = structlog.get_logger("latchkey.requests")

HEADER: Final = "X-Request-ID"
_SOUND_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_FAILED: Final = 500


class RequestLogMiddleware:
    """Gives the request its id, and logs how it ended.

    The id of a trusted proxy is kept when it is sound; `config.proxies` has removed anybody else's.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on under its id."""
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _SOUND_ID.fullmatch(given) else str(uuid4())
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            response.headers[HEADER] = request_id
            if not request.path_info.startswith(settings.STATIC_URL):
                _log_end(request, response, seconds=time.perf_counter() - started)
        return response


def _log_end(request: HttpRequest, response: HttpResponse, *, seconds: float) -> None:
    log = logger.error if response.status_code >= _FAILED else logger.info
    log(
        "request",
        method=request.method,
        route=_route(request),
        status=response.status_code,
        ms=round(seconds * 1000, 1),
        address=request.META.get("REMOTE_ADDR", ""),
    )


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    return match.route if match is not None else "(none)"


@receiver(got_request_exception, dispatch_uid="config.requestlog")
def _log_failure(request: HttpRequest | None = None, **_: Any) -> None:
    route = "" if request is None else _route(request)
    logger.error("request failed", route=route, exc_info=sys.exception())
