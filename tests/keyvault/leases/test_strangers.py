"""Somebody else's program on the same key: the vendor refuses us nothing once it has been seen."""

import math
import time
from bisect import bisect_right

import pytest
from pytest_django.fixtures import Settings

from keyvault.models import Keychain
from keyvault.windows import SECOND
from tests.keyvault.ageing import age
from tests.keyvault.lending import Api, key_of

pytestmark = pytest.mark.django_db
SPAN, LIMIT = 300, 100
STEP_SECONDS = 2


class Vendor:
    """The stranger sends whenever its time has come."""

    def __init__(self, *, stranger_every: float, is_fixed: bool) -> None:
        self._is_fixed = is_fixed
        self._began = time.time()
        self._slept = 0.0
        self._taken: list[float] = []
        self._every = stranger_every
        self._next = 0.0
        self.foreign = 0

    def now(self) -> float:
        return time.time() - self._began + self._slept

    def sleep(self, seconds: float) -> None:
        """Lets the stranger work meanwhile."""
        until = self.now() + seconds
        while self._next <= until:
            self.foreign += self._take(self._next)
            self._next += self._every
        self._slept += seconds

    def send(self) -> bool:
        return self._take(self.now())

    def headers(self) -> dict[str, str]:
        remaining = LIMIT - self._in_window(self.now())
        reset = math.ceil(SPAN - self.now() % SPAN)
        return {
            "limit": f"{LIMIT}/9000/90000",
            "remaining": f"{remaining}/9000/90000",
            "reset": f"{reset}/1/1",
        }

    def _take(self, at: float) -> bool:
        is_free = self._in_window(at) < LIMIT
        if is_free:
            self._taken.append(at)
        return is_free

    def _in_window(self, at: float) -> int:
        begins = at - at % SPAN if self._is_fixed else at - SPAN
        return len(self._taken) - bisect_right(self._taken, begins)


@pytest.mark.parametrize("is_fixed", [False, True])
@pytest.mark.parametrize("stranger_every", [5.3, 5.7, 9.7, 22.9])
def test_a_stranger_who_was_seen_costs_no_refusal(
    backend: Api, store: Keychain, settings: Settings, stranger_every: float, is_fixed: bool
) -> None:
    settings.KEYVAULT_FIXED_WINDOWS = is_fixed
    key = key_of(store, limits=[[1, 20], [SPAN, LIMIT]])
    vendor = Vendor(stranger_every=stranger_every, is_fixed=is_fixed)
    ours = refused = 0

    def wait(seconds: float) -> None:
        vendor.sleep(seconds)
        age(key, int(seconds * SECOND))

    wait(stranger_every * 2)
    until = vendor.now() + 4 * SPAN
    while vendor.now() < until:
        response = backend.lease(store, permits=LIMIT)
        if response.status_code == 429:
            wait(max(int(response["Retry-After"]) - 1, STEP_SECONDS))
            continue
        lease = response.json()["lease"]
        answers = [vendor.send() for _ in range(lease["permits"])]
        ours, refused = ours + sum(answers), refused + answers.count(False)
        backend.settle(lease["id"], used=len(answers), rate_limit=vendor.headers())
        wait(STEP_SECONDS)

    assert refused == 0
    assert ours + vendor.foreign > (4.5 if is_fixed else 3.9) * LIMIT
