import pytest

from simulator.faults import Fault, FaultKind, FaultPlan

SLOW = Fault(kind=FaultKind.SLOW, seconds=1, size_bytes=1)
HTML = Fault(kind=FaultKind.HTML, seconds=1, size_bytes=1)


def make_plan(path: str, fault: Fault = SLOW, count: int = 1) -> FaultPlan:
    plan = FaultPlan()
    plan.add(path=path, fault=fault, count=count)
    return plan


@pytest.mark.parametrize(
    "path",
    [
        "/en/account/permissions.json",
        "/en/account",
        "account/permissions.json",
        "/account",
        "",
        "/",
    ],
)
def test_a_fault_matches_by_prefix_with_or_without_the_language(path: str) -> None:
    assert make_plan(path).take("/en/account/permissions.json") == SLOW


@pytest.mark.parametrize("path", ["/nl/account", "permissions", "/en/shop", "accounts"])
def test_a_fault_leaves_other_paths_alone(path: str) -> None:
    assert make_plan(path).take("/en/account/permissions.json") is None


def test_only_a_language_is_left_out_of_a_path() -> None:
    assert make_plan("token").take("/oauth/token") is None


def test_a_fault_serves_its_count_of_requests() -> None:
    plan = make_plan("shop", count=2)
    assert [plan.take("/en/shop.json") for _ in range(3)] == [SLOW, SLOW, None]


def test_faults_of_one_path_are_due_in_the_order_of_their_planning() -> None:
    plan = make_plan("shop")
    plan.add(path="shop", fault=HTML, count=1)
    assert [plan.take("/en/shop.json") for _ in range(2)] == [SLOW, HTML]


def test_clearing_forgets_every_fault() -> None:
    plan = make_plan("shop", count=9)
    plan.clear()
    assert plan.take("/en/shop.json") is None
