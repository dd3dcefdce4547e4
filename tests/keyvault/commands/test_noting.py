"""When each duty ran last, and how it failed."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection

from keyvault.due import Duty
from keyvault.management.commands.worker import run
from keyvault.management.noting import NOTED_EVERY, note_run
from keyvault.models import DutyRun

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class BrokenOnPurposeError(Exception):
    """What a duty of these tests fails with."""


def _fail(_now: datetime) -> int:
    raise BrokenOnPurposeError("canary-text-of-a-failure")  # noqa: EM101  # the text is the point


def noted() -> tuple[datetime, int, str]:
    row = DutyRun.objects.get()
    return row.ran_at, row.failures, row.problem


@pytest.mark.django_db(transaction=True)
def test_a_run_of_the_worker_is_noted() -> None:
    run(Duty(name="good", interval_seconds=1, run=lambda _now: 0))
    assert DutyRun.objects.get().name == "good"
    assert noted()[1:] == (0, "")


@pytest.mark.django_db(transaction=True)
def test_a_failure_is_noted_by_its_class_and_not_by_its_text() -> None:
    for _ in range(2):
        run(Duty(name="bad", interval_seconds=1, run=_fail))
    row = DutyRun.objects.get()
    assert (row.failures, row.problem) == (2, "BrokenOnPurposeError")
    assert row.failed_at == row.ran_at
    assert "canary" not in str(DutyRun.objects.values())


def test_good_runs_are_noted_now_and_then_only() -> None:
    note_run(name="good", now=NOW)
    note_run(name="good", now=NOW + NOTED_EVERY - timedelta(seconds=1))
    assert noted()[0] == NOW
    note_run(name="good", now=NOW + NOTED_EVERY)
    assert noted()[0] == NOW + NOTED_EVERY


def test_recovery_is_noted_at_once_and_the_last_failure_is_remembered() -> None:
    note_run(name="duty", now=NOW, problem="TimeoutError")
    note_run(name="duty", now=NOW + timedelta(seconds=1))
    assert noted() == (NOW + timedelta(seconds=1), 0, "TimeoutError")
    assert DutyRun.objects.get().failed_at == NOW


def test_a_database_that_refuses_costs_the_note_and_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*_args: object) -> None:
        raise DatabaseError

    with connection.execute_wrapper(refuse):
        note_run(name="duty", now=NOW)
    assert "a run was not noted" in caplog.text
