"""Loans in any order, through the API, beside a model of what the vendor can have seen."""

import math
import time
import uuid
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from keyvault.leases import revoke_lease
from keyvault.models import AuditEntry, Lease, PoolKey
from keyvault.models.lease import microseconds, moment
from keyvault.windows import SECOND
from tests.keyvault import factories
from tests.keyvault.ageing import age
from tests.keyvault.borrowing_model import Loan, most_in_any_span, room
from tests.keyvault.lending import Api, key_of, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# The vendor's headers tell of none of these windows: whatever they say changes nothing.
LIMITS = [[2, 5], [7, 9], [20, 21]]
HEADERS = st.sampled_from(["", "300", "9/9/9", "-1/-1/-1", "1e9/NaN/0", "9" * 200, "٣/٣/٣", "\n"])
SETTLE_US = 60 * SECOND
REST_US = 300 * SECOND
WHICH = st.integers(0, 30)
MILLISECOND_US = 1000
has_loans = precondition(lambda machine: machine.loans)


class Borrowing(RuleBasedStateMachine):
    """A backend borrows, settles and dawdles while time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.backend, self.stranger = Api(token_of()), Api(token_of())
        self.store = factories.keychain()
        self.keys: dict[str, Any] = {}
        self.loans: list[Loan] = []
        self.resting: dict[str, int] = {}
        self.passed_us = 0
        self.is_clock_true = True
        self.add_key()
        self.add_key()

    def now_us(self) -> int:
        return time.time_ns() // 1000 + self.passed_us

    def loans_of(self, key: str) -> list[Loan]:
        return [each for each in self.loans if each.key == key]

    def room_of(self, key: str, *, now_us: int) -> int:
        if now_us < self.resting.get(key, 0):
            return 0
        return room(self.loans_of(key), limits=LIMITS, now_us=now_us)

    @precondition(lambda self: len(self.keys) < 2)
    @rule()
    def add_key(self) -> None:
        key = key_of(self.store, limits=LIMITS)
        self.keys[str(key.pk)] = key

    @rule(permits=st.integers(1, 12), within=st.integers(1, 4))
    def borrow(self, permits: int, within: int) -> None:
        before_us = self.now_us()
        answer = self.backend.lease(self.store, permits=permits, use_within_seconds=within)
        body = answer.json()
        if answer.status_code == 201:
            self._lent(body, asked=permits, within_us=within * SECOND)
        elif not self.keys:
            assert (answer.status_code, body["type"]) == (409, "no-credential")
        else:
            assert (answer.status_code, body["type"]) == (429, "pool-empty")
            if self.is_clock_true:
                assert {self.room_of(key, now_us=before_us) for key in self.keys} == {0}
                self._come_back(body["retry_after_seconds"])

    def _come_back(self, seconds: float) -> None:
        held = len(self.loans)
        self.wait(math.ceil(seconds * 1000))
        self.borrow(1, 1)
        assert len(self.loans) == held + 1

    def _lent(self, body: Any, *, asked: int, within_us: int) -> None:
        key, permits = body["credential"]["id"], body["lease"]["permits"]
        told_us = _us(body["lease"]["use_by"])
        granted_us = min(told_us - within_us + self.passed_us, self.now_us())
        assert key in self.keys
        assert 1 <= permits <= asked
        if self.is_clock_true:
            assert permits == min(asked, self.room_of(key, now_us=granted_us))
        self.loans.append(
            Loan(
                id=body["lease"]["id"],
                key=key,
                granted_us=granted_us,
                end_us=granted_us + within_us,
                counted=permits,
                permits=permits,
                told_us=told_us,
            )
        )

    @has_loans
    @rule(
        which=WHICH,
        share=st.floats(0, 1),
        early_ms=st.integers(0, 4_000),
        headers=st.lists(HEADERS, min_size=3, max_size=3),
    )
    def settle(self, which: int, share: float, early_ms: int, headers: list[str]) -> None:
        loan = self.loans[which % len(self.loans)]
        told = dict(zip(("limit", "remaining", "reset"), headers, strict=True))
        used = round(share * loan.permits)
        early_us = early_ms * MILLISECOND_US
        self._settle(loan, used=used, outcome="ok", early_us=early_us, rate_limit=told)

    @has_loans
    @rule(which=WHICH, outcome=st.sampled_from(["throttled", "unauthorized", "forbidden"]))
    def be_refused(self, which: int, outcome: str) -> None:
        loan, now_us = self.loans[which % len(self.loans)], self.now_us()
        answer = self._settle(loan, used=loan.permits, outcome=outcome)
        if answer is not None and outcome == "throttled":
            self.resting[loan.key] = now_us + REST_US
        elif answer is not None:
            assert answer["credential"]["state"] == "suspended"
            self.keys.pop(loan.key, None)

    def _settle(
        self, loan: Loan, *, used: int, outcome: str, early_us: int = 0, **more: Any
    ) -> Any:
        """The first answer to a settlement; None when it is refused, or given once more."""
        now_us = self.now_us()
        last_us = max(min(loan.end_us - early_us, now_us), loan.granted_us)
        last_used_at = moment(loan.told_us - loan.end_us + last_us).isoformat()
        body = {"used": used, "outcome": outcome}
        answer = self.backend.settle(loan.id, **body, last_used_at=last_used_at, **more)
        if answer.status_code == 200:
            assert answer.json()["lease"]["returned"] == loan.permits - used
        else:
            assert (answer.status_code, answer.json()["type"]) == (409, "lease-closed")
        if not loan.is_open:
            assert answer.status_code == (200 if body == loan.settlement else 409)
            return None
        if self.is_clock_true:
            is_late = now_us > loan.end_us + SETTLE_US
            assert answer.status_code == (409 if is_late else 200)
        if answer.status_code == 409:
            return None
        loan.settlement, loan.counted, loan.end_us = body, used, last_us
        return answer.json()

    @has_loans
    @rule(which=WHICH, within=st.integers(1, 4))
    def renew(self, which: int, within: int) -> None:
        loan = self.loans[which % len(self.loans)]
        path = f"/api/v1/leases/{loan.id}/renew"
        answer = self.backend.post(path, {"use_within_seconds": within})
        if answer.status_code == 200:
            assert loan.is_open
            assert loan.key in self.keys
            loan.told_us = _us(answer.json()["lease"]["use_by"])
            latest_us = max(loan.end_us, self.now_us() + within * SECOND)
            loan.end_us = min(loan.told_us + self.passed_us, latest_us)
            return
        assert (answer.status_code, answer.json()["type"]) == (409, "lease-closed")
        if self.is_clock_true and loan.is_open and loan.key in self.keys:
            assert self.now_us() > loan.end_us

    @has_loans
    @rule(which=WHICH)
    def revoke(self, which: int) -> None:
        """The backend is told when it settles: until then it may go on."""
        loan = self.loans[which % len(self.loans)]
        if loan.is_open:
            revoke_lease(
                lease_id=uuid.UUID(loan.id), keychain_id=self.store.pk, actor=factories.OWNER
            )
            loan.is_revoked = True

    @has_loans
    @rule(which=WHICH, more=st.integers(1, 80))
    def say_too_much(self, which: int, more: int) -> None:
        """What was overspent counts from then on, whatever has become of the loan."""
        loan, now_us = self.loans[which % len(self.loans)], self.now_us()
        body = {"used": loan.permits + more, "outcome": "ok"}
        answer = self.backend.settle(loan.id, **body)
        is_news = body["used"] > loan.counted
        is_known = is_news or body == loan.settlement
        expected = (422, "overspent") if is_known else (409, "lease-closed")
        assert (answer.status_code, answer.json()["type"]) == expected
        if is_news:
            loan.overspend(used=loan.permits + more, now_us=now_us)
            loan.settlement = body

    @has_loans
    @rule(which=WHICH, verb=st.sampled_from(["settle", "renew"]))
    def try_anothers(self, which: int, verb: str) -> None:
        body = {"used": 0, "outcome": "ok"} if verb == "settle" else {}
        lease_id = self.loans[which % len(self.loans)].id
        found = [
            self.stranger.post(f"/api/v1/leases/{each}/{verb}", body)
            for each in (lease_id, str(uuid.uuid4()))
        ]
        assert [each.status_code for each in found] == [404, 404]
        theirs, unknown = (each.json() | {"request_id": ""} for each in found)
        assert theirs == unknown

    @rule(milliseconds=st.one_of(st.integers(0, 9_000), st.integers(20_000, 90_000)))
    def wait(self, milliseconds: int) -> None:
        self.passed_us += milliseconds * MILLISECOND_US
        self._move(milliseconds * MILLISECOND_US)

    def _move(self, by_us: int) -> None:
        for key in self.store.credentials.all():
            age(key, by_us)
        for loan in self.loans:
            loan.told_us -= by_us

    @invariant()
    def no_span_of_any_window_holds_too_much(self) -> None:
        for key in {each.key for each in self.loans}:
            for seconds, limit in LIMITS:
                assert most_in_any_span(self.loans_of(key), span_us=seconds * SECOND) <= limit

    @invariant()
    def counters_agree_with_the_log(self) -> None:
        for row in PoolKey.objects.filter(credential__keychain=self.store):
            log = list(Lease.objects.filter(key=row).values_list("use_by_us", "counted"))
            for window in row.windows:
                assert window[2] == sum(count for use_by, count in log if use_by > window[3])

    @invariant()
    def what_was_said_is_in_the_log_and_on_record(self) -> None:
        log = Lease.objects.filter(key__credential__keychain=self.store)
        counted = {str(pk): counted for pk, counted in log.values_list("pk", "counted")}
        assert counted == {each.id: each.counted for each in self.loans}
        granted = AuditEntry.objects.filter(keychain_id=self.store.pk, action="lease.granted")
        assert granted.count() == len(self.loans)


class BorrowingByBadClocks(Borrowing):
    """The same while the pool's clock is set back."""

    @rule(milliseconds=st.one_of(st.integers(0, 6_000), st.integers(0, 90_000)))
    def set_back(self, milliseconds: int) -> None:
        self.is_clock_true = False
        self._move(-milliseconds * MILLISECOND_US)


@pytest.mark.parametrize("machine", [Borrowing, BorrowingByBadClocks])
def test_in_any_order_of_loans_the_vendor_sees_no_more_than_its_limits(
    db: None, machine: type[Borrowing]
) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def _us(text: str) -> int:
    return microseconds(datetime.fromisoformat(text))
