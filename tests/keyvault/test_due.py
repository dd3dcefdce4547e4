"""Claims: one winner, and a killed worker holds nothing for long."""

from datetime import UTC, datetime, timedelta

import pytest

from keyvault import due
from keyvault.models import AuditSealer

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def _row(name: str = "one", *, due_at: datetime | None = NOW) -> AuditSealer:
    return AuditSealer.objects.create(name=name, due_at=due_at)


def _claim(*, now: datetime = NOW, limit: int = 1) -> list[AuditSealer]:
    return due.claim(AuditSealer.objects.all(), now=now, claim_seconds=30, limit=limit)


def test_a_due_row_is_claimed_once() -> None:
    _row()
    (mine,) = _claim()
    assert (mine.fence, mine.attempts) == (1, 1)
    assert mine.claimed_until == NOW + timedelta(seconds=30)
    assert _claim() == []


@pytest.mark.parametrize("due_at", [None, NOW + timedelta(seconds=1)])
def test_a_row_that_is_not_due_is_left_alone(due_at: datetime | None) -> None:
    _row(due_at=due_at)
    assert _claim() == []


def test_the_longest_due_comes_first() -> None:
    _row("late", due_at=NOW)
    _row("early", due_at=NOW - timedelta(hours=1))
    _row("middle", due_at=NOW - timedelta(minutes=1))
    assert [row.name for row in _claim(limit=2)] == ["early", "middle"]


def test_a_claim_that_ran_out_is_claimed_again_and_the_late_worker_is_fenced_off() -> None:
    _row()
    (late,) = _claim()
    later = NOW + timedelta(seconds=31)
    (mine,) = _claim(now=later)
    assert not due.finish(late, due_at=None)
    assert due.finish(mine, due_at=None)
    assert mine.attempts == 2


def test_a_finished_row_starts_over_without_attempts() -> None:
    _row()
    (mine,) = _claim()
    assert due.finish(mine, due_at=NOW + timedelta(hours=1))
    row = AuditSealer.objects.get()
    assert (row.attempts, row.claimed_until) == (0, None)
    assert row.due_at == NOW + timedelta(hours=1)


def test_a_failed_row_keeps_its_attempts() -> None:
    _row()
    (mine,) = _claim()
    assert due.retry(mine, due_at=NOW)
    (again,) = _claim()
    assert again.attempts == 2


def test_the_pause_doubles_up_to_the_most() -> None:
    pauses = [due.backoff_seconds(attempts) for attempts in (1, 2, 3, 20, 5000)]
    assert pauses == [2, 4, 8, 900, 900]


def test_duties_are_found_by_their_paths() -> None:
    (duty,) = due.load_duties(["keyvault.audit.sealer.SEALER"])
    assert duty.name == "audit.seal"


@pytest.mark.parametrize(
    ("path", "error"),
    [("keyvault.audit.sealer.NONE", ImportError), ("keyvault.audit.sealer.fill_sink", TypeError)],
)
def test_a_path_that_leads_to_no_duty_stops_the_start(path: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        due.load_duties([path])
