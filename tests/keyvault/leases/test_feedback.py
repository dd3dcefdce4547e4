"""What the vendor's headers do to a key."""

import pytest
from pytest_django.fixtures import Settings

from keyvault import pool
from keyvault.models import Credential, Keychain, Lease, PoolKey
from keyvault.windows import SECOND
from tests.keyvault.ageing import age
from tests.keyvault.lending import Api, key_of

pytestmark = pytest.mark.django_db


def _remaining(key: Credential) -> list[int]:
    return [each.remaining for each in pool.budgets(credential_ids=[key.pk])[key.pk]]


def _headers(
    *, remaining: str, limit: str = "300/3000/12000", reset: str = "263/2063/23663"
) -> dict[str, str]:
    return {"limit": limit, "remaining": remaining, "reset": reset}


def test_headers_that_agree_with_the_log_change_nothing(backend: Api, store: Keychain) -> None:
    key = key_of(store)
    lease = backend.lease(store, permits=5).json()["lease"]

    backend.settle(lease["id"], used=5, rate_limit=_headers(remaining="295/2995/11995"))

    assert _remaining(key) == [15, 295, 2995, 11995]
    assert PoolKey.objects.get().foreign_seen_us == 0


def test_a_vendor_that_counts_less_than_the_log_changes_nothing(
    backend: Api, store: Keychain
) -> None:
    key = key_of(store)
    lease = backend.lease(store, permits=5).json()["lease"]

    backend.settle(lease["id"], used=5, rate_limit=_headers(remaining="300/3000/12000"))

    assert _remaining(key) == [15, 295, 2995, 11995]


def test_foreign_use_is_counted_and_a_reserve_is_kept(backend: Api, store: Keychain) -> None:
    key = key_of(store)
    lease = backend.lease(store, permits=5).json()["lease"]

    backend.settle(lease["id"], used=5, rate_limit=_headers(remaining="285/2695/10995"))

    assert _remaining(key) == [5, 285, 2695, 10995]
    assert backend.lease(store, permits=100).json()["lease"]["permits"] == 4
    assert Lease.objects.filter(outcome="foreign").count() == 3


def test_foreign_use_leaves_as_late_as_it_can_have_been(backend: Api, store: Keychain) -> None:
    """What a window shows and the shorter ones do not is as old as they are long.

    Of the window of one second the vendor shows nothing: what stands first may have come just now.
    """
    key_of(store)
    lease = backend.lease(store).json()["lease"]

    backend.settle(lease["id"], used=1, rate_limit=_headers(remaining="289/2979/11969"))

    now_us = PoolKey.objects.get().high_water_us
    foreign = Lease.objects.filter(outcome="foreign").order_by("-use_by_us")
    ages = [((now_us - each.use_by_us) / SECOND, each.counted) for each in foreign]
    assert ages == [(0, 10), (300.5, 10), (3600.5, 10)]


def test_what_has_left_since_the_answer_is_not_taken_for_foreign(
    backend: Api, store: Keychain
) -> None:
    key = key_of(store)
    backend.settle(backend.lease(store, permits=5).json()["lease"]["id"], used=5)
    age(key, 298 * SECOND)
    lease = backend.lease(store, use_within_seconds=30).json()["lease"]
    age(key, 10 * SECOND)

    backend.settle(lease["id"], used=1, rate_limit=_headers(remaining="294/2994/11994"))

    assert PoolKey.objects.get().foreign_seen_us == 0
    assert _remaining(key)[1] == 299


def test_who_has_gone_is_counted_no_more(backend: Api, store: Keychain) -> None:
    """In the window that they have left, that is; in the hour they still are."""
    key = key_of(store, limits=[[1, 20], [300, 100], [3600, 1000]])
    for used, remaining in ((1, "89/989/9"), (2, "97/987/9")):
        lease = backend.lease(store, permits=used).json()["lease"]
        headers = _headers(limit="100/1000/9", remaining=remaining)
        backend.settle(lease["id"], used=used, rate_limit=headers)
        age(key, 100 * SECOND)

    assert _remaining(key) == [20, 97, 987]


