"""The backend API: its operations, and what becomes of every error in them."""

import logging
from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path, re_path
from django.views.decorators.http import require_safe
from ninja.errors import HttpError, ValidationError

from keyvault.api import leases, stores
from keyvault.api.boundary import bounded, nothing_here
from keyvault.api.openapi import BackendAPI
from keyvault.api.parsing import StrictParser
from keyvault.api.problems import RETRY_SECONDS, is_read_only, problem, problem_of
from keyvault.api.tokens import RefusedBodyError
from keyvault.errors import VaultError
from keyvault.leases import LEASING

logger = logging.getLogger(__name__)


api = BackendAPI(
    title="Latchkey",
    version="1",
    description="Lends a store's credentials to the backend of its app, a few requests at a time.",
    urls_namespace="keyvault_api",
    parser=StrictParser(),
    docs_url=None,
)
api.add_router("/stores", stores.router)
api.add_router("", leases.router)


@api.exception_handler(VaultError)
def _refused(_request: HttpRequest, error: VaultError) -> HttpResponse:
    if not error.retryable:
        logger.info("refused", extra={"code": error.code})
    return problem_of(error)


@api.exception_handler(RefusedBodyError)
def _refused_body(_request: HttpRequest, error: RefusedBodyError) -> HttpResponse:
    return error.response


@api.exception_handler(ValidationError)
def _invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Names each fault and never repeats a value: it may be a secret in the wrong place."""
    errors: list[dict[str, Any]] = [
        {"loc": [str(part) for part in each["loc"]], "msg": each["msg"], "type": each["type"]}
        for each in error.errors
    ]
    return problem(type_="invalid", errors=errors)


@api.exception_handler(HttpError)
def _unreadable(_request: HttpRequest, _error: HttpError) -> HttpResponse:
    return problem(type_="bad-json", detail="one JSON object, each name once")


@api.exception_handler(Http404)
def _missing(_request: HttpRequest, _error: Http404) -> HttpResponse:
    return problem(type_="not-found")


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def _no_database(_request: HttpRequest, error: Exception) -> HttpResponse:
    logger.warning("the database does not answer", extra={"kind": type(error).__name__})
    return problem(
        type_="unavailable",
        detail="the database does not answer; try again",
        headers={"Retry-After": str(RETRY_SECONDS)},
    )


@api.exception_handler(Exception)
def _broken(request: HttpRequest, error: Exception) -> HttpResponse:
    if is_read_only(error):
        return _no_database(request, error)
    logger.error("a request failed", exc_info=error)
    return problem(type_="internal")


def _view(pattern: URLPattern) -> Callable[..., HttpResponse]:
    """The view of an address.

    The description of the API would answer any method. Others wait for a request for a lease while
    it is read, so that it shares their statement.
    """
    if pattern.name in {"openapi-json", "api-root"}:
        return require_safe(pattern.callback)
    if pattern.name == leases.create_lease.__name__:
        return LEASING.expected()(pattern.callback)
    return pattern.callback


def api_urls() -> list[URLPattern | URLResolver]:
    """The addresses below /api/, everything that is not there included."""
    patterns, app_name, namespace = api.urls
    operations = [
        path(str(each.pattern), bounded(_view(each)), name=each.name or "")
        for each in patterns
        if isinstance(each, URLPattern)
    ]
    return [
        path("api/v1/", (operations, app_name, namespace)),
        re_path(r"^api(?:/.*)?$", nothing_here, name="api-nothing-here"),
    ]
