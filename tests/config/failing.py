"""Pages that fail in the ways in which a part of the site can fail."""

from collections.abc import Callable

from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import path
from psycopg.errors import ReadOnlySqlTransaction

from config import urls
from keyvault.errors import KekUnavailableError, KeyringError, UnknownKekError

handler400, handler404, handler500 = urls.handler400, urls.handler404, urls.handler500

CANARY = "canary-in-the-words-of-an-error"


def _caused(error: Exception, *, by: Exception) -> Exception:
    error.__cause__ = by
    return error


OUTAGES: dict[str, Callable[[], Exception]] = {
    "operational": lambda: OperationalError(CANARY),
    "interface": lambda: InterfaceError(CANARY),
    "read-only": lambda: _caused(InternalError(CANARY), by=ReadOnlySqlTransaction(CANARY)),
    "kek-silent": lambda: KekUnavailableError("KEK local:20260101-aaaa does not answer"),
    "kek-unknown": lambda: UnknownKekError("KEK local:20260101-aaaa is not in the keyring"),
    "keyring": lambda: KeyringError(f"keyring {CANARY}: damaged"),
}


def outage(request: HttpRequest, kind: str) -> HttpResponse:
    error = OUTAGES[kind]()
    raise error


def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError(CANARY)


def reads_post(request: HttpRequest) -> HttpResponse:
    return HttpResponse(len(request.POST))


urlpatterns = [
    path("outage/<kind>", outage),
    path("api/outage/<kind>", outage),
    path("broken", broken),
    path("api/broken", broken),
    path("reads-post", reads_post),
    path("api/reads-post", reads_post),
]
