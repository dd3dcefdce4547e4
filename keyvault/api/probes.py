"""Probes for whoever runs the servers: alive, ready, measures."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client import REGISTRY as PROCESS_REGISTRY
from prometheus_client.multiprocess import MultiProcessCollector

from keyvault.api.backlog import BacklogCollector
from keyvault.errors import VaultError
from keyvault.vault import require_keyring


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """This process can lend: the database takes writes and the keyring is readable."""
    faults = []
    try:
        if not _takes_writes():
            faults.append("database")
    except DatabaseError:
        faults.append("database")
    try:
        require_keyring()
    except VaultError:
        faults.append("keyring")
    if faults:
        return JsonResponse({"status": "not ready", "faults": faults}, status=503)
    return JsonResponse({"status": "ready"})


@require_safe
def metrics(_request: HttpRequest) -> HttpResponse:
    """All measures of this process, or of all when PROMETHEUS_MULTIPROC_DIR is set."""
    backlog = CollectorRegistry()
    backlog.register(BacklogCollector())
    text = generate_latest(_registry()) + generate_latest(backlog)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    try:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # theirs
    except ValueError:
        return PROCESS_REGISTRY
    return registry


def _takes_writes() -> bool:
    """Whether the database does; one whose place another takes still answers."""
    of_vendor = "SHOW transaction_read_only" if connection.vendor == "postgresql" else "SELECT 1"
    with connection.cursor() as cursor:
        cursor.execute(of_vendor)
        return bool(cursor.fetchone() != ("on",))
