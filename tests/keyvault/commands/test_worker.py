"""manage.py worker."""

import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from keyvault.due import Duty
from keyvault.management.commands.worker import MOST_RUNS, end, run, work


class Counted:
    """A duty that counts its runs."""

    def __init__(self, *, found: Callable[[int], int], stop: threading.Event | None = None) -> None:
        self.runs = 0
        self._found = found
        self._stop = stop

    def run(self, _now: datetime) -> int:
        self.runs += 1
        if self._stop is not None:
            self._stop.set()
        return self._found(self.runs)


def _fail(_runs: int) -> int:
    message = "broken on purpose"
    raise RuntimeError(message)


# As settings name it.
ENDED: list[str] = []
ENDING = Duty(
    name="ending",
    interval_seconds=9,
    run=Counted(found=lambda _: 0).run,
    end=lambda: ENDED.append("it"),
)


@pytest.mark.django_db
def test_a_duty_runs_while_it_finds_work() -> None:
    counted = Counted(found=lambda runs: 3 - runs)

    assert run(Duty(name="t", interval_seconds=1, run=counted.run)) == 3
    assert counted.runs == 3


@pytest.mark.django_db
def test_a_duty_that_never_ends_gives_the_others_their_turn() -> None:
    counted = Counted(found=lambda _runs: 1)

    run(Duty(name="t", interval_seconds=1, run=counted.run))

    assert counted.runs == MOST_RUNS


@pytest.mark.django_db
def test_a_duty_that_fails_stops_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    stop = threading.Event()
    good = Counted(found=lambda _runs: 0, stop=stop)
    duties = [
        Duty(name="bad", interval_seconds=9, run=Counted(found=_fail).run),
        Duty(name="good", interval_seconds=9, run=good.run),
    ]

    work(duties=duties, stop=stop)

    assert good.runs == 1
    assert "a duty failed" in caplog.text


@pytest.mark.django_db
def test_a_worker_that_is_told_to_stop_begins_nothing_more() -> None:
    stop = threading.Event()
    first, second = Counted(found=lambda _: 0, stop=stop), Counted(found=lambda _: 0)
    duties = [
        Duty(name="first", interval_seconds=9, run=first.run),
        Duty(name="second", interval_seconds=9, run=second.run),
    ]

    work(duties=duties, stop=stop)

    assert (first.runs, second.runs) == (1, 0)


def test_a_worker_lets_each_duty_finish_what_is_under_way(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ended: list[str] = []

    def fail() -> None:
        message = "broken on purpose"
        raise RuntimeError(message)

    counted = Counted(found=lambda _: 0)
    end(
        [
            Duty(name="bad", interval_seconds=9, run=counted.run, end=fail),
            Duty(name="none", interval_seconds=9, run=counted.run),
            Duty(name="good", interval_seconds=9, run=counted.run, end=lambda: ended.append("it")),
        ]
    )

    assert ended == ["it"]
    assert "a duty failed at its end" in caplog.text


@pytest.mark.django_db
def test_once_runs_every_duty_once(settings: Settings) -> None:
    settings.KEYVAULT_DUTIES = ["keyvault.pool.duties.PRUNING", "keyvault.webhooks.DELIVERIES"]

    call_command("worker", "--once")


@pytest.mark.django_db
def test_a_worker_that_stops_ends_its_duties(settings: Settings) -> None:
    settings.KEYVAULT_DUTIES = ["tests.keyvault.commands.test_worker.ENDING"]

    call_command("worker", "--once")

    assert ENDED == ["it"]


def test_a_worker_without_a_keyring_does_not_start(settings: Settings) -> None:
    settings.KEYVAULT_KEYRING = settings.KEYVAULT_KEYRING.parent / "nowhere.json"

    with pytest.raises(CommandError):
        call_command("worker", "--once")
