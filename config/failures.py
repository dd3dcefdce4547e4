"""What people and programs see when a request cannot be served.

Django turns an exception into a response at the layer where it rises, a middleware's included, and
asks these handlers for it. So they are the one place that sees every failure.
"""

import sys
from http import HTTPStatus
from typing import Final

from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views import defaults

from keyvault.api.problems import RETRY_SECONDS, is_read_only, problem, problem_of
from keyvault.errors import KekUnavailableError, KeyringError, UnknownKekError

API: Final = "/api/"
# What passes by itself, or once an operator has acted: the request was not at fault.
OUTAGES: Final = (
    OperationalError,
    InterfaceError,
    KekUnavailableError,
    KeyringError,
    UnknownKekError,
)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django refused to read."""
    is_too_large = isinstance(exception, RequestDataTooBig)
    if request.path_info.startswith(API):
        if isinstance(exception, DisallowedHost):
            # A proxy that does not pass Host on, or a name that LATCHKEY_HOSTS does not have.
            return problem(type_="bad-request", detail="Host is no name of this site")
        return problem(type_="too-large" if is_too_large else "bad-request")
    if is_too_large:
        return _bare_page("413.html", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that leads nowhere, or to something that is nobody's business."""
    if request.path_info.startswith(API):
        return problem(type_="not-found")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an exception that nothing has caught; an outage is 503 and says when to come back."""
    error = sys.exception()
    is_outage = isinstance(error, OUTAGES) or is_read_only(error)
    if request.path_info.startswith(API):
        return _outage_problem(error) if is_outage else problem(type_="internal")
    if is_outage:
        return outage_page()
    return _bare_page("500.html", status=HTTPStatus.INTERNAL_SERVER_ERROR)


def outage_page() -> HttpResponse:
    """The page for people while the database or a key is not at hand; it needs neither."""
    response = _bare_page("503.html", status=HTTPStatus.SERVICE_UNAVAILABLE)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _bare_page(template: str, *, status: HTTPStatus) -> HttpResponse:
    try:
        content = str(loader.render_to_string(template))
    except ValueError:
        # The static files are not collected: their addresses are unknown, and there is no way back.
        content = f"<!doctype html><title>{status.phrase}</title><h1>{status.phrase}</h1>"
    return HttpResponse(content, status=status)


def _outage_problem(error: BaseException | None) -> HttpResponse:
    if isinstance(error, (KekUnavailableError, UnknownKekError)):
        return problem_of(error)
    part = "keyring" if isinstance(error, KeyringError) else "database"
    return problem(
        type_="unavailable",
        detail=f"the {part} does not answer; try again",
        headers={"Retry-After": str(RETRY_SECONDS)},
    )
