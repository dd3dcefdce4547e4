import pytest

from lightspeed.permissions import (
    ALL_PERMISSIONS,
    REQUIRED_BY_DEFAULT,
    Access,
    Grant,
    Group,
    Permission,
    Permissions,
    permissions_from_wire,
    permissions_named,
)
from tests.lightspeed.vendor import grants


def test_groups_stand_in_the_order_of_the_back_office() -> None:
    assert [group.value for group in Group] == [
        "content",
        "products",
        "customers",
        "orders",
        "settings",
        "tracking",
    ]


def test_read_and_write_of_all_six_groups_are_required_by_default() -> None:
    assert len(REQUIRED_BY_DEFAULT) == 12
    assert REQUIRED_BY_DEFAULT[:3] == (
        ("content", "read"),
        ("content", "write"),
        ("products", "read"),
    )


def test_a_permission_is_a_plain_pair_and_has_a_written_form() -> None:
    permission = Permission(group=Group.ORDERS, access=Access.WRITE)
    assert permission == ("orders", "write")
    assert f"{permission}" == str(permission) == "orders.write"


@pytest.mark.parametrize("box", ALL_PERMISSIONS, ids=str)
def test_each_single_box_that_is_not_ticked_is_named(box: Permission) -> None:
    row = {"read": True, "write": True, box.access.value: False}
    found = permissions_from_wire(grants(**{box.group.value: row}))
    assert found is not None
    assert found.missing(REQUIRED_BY_DEFAULT) == (box,)
    assert found.unchecked(REQUIRED_BY_DEFAULT) == ()


def test_a_box_that_nobody_requires_is_not_missing() -> None:
    found = permissions_from_wire(grants(orders={"read": True, "write": False}))
    assert found is not None
    assert found.missing(permissions_named(["orders.read"])) == ()


def test_a_group_that_the_answer_leaves_out_could_not_be_checked() -> None:
    wire = grants()
    del wire["tracking"]
    found = permissions_from_wire(wire)
    assert found is not None
    assert found.tracking == Grant(read=None, write=None)
    assert found.missing(REQUIRED_BY_DEFAULT) == ()
    assert found.unchecked(REQUIRED_BY_DEFAULT) == (("tracking", "read"), ("tracking", "write"))


@pytest.mark.parametrize("value", [None, "yes", 2, [], {"read": True}])
def test_a_box_that_is_no_yes_or_no_could_not_be_checked(value: object) -> None:
    found = permissions_from_wire(grants(orders={"read": value, "write": True}))
    assert found is not None
    assert found.orders == Grant(read=None, write=True)


def test_ones_and_zeros_are_yes_and_no() -> None:
    found = permissions_from_wire(grants(orders={"read": 1, "write": 0}))
    assert found is not None
    assert found.orders == Grant(read=True, write=False)


@pytest.mark.parametrize("groups", [{}, {"orders": False}, {"invoices": {"read": True}}])
def test_an_answer_without_any_box_is_none(groups: dict[str, object]) -> None:
    assert permissions_from_wire(groups) is None


def test_named_permissions_come_in_the_order_of_the_back_office() -> None:
    assert permissions_named(["orders.write", "content.read", "orders.write"]) == (
        ("content", "read"),
        ("orders", "write"),
    )


def test_an_unknown_name_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"invoices\.read, orders\.delete"):
        permissions_named(["orders.delete", "orders.read", "invoices.read"])


def test_nothing_is_granted_by_silence() -> None:
    assert Permissions().unchecked(REQUIRED_BY_DEFAULT) == REQUIRED_BY_DEFAULT
