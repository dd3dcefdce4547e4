"""A span for each request."""

from collections.abc import Callable
from http import HTTPStatus

import structlog
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from config.tracing.spans import Kind, is_on, span


class TracingMiddleware:
    """Traces requests by route; stands below the one that gives them their id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not is_on():
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on within a span; static files have none."""
        if request.path_info.startswith(settings.STATIC_URL):
            return self.get_response(request)
        method = request.method or ""
        with span(method, kind=Kind.SERVER) as made:
            response = self.get_response(request)
            match = request.resolver_match
            route = match.route if match is not None else "(none)"
            made.name = f"{method} {route}"
            made.has_failed = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
            made.attributes |= {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": response.status_code,
                "latchkey.request_id": _request_id(),
            }
        return response


def _request_id() -> str:
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))
