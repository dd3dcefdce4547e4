"""Probes and measures."""

import json
import re
import stat
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of


def test_healthz_needs_no_database(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_readyz_looks_at_database_and_keyring(client: Client) -> None:
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_readyz_fails_where_another_server_has_taken_over(client: Client) -> None:
    """PostgreSQL answers reads then; SQLite has no such state."""
    is_postgresql = connection.vendor == "postgresql"
    if is_postgresql:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL transaction_read_only = on")

    response = client.get("/readyz")

    assert response.status_code == (503 if is_postgresql else 200)
    assert response.json().get("faults", ["database"]) == ["database"]


@pytest.mark.django_db
def test_readyz_fails_while_others_can_read_the_keyring(client: Client) -> None:
    keyring = Path(settings.KEYVAULT_KEYRING)
    mode = stat.S_IMODE(keyring.stat().st_mode)
    keyring.chmod(0o644)
    try:
        response = client.get("/readyz")
    finally:
        keyring.chmod(mode)

    assert response.status_code == 503
    assert response.json()["faults"] == ["keyring"]


@pytest.mark.django_db
def test_metrics_count_leases_and_name_nobody(client: Client, backend: Api) -> None:
    store = factories.keychain("Bakery Canary")
    key = key_of(store)
    backend.lease(store)

    text = client.get("/metrics").content.decode()

    assert 'latchkey_leases_granted_total{traffic_class="interactive"}' in text
    for name in ("Canary", str(store.pk), str(key.pk), backend.token):
        assert name not in text


def count_of(client: Client, type_: str) -> float:
    told = client.get("/metrics").content.decode()
    found = re.search(rf'latchkey_api_problems_total{{type="{type_}"}} (\S+)', told)
    assert found
    return float(found[1])


@pytest.mark.django_db
def test_every_problem_is_counted_once(client: Client, backend: Api) -> None:
    store = factories.keychain()
    key_of(store, limits=[[60, 1]])
    types = ("unknown-token", "pool-empty", "not-found")
    before = {type_: count_of(client, type_) for type_ in types}

    assert Api("lk_nobody").lease(store).status_code == 401
    assert [backend.lease(store).status_code for _ in range(3)] == [201, 429, 429]
    assert backend.get("/api/v1/nowhere").status_code == 404

    risen = {type_: count_of(client, type_) - before[type_] for type_ in types}
    assert risen == {"unknown-token": 1, "pool-empty": 2, "not-found": 1}


@pytest.mark.django_db
def test_openapi_lists_every_operation(client: Client) -> None:
    response = client.get("/api/v1/openapi.json")

    paths = json.loads(response.content)["paths"]
    assert set(paths) == {
        "/api/v1/stores",
        "/api/v1/stores/{store_id}",
        "/api/v1/stores/{store_id}/leases",
        "/api/v1/leases/{lease_id}/settle",
        "/api/v1/leases/{lease_id}/renew",
    }
    assert "422" in paths["/api/v1/leases/{lease_id}/settle"]["post"]["responses"]
