"""What waits to be done can be seen from outside, also while the database is gone."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from keyvault.audit import SYSTEM, Action, record
from keyvault.models import AuditSealer

pytestmark = pytest.mark.django_db

KIND = "keyvault.auditsealer"


def _measured() -> dict[tuple[str, str], float]:
    answered = Client().get("/metrics")
    assert answered.status_code == 200
    return {
        (sample.name, sample.labels.get("kind", "")): sample.value
        for family in text_string_to_metric_families(answered.content.decode())
        for sample in family.samples
    }


def test_due_work_is_counted_with_its_age_and_its_failures() -> None:
    AuditSealer.objects.all().delete()
    due = timezone.now() - timedelta(seconds=90)
    AuditSealer.objects.create(name="waits", due_at=due)
    AuditSealer.objects.create(name="fails", due_at=timezone.now(), attempts=3)
    AuditSealer.objects.create(name="later", due_at=timezone.now() + timedelta(hours=1))

    measured = _measured()

    assert measured["latchkey_due_rows", KIND] == 2
    assert measured["latchkey_due_failing_rows", KIND] == 1
    assert measured["latchkey_due_oldest_seconds", KIND] >= 90
    assert measured["latchkey_database_up", ""] == 1


def test_nothing_due_is_a_zero_not_a_gap() -> None:
    AuditSealer.objects.all().delete()

    measured = _measured()

    assert measured["latchkey_due_rows", KIND] == 0
    assert measured["latchkey_due_oldest_seconds", KIND] == 0


def test_entries_without_a_checkpoint_are_counted() -> None:
    before = _measured()["latchkey_audit_unsealed_entries", ""]

    record(action=Action.ACCESS_DENIED, actor=SYSTEM)

    assert _measured()["latchkey_audit_unsealed_entries", ""] == before + 1


def test_without_a_database_the_other_measures_are_still_told() -> None:
    def gone(execute: Callable[..., object], *args: object) -> object:
        raise OperationalError

    with connection.execute_wrapper(gone):
        measured = _measured()

    assert measured["latchkey_database_up", ""] == 0
    assert any(name.startswith("latchkey_lease_seconds") for name, _ in measured)
