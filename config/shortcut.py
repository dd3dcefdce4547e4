"""The short way of the backend API: past all that only people's browsers need.

Below /api/ nobody has a session, a language or a form; whoever calls shows a token. So these
requests go from here straight to their view, under the headers that every answer has.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final, cast

from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.urls import resolve

PREFIX: Final = "/api/"
# Nothing there is a page: it may load nothing and stand in no frame.
POLICY: Final = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"


class ApiShortcutMiddleware:
    """Answers requests below /api/ by itself; stands after what they share with pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._answer = cast(
            "Callable[[HttpRequest], HttpResponse]", convert_exception_to_response(_answer)
        )

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Take the short way or the long one."""
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        response = self._answer(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        if response.status_code != HTTPStatus.NOT_MODIFIED:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        return response


def _answer(request: HttpRequest) -> HttpResponse:
    # As Django's CommonMiddleware does: a Host that is not the site's is refused.
    request.get_host()
    match = request.resolver_match = resolve(request.path_info)
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return response
