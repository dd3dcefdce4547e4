"""The whole way out: check, client and outbound transport against the stand-in vendor."""

import tracemalloc
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from lightspeed.check import check_credential
from lightspeed.ecom import EComClient
from lightspeed.outbound.addresses import allowed_addresses
from lightspeed.outbound.deadline import REQUEST_SECONDS
from lightspeed.outbound.transport import OutboundTransport
from lightspeed.permissions import ALL_PERMISSIONS, REQUIRED_BY_DEFAULT, Group, Permission
from lightspeed.result import CheckResult, Outcome
from simulator.running import RunningSimulator
from tests.lightspeed.vendor import KEY, SECRET, SHOP_ID, grants, make_credential

MEBIBYTE = 1024 * 1024
MAX_GROWTH_BYTES = 10 * MEBIBYTE

# What each kind of fault comes to when every request meets it.
OUTCOMES = {
    "slow": (Outcome.UNAVAILABLE, "unavailable.timeout"),
    "hang": (Outcome.UNAVAILABLE, "unavailable.timeout"),
    "500": (Outcome.UNAVAILABLE, "unavailable.server_error"),
    "reset": (Outcome.UNAVAILABLE, "unavailable.connection"),
    "429": (Outcome.THROTTLED, "throttled"),
    "401": (Outcome.REFUSED, "refused"),
    "truncate": (Outcome.UNREADABLE, "unreadable.truncated"),
    "giant": (Outcome.UNREADABLE, "unreadable.too_large"),
    "gzip-bomb": (Outcome.UNREADABLE, "unreadable.encoded"),
    "html": (Outcome.UNREADABLE, "unreadable.not_json"),
    "redirect": (Outcome.UNREADABLE, "unreadable.redirect"),
}
WAITING = ("slow", "hang")


@pytest.fixture(scope="module")
def _shared_simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator(limits="100000/300,200000/3600,300000/86400") as running:
        yield running


@pytest.fixture
def simulator(_shared_simulator: RunningSimulator) -> RunningSimulator:
    """A stand-in that knows the test's key, with every right and nothing planned."""
    _shared_simulator.reset()
    _shared_simulator.put_key(
        key=KEY,
        secret=SECRET,
        cluster="eu1",
        enabled=True,
        language="en",
        shop_id=SHOP_ID,
        permissions=grants(),  # type: ignore[arg-type]
    )
    return _shared_simulator


def client_for(
    simulator: RunningSimulator, *, request_seconds: float = REQUEST_SECONDS, **changes: str
) -> EComClient:
    addresses = [urlsplit(url).netloc for url in (simulator.url_eu1, simulator.url_us1)]
    return EComClient(
        credential=make_credential(**{"base_url": simulator.url_eu1 + "/", **changes}),
        transport=OutboundTransport(allowed_addresses=allowed_addresses(addresses)),
        request_seconds=request_seconds,
    )


def check(client: EComClient, *, expected_shop_id: int | None = SHOP_ID) -> CheckResult:
    return check_credential(client, required=REQUIRED_BY_DEFAULT, expected_shop_id=expected_shop_id)


def test_a_good_key_passes(simulator: RunningSimulator) -> None:
    result = check(client_for(simulator))
    assert result.outcome is Outcome.PASSED
    assert result.shop is not None
    assert result.shop.id == SHOP_ID
    assert result.shop.subdomain == f"shop{SHOP_ID}"
    assert (result.shop.country, result.shop.currency) == ("nl", "eur")
    assert result.account_id is not None
    assert [reading.limit for reading in result.limits] == [100000, 200000, 300000]
    assert len(result.request_times) == simulator.stats()["requests"]


def test_every_count_and_the_windows_can_be_read(simulator: RunningSimulator) -> None:
    client = client_for(simulator)
    assert all(client.count(group).value >= 0 for group in Group)
    answer = client.ratelimit()
    assert [reading.limit for reading in answer.value] == [100000, 200000, 300000]
    assert answer.value == answer.limits


@pytest.mark.parametrize("box", ALL_PERMISSIONS, ids=str)
def test_each_single_missing_permission_is_named(
    simulator: RunningSimulator, box: Permission
) -> None:
    simulator.put_key(key=KEY, permissions={box.group.value: {box.access.value: False}})
    result = check(client_for(simulator))
    assert result.outcome is Outcome.MISSING_PERMISSIONS
    assert result.missing == (box,)


def test_a_switched_off_key_is_refused(simulator: RunningSimulator) -> None:
    simulator.put_key(key=KEY, enabled=False)
    result = check(client_for(simulator))
    assert (result.outcome, result.status) == (Outcome.REFUSED, 401)


def test_a_key_is_refused_by_the_other_cluster(simulator: RunningSimulator) -> None:
    result = check(client_for(simulator, base_url=simulator.url_us1 + "/"))
    assert result.outcome is Outcome.REFUSED


def test_an_inactive_language_is_told(simulator: RunningSimulator) -> None:
    assert check(client_for(simulator, language="fr")).outcome is Outcome.LANGUAGE_INACTIVE


def test_the_key_of_another_shop_is_told(simulator: RunningSimulator) -> None:
    result = check(client_for(simulator), expected_shop_id=SHOP_ID + 1)
    assert result.outcome is Outcome.OTHER_SHOP


def test_key_and_secret_the_other_way_round_are_swapped(simulator: RunningSimulator) -> None:
    assert check(client_for(simulator).swapped()).outcome is Outcome.SWAPPED


@pytest.mark.parametrize("kind", OUTCOMES)
def test_each_fault_has_its_outcome(simulator: RunningSimulator, kind: str) -> None:
    simulator.add_fault(path="", kind=kind, count=100)
    client = client_for(simulator, request_seconds=0.3 if kind in WAITING else REQUEST_SECONDS)
    result = check(client)
    assert (result.outcome, result.problem) == OUTCOMES[kind]
    assert result.missing == ()
    assert result.outcome is Outcome.REFUSED or result.outcome.is_retryable


@pytest.mark.parametrize("kind", [kind for kind in OUTCOMES if kind != "401"])
def test_a_check_after_the_fault_is_over_passes(simulator: RunningSimulator, kind: str) -> None:
    simulator.add_fault(path="shop", kind=kind)
    seconds = 0.3 if kind in WAITING else REQUEST_SECONDS
    assert check(client_for(simulator, request_seconds=seconds)).outcome is OUTCOMES[kind][0]
    assert check(client_for(simulator)).outcome is Outcome.PASSED


def test_a_throttled_key_learns_from_the_headers_when_to_come_back(
    simulator: RunningSimulator,
) -> None:
    simulator.add_fault(path="", kind="429")
    result = check(client_for(simulator))
    assert result.limits[0].remaining == 0
    assert result.retry_after_seconds == max(result.limits[0].reset_seconds or 0, 1)


def test_a_redirect_to_the_metadata_service_is_not_followed(simulator: RunningSimulator) -> None:
    simulator.add_fault(path="shop", kind="redirect")
    result = check(client_for(simulator))
    assert (result.outcome, result.problem) == (Outcome.UNREADABLE, "unreadable.redirect")


@pytest.mark.parametrize("kind", ["giant", "gzip-bomb"])
def test_a_flood_does_not_grow_our_memory(simulator: RunningSimulator, kind: str) -> None:
    """The simulator runs in this process, so its buffers count as well."""
    simulator.add_fault(path="", kind=kind, count=100)
    client = client_for(simulator)
    tracemalloc.start()
    try:
        result = check(client)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.outcome is Outcome.UNREADABLE
    assert peak <= MAX_GROWTH_BYTES
