"""What waits to be done can be seen from outside, also while the database is gone."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from keyvault.audit import SYSTEM, Action, record
from keyvault.leases import create_backend, switch_backend
from keyvault.models import AuditSealer, CredentialCheck, WebhookDelivery, WebhookEndpoint
from keyvault.webhooks import register
from tests.keyvault.factories import credential

pytestmark = pytest.mark.django_db

KIND = "keyvault.credentialcheck"
EVENTS = "keyvault.webhookdelivery"


def _measured() -> dict[tuple[str, str], float]:
    answered = Client().get("/metrics")
    assert answered.status_code == 200
    return {
        (sample.name, sample.labels.get("kind", "")): sample.value
        for family in text_string_to_metric_families(answered.content.decode())
        for sample in family.samples
    }


def _check(*, due_seconds_ago: float, attempts: int = 0) -> None:
    due_at = timezone.now() - timedelta(seconds=due_seconds_ago)
    CredentialCheck.objects.create(credential=credential(), due_at=due_at, attempts=attempts)


def test_due_work_is_counted_with_its_age_and_its_failures() -> None:
    _check(due_seconds_ago=90)
    _check(due_seconds_ago=1, attempts=3)
    _check(due_seconds_ago=-3600)

    measured = _measured()

    assert measured["latchkey_due_rows", KIND] == 2
    assert measured["latchkey_due_failing_rows", KIND] == 1
    assert measured["latchkey_due_oldest_seconds", KIND] >= 90
    assert measured["latchkey_database_up", ""] == 1


@pytest.mark.parametrize("held_by", ["address", "backend"])
def test_what_is_held_is_late_for_nobody(held_by: str) -> None:
    made = create_backend(name="app", scopes=[], stores=None, days=1, actor=SYSTEM)
    address = register(backend_id=made.backend_id, url="https://a.example.test/", actor=SYSTEM)
    long_ago = timezone.now() - timedelta(hours=1)
    WebhookDelivery.objects.create(
        endpoint_id=address.id, type="t", body="{}", created_at=long_ago, due_at=long_ago
    )
    assert _measured()["latchkey_due_rows", EVENTS] == 1

    if held_by == "address":
        WebhookEndpoint.objects.update(disabled_at=timezone.now())
    else:
        switch_backend(backend_id=made.backend_id, is_active=False, actor=SYSTEM)

    measured = _measured()
    assert measured["latchkey_due_rows", EVENTS] == 0
    assert measured["latchkey_due_oldest_seconds", EVENTS] == 0


def test_nothing_due_is_a_zero_not_a_gap() -> None:
    measured = _measured()

    assert measured["latchkey_due_rows", KIND] == 0
    assert measured["latchkey_due_oldest_seconds", KIND] == 0


def test_a_sealers_lock_is_no_work() -> None:
    AuditSealer.objects.get_or_create(name="audit", defaults={"due_at": timezone.now()})

    assert not any("sealer" in kind for _, kind in _measured())


def test_entries_without_a_checkpoint_are_counted() -> None:
    before = _measured()

    record(action=Action.ACCESS_DENIED, actor=SYSTEM)

    after = _measured()
    entries = ("latchkey_audit_unsealed_entries", "")
    assert after[entries] == before[entries] + 1
    assert after["latchkey_audit_unsealed_seconds", ""] > 0


def test_without_a_database_the_other_measures_are_still_told() -> None:
    def gone(execute: Callable[..., object], *args: object) -> object:
        raise OperationalError

    with connection.execute_wrapper(gone):
        measured = _measured()

    assert measured["latchkey_database_up", ""] == 0
    assert any(name.startswith("latchkey_lease_seconds") for name, _ in measured)
