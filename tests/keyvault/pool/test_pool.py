"""The pool in the database: seeds, reservations, clocks, pruning."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyvault import pool
from keyvault.errors import PoolEmptyError
from keyvault.leases import LeaseAsk, Settlement, issue_lease, settle_lease
from keyvault.models import Credential, Keychain, Lease, PoolKey
from keyvault.pool.duties import ClockWatch, prune
from keyvault.pool.engine import clock_us
from keyvault.pool.keys import locked_key
from keyvault.windows import SECOND
from tests.keyvault import factories
from tests.keyvault.ageing import age
from tests.keyvault.lending import Api, key_of, token_of

pytestmark = pytest.mark.django_db

HOUR_US = 3600 * SECOND


@pytest.fixture
def backend() -> Api:
    return Api(token_of())


@pytest.fixture
def store() -> Keychain:
    return factories.keychain()


def _remaining(key: Credential) -> list[int]:
    return [each.remaining for each in pool.budgets(credential_ids=[key.pk])[key.pk]]


def test_the_requests_of_the_check_are_spent(store: Keychain) -> None:
    credential = factories.credential(of=store)
    now = timezone.now()

    pool.seed(
        credential_id=credential.pk,
        request_times=[now - timedelta(seconds=each) for each in (2, 200, 400)],
    )

    assert _remaining(credential) == [298, 2997, 11997]


def test_a_reservation_takes_permits_or_nothing(store: Keychain) -> None:
    key = key_of(store, limits=[[300, 5]])

    assert pool.reserve(credential_id=key.pk, requests=4)
    assert not pool.reserve(credential_id=key.pk, requests=2)
    assert _remaining(key) == [1]


@pytest.mark.parametrize(("before_us", "left"), [(0, 3), (SECOND // 2 - 1, 3), (SECOND // 2, 8)])
def test_what_may_have_arrived_after_a_windows_turn_still_counts(
    store: Keychain, before_us: int, left: int
) -> None:
    """It was sent before the turn, and takes half a second at most."""
    key = PoolKey.objects.get(credential=key_of(store, limits=[[60, 8]]))
    turn_us = clock_us() - SECOND
    at_us = turn_us - before_us
    Lease.objects.create(
        key=key, permits=5, counted=5, granted_us=at_us, use_by_us=at_us, expires_us=at_us
    )
    key.windows = [[60, 8, 5, turn_us - 61 * SECOND, turn_us, turn_us]]
    key.save()

    assert _remaining(key.credential) == [left]


@pytest.mark.parametrize("state", ["paused", "active"])
def test_no_way_lends_a_key_that_may_not_be_lent(backend: Api, store: Keychain, state: str) -> None:
    """The other one is spent, so the store is looked through under a lock."""
    pool.reserve(credential_id=key_of(store, limits=[[60, 1]]).pk, requests=1)
    over = timezone.now() - timedelta(seconds=1) if state == "active" else None
    Credential.objects.filter(pk=key_of(store).pk).update(state=state, valid_until=over)

    assert backend.lease(store).json()["type"] == "pool-empty"


def test_no_budget_without_a_key() -> None:
    assert pool.budgets(credential_ids=[]) == {}


def test_permits_come_back_when_their_window_has_passed(backend: Api, store: Keychain) -> None:
    key = key_of(store, limits=[[60, 5], [600, 8]])
    backend.lease(store, permits=5)
    assert backend.lease(store).status_code == 429

    age(key, 63 * SECOND)

    assert _remaining(key) == [5, 3]
    assert backend.lease(store, permits=5).json()["lease"]["permits"] == 3
    assert backend.lease(store).status_code == 429


def test_the_retry_moment_is_exact(backend: Api, store: Keychain) -> None:
    key = key_of(store, limits=[[60, 3]])
    backend.lease(store, permits=1)
    age(key, 10 * SECOND)
    backend.lease(store, permits=2)
    oldest = Lease.objects.order_by("use_by_us").first()
    assert oldest is not None

    with pytest.raises(PoolEmptyError) as caught:
        issue_lease(digest=backend.digest, keychain_id=store.pk, ask=LeaseAsk(permits=1))

    free_us = oldest.use_by_us + SECOND // 2 + 60 * SECOND
    assert round(caught.value.retry_at.timestamp() * SECOND) == free_us


def test_a_clock_set_back_neither_over_grants_nor_stops_the_pool(
    backend: Api, store: Keychain
) -> None:
    key = key_of(store, limits=[[60, 4]])
    backend.lease(store, permits=3)
    age(key, -HOUR_US)

    response = backend.lease(store, permits=4)

    assert response.json()["lease"]["permits"] == 1
    assert backend.lease(store).status_code == 429
    assert int(backend.lease(store)["Retry-After"]) <= 63
    age(key, 63 * SECOND)
    assert backend.lease(store, permits=4).json()["lease"]["permits"] == 4


def test_an_open_lease_can_be_settled_after_the_clock_was_set_back(
    backend: Api, store: Keychain
) -> None:
    key = key_of(store)
    lease = backend.lease(store, permits=3).json()["lease"]
    age(key, -HOUR_US)

    assert backend.settle(lease["id"], used=1).status_code == 200
    assert _remaining(key)[1] == 299


def test_a_clock_that_is_set_back_gives_nobody_longer_to_settle(
    backend: Api, store: Keychain
) -> None:
    key = key_of(store)
    lease = backend.lease(store).json()["lease"]
    age(key, -HOUR_US)
    backend.lease(store)
    age(key, 90 * SECOND)

    assert backend.settle(lease["id"], used=0).json()["type"] == "lease-closed"


def test_a_clock_that_jumps_ahead_rests_all_keys(backend: Api, store: Keychain) -> None:
    key_of(store)
    key_of(factories.keychain())
    clock = iter([1_000_000_000 * SECOND, 1_000_000_001 * SECOND, 4_000_000_000 * SECOND])
    since_boot = iter([10.0, 10.1, 11.0, 11.1, 12.0, 12.1])
    watch = ClockWatch(since_boot=lambda: next(since_boot), clock=lambda: next(clock))

    assert [watch.look(timezone.now()) for _ in range(3)] == [0, 0, 2]
    assert backend.lease(store).json()["type"] == "pool-empty"


def test_a_jump_ahead_shortens_no_rest_and_is_seen_by_who_has_read_the_key(
    store: Keychain,
) -> None:
    key_of(store)
    later_us = 5_000_000_000 * SECOND
    PoolKey.objects.update(cooled_until_us=later_us)
    before = PoolKey.objects.get()
    clock = iter([1_000_000_000 * SECOND, 4_000_000_000 * SECOND])
    watch = ClockWatch(since_boot=lambda: 10.0, clock=lambda: next(clock))

    assert [watch.look(timezone.now()) for _ in range(2)] == [0, 1]

    after = PoolKey.objects.get()
    assert after.cooled_until_us == later_us
    assert after.version == before.version + 1


def test_a_slow_answer_is_no_jump_of_the_clock(store: Keychain) -> None:
    key_of(store)
    clock = iter([1_000 * SECOND, 1_060 * SECOND])
    since_boot = iter([10.0, 10.1, 11.0, 71.0])
    watch = ClockWatch(since_boot=lambda: next(since_boot), clock=lambda: next(clock))

    assert [watch.look(timezone.now()) for _ in range(2)] == [0, 0]


def test_old_permits_are_forgotten_and_counted_no_more(backend: Api, store: Keychain) -> None:
    key = key_of(store)
    backend.lease(store, permits=5)
    age(key, 30 * HOUR_US)
    backend.lease(store, permits=2)

    assert prune(timezone.now()) == 1

    assert Lease.objects.get().permits == 2
    assert _remaining(key) == [18, 298, 2998, 11998]
    used_at = Credential.objects.get().last_used_at
    assert used_at is not None
    assert timedelta(hours=29) < timezone.now() - used_at < timedelta(hours=31)


def test_of_a_key_with_old_permits_those_that_still_count_stay(
    backend: Api, store: Keychain
) -> None:
    key = key_of(store)
    backend.lease(store, permits=5)
    age(key, 20 * HOUR_US)
    backend.lease(store, permits=3)
    age(key, 10 * HOUR_US)

    assert prune(timezone.now()) == 1

    assert Lease.objects.get().permits == 3
    assert _remaining(key) == [20, 300, 3000, 11997]


def test_permits_that_still_count_are_not_forgotten(backend: Api, store: Keychain) -> None:
    key = key_of(store)
    backend.lease(store, permits=5)
    age(key, 23 * HOUR_US)

    assert prune(timezone.now()) == 0
    assert _remaining(key)[-1] == 11995


STEP = st.one_of(
    st.tuples(st.just("lease"), st.integers(1, 6), st.integers(1, 3)),
    st.tuples(st.just("settle"), st.integers(0, 6), st.just(0)),
    st.tuples(st.just("wait"), st.integers(0, 9_000), st.just(0)),
    st.tuples(st.just("back"), st.integers(0, 90_000), st.just(0)),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEP, min_size=5, max_size=25))
def test_counters_agree_with_the_log_in_the_database(
    db: None, steps: list[tuple[str, int, int]]
) -> None:
    backend, store = Api(token_of()), factories.keychain()
    key = key_of(store, limits=[[2, 5], [7, 9], [20, 21]])
    open_leases = []
    for kind, count, seconds in steps:
        if kind == "lease":
            ask = LeaseAsk(permits=count, use_within_seconds=seconds)
            try:
                open_leases.append(
                    issue_lease(digest=backend.digest, keychain_id=store.pk, ask=ask)
                )
            except PoolEmptyError as denial:
                assert denial.retry_after_seconds > 0  # noqa: PT017  # either is fine
        elif kind == "settle" and open_leases:
            lease = open_leases.pop(0)
            settle_lease(
                digest=backend.digest,
                lease_id=lease.id,
                settlement=Settlement(used=min(count, lease.permits), outcome="ok"),
            )
        elif kind in {"wait", "back"}:
            age(key, (count if kind == "wait" else -count) * 1000)

    row = locked_key(credential_id=key.pk)
    for window in row.state.windows:
        counted = sum(
            each.counted
            for each in Lease.objects.filter(key_id=row.id)
            if each.use_by_us > window.horizon_us
        )
        assert counted == window.counted <= window.limit


def test_batch_is_told_its_own_moment_and_not_that_of_interactive_use(
    backend: Api, store: Keychain
) -> None:
    """Three permits leave soon, which interactive use may have; batch needs a twentieth left."""
    key, now = key_of(store, limits=[[60, 100]]), timezone.now()
    early, late = [now - timedelta(seconds=50)] * 3, [now - timedelta(seconds=10)] * 97
    pool.seed(credential_id=key.pk, request_times=early + late)

    interactive = backend.lease(store)
    batch = backend.lease(store, **{"class": "batch"})

    assert (interactive.status_code, batch.status_code) == (429, 429)
    assert int(interactive["Retry-After"]) <= 13
    assert 45 <= int(batch["Retry-After"]) <= 53
