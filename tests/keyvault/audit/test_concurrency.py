"""The sealer and the verifier beside live traffic, in real transactions."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.utils import timezone

from keyvault import audit
from keyvault.audit import Action
from keyvault.audit.sealer import file_sink, seal_new_entries
from keyvault.audit.verification import verify
from keyvault.models import AuditCheckpoint, AuditEntry
from tests.keyvault.factories import OWNER

pytestmark = pytest.mark.django_db(transaction=True)


def _beside(work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def _record() -> None:
    audit.record(action=Action.DRAFT_OPENED, actor=OWNER)


def test_a_denial_inside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        audit.record_denial(actor=OWNER)
    assert not AuditEntry.objects.exists()


def test_an_entry_that_commits_after_later_ones_is_not_missed() -> None:
    if connection.vendor == "sqlite":
        _record()  # SQLite lets one transaction write at a time: ids commit in order
        seal_new_entries(timezone.now())
    else:
        written, may_commit = threading.Event(), threading.Event()

        def slow() -> None:
            with transaction.atomic():
                _record()
                written.set()
                may_commit.wait(10)

        late = _beside(slow)
        written.wait(10)
        _record()
        assert seal_new_entries(timezone.now()) == 1
        may_commit.set()
        late.join()
        assert seal_new_entries(timezone.now()) == 1
        first, second = AuditCheckpoint.objects.order_by("id")
        assert second.first_entry < first.first_entry
    report = verify(anchor=file_sink().last())
    assert report.is_intact
    assert report.unsealed == 0


def test_many_sealers_make_one_chain() -> None:
    def traffic() -> None:
        for _ in range(15):
            _record()

    def seal() -> None:
        for _ in range(10):
            seal_new_entries(timezone.now())

    threads = [_beside(work) for work in (traffic, traffic, seal, seal, seal)]
    for thread in threads:
        thread.join()
    seal_new_entries(timezone.now())
    report = verify(anchor=file_sink().last())
    assert report.problems == []
    assert (report.entries, report.unsealed) == (30, 0)


def test_verifying_beside_a_sealer_sees_one_state() -> None:
    for _ in range(30):
        _record()
    stop = threading.Event()

    def traffic() -> None:
        while not stop.is_set():
            _record()
            seal_new_entries(timezone.now())

    thread = _beside(traffic)
    try:
        for _ in range(10):
            assert verify(anchor=None).problems == []
    finally:
        stop.set()
        thread.join()
