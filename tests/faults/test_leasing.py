"""Killed in the middle of lending: what was granted is spent, and nothing is granted twice."""

import json
import signal
from typing import Any

import pytest

from tests.faults.installation import Installation

PERMITS = 5
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
