"""Killed in the middle of lending: what was granted is spent, and nothing is granted twice."""

import http.client
import json
import os
import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.faults.installation import START_SECONDS, Installation, wait_for

PERMITS = 5
BORROWERS = 4
KILLS = 3
# Leases that are lent between two kills.
LEASES = 8
# Lends in a process that ends itself, as a power cut would, before or after a statement.
LEND = """
import os, signal
from uuid import UUID
from django.db import connection
from keyvault.leases import LeaseAsk, digest_of, issue_lease

def cut(execute, sql, params, many, context):
    if {before} and "INSERT INTO keyvault_auditentry" in sql:
        os.kill(os.getpid(), signal.SIGKILL)
    return execute(sql, params, many, context)

with connection.execute_wrapper(cut):
    issue_lease(
        digest=digest_of({token!r}),
        keychain_id=UUID({store!r}),
        ask=LeaseAsk(permits={permits}),
    )
os.kill(os.getpid(), signal.SIGKILL)
"""
# What the log holds, what the counters say, and what is on record.
COUNT = """
import json
from keyvault.models import AuditEntry, Lease, PoolKey
borrowed = Lease.objects.exclude(token=None)
print(json.dumps({
    "leases": [str(pk) for pk in borrowed.values_list("pk", flat=True)],
    "spent": sum(borrowed.values_list("counted", flat=True)),
    "log": sum(Lease.objects.values_list("counted", flat=True)),
    "counters": sum(key.windows[-1][2] for key in PoolKey.objects.all()),
    "record": AuditEntry.objects.filter(action="lease.granted").count(),
}))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def installed(request: pytest.FixtureRequest) -> Installation:
    name = "site" if request.param == "sqlite" else "site_on_postgres"
    found: Installation = request.getfixturevalue(name)
    return found


def _lend(site: Installation, *, before: bool) -> None:
    code = LEND.format(
        before=before,
        token=site.facts["backend_token"],
        store=site.facts["merchant"]["store_id"],
        permits=PERMITS,
    )
    done = site.manage("shell", "--no-imports", "-v0", "-c", code, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


def _count(site: Installation) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(site.shell(COUNT))
    return found


def test_killed_before_the_commit_nothing_was_lent(installed: Installation) -> None:
    _lend(installed, before=True)

    found = _count(installed)
    assert (found["leases"], found["spent"], found["record"]) == ([], 0, 0)
    assert found["counters"] == found["log"]


def test_killed_after_the_commit_its_permits_are_spent(installed: Installation) -> None:
    _lend(installed, before=False)

    found = _count(installed)
    assert (len(found["leases"]), found["spent"], found["record"]) == (1, PERMITS, 1)
    assert found["counters"] == found["log"]


class Borrowers:
    """Threads that borrow all the time.

    Attributes:
        lent: ids of leases, as they come.
        lost: requests that got no answer.
        refused: other statuses than 201 and 429.
    """

    def __init__(self, site: Installation) -> None:
        self._site = site
        self._stop = threading.Event()
        self.lent: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.lost: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.refused: set[int] = set()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._borrow) for _ in range(BORROWERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _borrow(self) -> None:
        while not self._stop.is_set():
            try:
                answer = self._site.lease(use_within_seconds=1)
            except (OSError, http.client.HTTPException) as error:
                self.lost.put(type(error).__name__)
                continue
            if answer.status == 201:
                self.lent.put(answer.json()["lease"]["id"])
            elif answer.status != 429:
                self.refused.add(answer.status)


def test_a_server_process_killed_while_lending_takes_no_lease_back(
    installed: Installation,
) -> None:
    installed.start_web(workers=2)
    borrowers, lent = Borrowers(installed), []
    with borrowers.at_work():
        for _ in range(KILLS):
            lent += [borrowers.lent.get(timeout=START_SECONDS) for _ in range(LEASES)]
            os.kill(installed.children_of("web")[0], signal.SIGKILL)
            installed.output["web"].wait_for("Unexpected exit from worker", seconds=START_SECONDS)
            assert "Unexpected exit from worker" in installed.log_of("web")
            _see_it_come_back(installed)
        lent += [borrowers.lent.get(timeout=START_SECONDS) for _ in range(LEASES)]
    while not borrowers.lent.empty():
        lent.append(borrowers.lent.get())

    found = _count(installed)
    assert borrowers.refused == set()
    assert set(lent) <= set(found["leases"])
    assert len(found["leases"]) <= len(lent) + borrowers.lost.qsize()
    assert found["spent"] == found["record"] == len(found["leases"])
    assert found["counters"] == found["log"]


def _see_it_come_back(site: Installation) -> None:
    """Granian starts the process again, or, when that happens too often, ends: then we start it."""
    wait_for(lambda: site.is_ready() or site.has_ended("web"), what="it is ready or has ended")
    if site.has_ended("web"):
        site.kill("web")
        site.start_web(workers=2)
