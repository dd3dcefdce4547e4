"""The database: stopped, started again, filled up, not there at all."""

import os
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.installation import Answer, Installation, wait_for
from tools.postgres import PostgresServer

BACK_SECONDS = 1.0
DISK_MEBIBYTES = 48
GRANTED = "keyvault_auditentry WHERE action = 'lease.granted'"


class _Load:
    """Clients that lease and read without a pause, and what they were answered."""

    def __init__(self, site: Installation, *, clients: int = 6) -> None:
        self._site = site
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(clients)]
        self.answers: list[tuple[float, Answer]] = []
        self.broken: Counter[str] = Counter()
        self._news = threading.Condition()

    def __enter__(self) -> "_Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        token = self._site.facts["backend_token"]
        while not self._stop.is_set():
            try:
                if number % 2:
                    answer = self._site.lease()
                else:
                    answer = self._site.request("GET", "/api/v1/stores", token=token)
            except OSError as error:
                self.broken[type(error).__name__] += 1
                continue
            with self._news:
                self.answers.append((time.monotonic(), answer))
                self._news.notify_all()

    def await_answer(self, status: int, *, after: float, seconds: float) -> float:
        """When the first such answer came, counted from a moment."""

        def came() -> float | None:
            moments = (moment for moment, answer in self.answers if answer.status == status)
            return next((moment for moment in moments if moment > after), None)

        with self._news:
            moment = self._news.wait_for(came, timeout=seconds)
        assert moment is not None, f"no {status} within {seconds} s"
        return moment - after


def test_a_database_restart_under_load_is_503_and_soon_over(
    site_on_postgres: Installation, postgres: PostgresServer
) -> None:
    site = site_on_postgres
    site.start_web(workers=2)
    with _Load(site) as load:
        load.await_answer(200, after=0, seconds=10)
        postgres.stop()
        stopped = time.monotonic()
        load.await_answer(503, after=stopped, seconds=15)
        postgres.start()
        started = time.monotonic()
        back = load.await_answer(200, after=started, seconds=20)
        load.await_answer(200, after=started + 2 * BACK_SECONDS, seconds=20)

    statuses = Counter(answer.status for _, answer in load.answers)
    refused = [answer for _, answer in load.answers if answer.status == 503]
    assert set(statuses) <= {200, 201, 429, 503}, statuses
    assert not load.broken
    assert all(a.headers["content-type"] == "application/problem+json" for a in refused)
    assert all(int(a.headers["retry-after"]) >= 1 for a in refused)
    assert back <= BACK_SECONDS
    assert {answer.status for at, answer in load.answers if at > started + 2 * BACK_SECONDS} <= {
        200,
        201,
        429,
    }


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own that a test may fill."""
    assert os.geteuid() == 0, "mounting a small disk needs root: sudo make faults"
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = [
        "mount",
        "-t",
        "tmpfs",
        "-o",
        f"size={DISK_MEBIBYTES}m,mode=0700",
        "tmpfs",
        str(folder),
    ]
    subprocess.run(mount, check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def site_on_small_disk(prepared: Installation, small_disk: Path) -> Iterator[Installation]:
    site = Installation(small_disk / "data").copied_from(prepared)
    yield site
    site.stop()


def _fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            while True:
                try:
                    file.write(b"\0" * size)
                except OSError:
                    break
    return filler


def test_a_full_disk_refuses_clearly_and_writes_nothing_by_half(
    site_on_small_disk: Installation, small_disk: Path
) -> None:
    site = site_on_small_disk
    token = site.facts["backend_token"]
    site.start_web()
    assert site.lease().status == 201
    keyring = (site.folder / "keyring.json").read_bytes()
    leases, entries = _count(site, "keyvault_lease"), _count(site, GRANTED)
    filler = _fill(small_disk)

    answers = [site.lease() for _ in range(40)]
    refused = [answer for answer in answers if answer.status == 503]
    read = site.request("GET", "/api/v1/stores", token=token)
    rotated = site.manage("keyvault", "rotate", check=False)
    kept = (site.folder / "keyring.json").read_bytes()
    filler.unlink()

    assert refused
    assert {answer.status for answer in answers} <= {201, 429, 503}
    assert all("retry-after" in answer.headers for answer in refused)
    assert read.status == 200
    assert rotated.returncode != 0
    assert kept == keyring
    lent = sum(answer.status == 201 for answer in answers)
    assert _count(site, "keyvault_lease") == leases + lent
    assert _count(site, GRANTED) == entries + lent
    with closing(sqlite3.connect(site.folder / "latchkey.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert site.manage("worker", "--once").returncode == 0
    assert site.manage("keyvault", "verify").returncode == 0


def _count(site: Installation, what: str) -> int:
    with closing(sqlite3.connect(site.folder / "latchkey.sqlite3")) as database:
        return int(database.execute(f"SELECT COUNT(*) FROM {what}").fetchone()[0])  # noqa: S608  # our own words


def test_a_worker_without_a_database_waits_and_goes_on(
    site_on_postgres: Installation, postgres: PostgresServer
) -> None:
    site = site_on_postgres
    postgres.stop()
    worker = site.start_worker()
    site.output["worker"].wait_for("a duty failed", seconds=60)

    assert worker.poll() is None
    assert "a duty failed" in site.log_of("worker")

    postgres.start()
    unsealed = "from keyvault.models import AuditPending; print(AuditPending.objects.count())"
    wait_for(lambda: site.shell(unsealed) == "0", what="the worker seals again")


def test_migrating_twice_and_at_the_same_time_is_harmless(site_on_postgres: Installation) -> None:
    site = site_on_postgres
    both = [threading.Thread(target=site.manage, args=("migrate", "-v0")) for _ in range(2)]

    for thread in both:
        thread.start()
    for thread in both:
        thread.join()

    assert site.manage("migrate", "--check", "-v0").returncode == 0
    assert site.manage("keyvault", "verify").returncode == 0