def test_who_stays_counts_from_the_last_answer_on(backend: Api, store: Keychain) -> None:
    """Of ten some may have left and as many others come: nobody tells."""
    key = key_of(store, limits=[[1, 20], [300, 100]])
    for remaining in ("89", "88"):
        lease = backend.lease(store).json()["lease"]
        headers = _headers(limit="100/9/9", remaining=f"{remaining}/9/9")
        backend.settle(lease["id"], used=1, rate_limit=headers)
        age(key, 200 * SECOND)

    assert PoolKey.objects.get().foreign_seen_us == PoolKey.objects.get().high_water_us
    assert _remaining(key) == [20, 89]
    age(key, 101 * SECOND)
    assert _remaining(key) == [20, 100]


def test_a_key_that_others_have_spent_gives_nothing(backend: Api, store: Keychain) -> None:
    key_of(store)
    lease = backend.lease(store).json()["lease"]

    backend.settle(lease["id"], used=1, rate_limit=_headers(remaining="-1/2500/11000"))

    response = backend.lease(store)
    assert response.json()["type"] == "pool-empty"
    assert 200 < int(response["Retry-After"]) <= 303


def test_limits_that_the_vendor_tells_are_taken_over(backend: Api, store: Keychain) -> None:
    key = key_of(store)
    lease = backend.lease(store).json()["lease"]

    backend.settle(
        lease["id"],
        used=1,
        rate_limit=_headers(limit="1000/12000/65535", remaining="999/11999/65534"),
    )
    budget = backend.lease(store).json()["budget"]

    key.refresh_from_db()
    assert key.limits == [[1, 20], [300, 1000], [3600, 12000], [86400, 65535]]
    assert [each["remaining"] for each in budget] == [18, 998, 11998, 65533]


@pytest.mark.parametrize(
    "headers",
    [
        _headers(remaining="", limit="", reset=""),
        _headers(remaining="a/b/c"),
        _headers(remaining="9" * 150),
        _headers(remaining="1/2"),
        _headers(limit="0/0/0", remaining="0/0/0", reset="-5/-5/-5"),
    ],
)
def test_nonsense_in_headers_is_passed_over(
    backend: Api, store: Keychain, headers: dict[str, str]
) -> None:
    key = key_of(store)
    lease = backend.lease(store).json()["lease"]

    response = backend.settle(lease["id"], used=1, rate_limit=headers)

    assert response.status_code == 200
    assert _remaining(key) == [19, 299, 2999, 11999]


@pytest.mark.parametrize("remaining", ["299/-1/11000", "-1/-1/11000"])
def test_a_throttled_key_rests_until_its_reset(
    backend: Api, store: Keychain, settings: Settings, remaining: str
) -> None:
    settings.KEYVAULT_FIXED_WINDOWS = True
    key_of(store)
    lease = backend.lease(store).json()["lease"]

    backend.settle(
        lease["id"],
        used=1,
        outcome="throttled",
        rate_limit=_headers(remaining=remaining, reset="20/40/9999"),
    )

    assert 40 <= int(backend.lease(store)["Retry-After"]) <= 43


def test_a_throttled_key_whose_windows_have_room_rests_a_second(
    backend: Api, store: Keychain
) -> None:
    key_of(store)
    lease = backend.lease(store).json()["lease"]

    backend.settle(
        lease["id"],
        used=1,
        outcome="throttled",
        rate_limit=_headers(remaining="299/2999/11999"),
    )

    assert int(backend.lease(store)["Retry-After"]) <= 2


def test_a_throttled_key_without_headers_rests_five_minutes(backend: Api, store: Keychain) -> None:
    key_of(store)
    lease = backend.lease(store).json()["lease"]

    backend.settle(lease["id"], used=1, outcome="throttled")

    assert int(backend.lease(store)["Retry-After"]) in {299, 300}


def test_a_standing_window_is_free_when_it_turns(
    backend: Api, store: Keychain, settings: Settings
) -> None:
    settings.KEYVAULT_FIXED_WINDOWS = True
    key_of(store, limits=[[300, 5]])
    lease = backend.lease(store, permits=5).json()["lease"]

    backend.settle(
        lease["id"], used=5, rate_limit=_headers(limit="5/9/9", remaining="0/9/9", reset="10/9/9")
    )

    assert 10 <= int(backend.lease(store)["Retry-After"]) <= 12
