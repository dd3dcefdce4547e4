"""The six permission groups of a C-Series key, what a key was granted and what an app requires.

The groups and their order are those of the Back Office page and of `account/permissions`
(LIGHTSPEED.md sections 3 and 8). Which boxes an app needs is not preserved anywhere, so it is a
setting; `REQUIRED_BY_DEFAULT` is the choice made where nobody has set it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Group(StrEnum):
    """A row of the permissions table; the value is the name on the wire."""

    CONTENT = "content"
    PRODUCTS = "products"
    CUSTOMERS = "customers"
    ORDERS = "orders"
    SETTINGS = "settings"
    TRACKING = "tracking"


class Access(StrEnum):
    """A column of the permissions table; the value is the name on the wire."""

    READ = "read"
    WRITE = "write"


class Permission(NamedTuple):
    """One box: equal to a plain pair such as `("orders", "write")`, written `orders.write`."""

    group: Group
    access: Access

    def __str__(self) -> str:
        return f"{self.group}.{self.access}"


#: Every box, row by row in the Back Office's order.
ALL_PERMISSIONS: tuple[Permission, ...] = tuple(
    Permission(group=group, access=access) for group in Group for access in Access
)

#: Read and Write for all six groups. Inferred: the source names the groups, not the ticks.
REQUIRED_BY_DEFAULT: tuple[Permission, ...] = ALL_PERMISSIONS


def permissions_named(names: Iterable[str]) -> tuple[Permission, ...]:
    """Turn names such as `orders.write` into permissions, in the Back Office's order.

    Args:
        names: each one `group.access`; repetitions are harmless.

    Raises:
        ValueError: a name is not one of the twelve. Refuse to start: it is a setting.
    """
    wanted = set(names)
    unknown = wanted - {str(permission) for permission in ALL_PERMISSIONS}
    if unknown:
        message = f"Unknown permissions: {', '.join(sorted(unknown))}."
        raise ValueError(message)
    return tuple(permission for permission in ALL_PERMISSIONS if str(permission) in wanted)


@dataclass(frozen=True, slots=True)
class Grant:
    """What one group was granted: True, False, or None where it could not be checked."""

    read: bool | None = None
    write: bool | None = None


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a key was granted, group by group."""

    content: Grant = Grant()
    products: Grant = Grant()
    customers: Grant = Grant()
    orders: Grant = Grant()
    settings: Grant = Grant()
    tracking: Grant = Grant()

    def granted(self, permission: Permission) -> bool | None:
        """Tell whether one box is ticked; None where it could not be checked."""
        grant: Grant = getattr(self, permission.group.value)
        answer: bool | None = getattr(grant, permission.access.value)
        return answer

    def missing(self, required: Iterable[Permission]) -> tuple[Permission, ...]:
        """List the required boxes that are certainly not ticked, in the order of `required`."""
        return tuple(box for box in required if self.granted(box) is False)

    def unchecked(self, required: Iterable[Permission]) -> tuple[Permission, ...]:
        """List the required boxes that could not be checked, in the order of `required`."""
        return tuple(box for box in required if self.granted(box) is None)


def permissions_from_wire(groups: Mapping[str, object]) -> Permissions | None:
    """Read the object under `accountPermissions`, leniently.

    Args:
        groups: group name to `{"read": bool, "write": bool}`. A group or box that is absent or
            is not a yes or no becomes None ("could not check"), never False.

    Returns:
        None when not one box could be read.

    Source: LIGHTSPEED.md section 3, `GET /{lang}/account/permissions.json`.
    """
    found = Permissions(
        **{group.value: _grant_from_wire(groups.get(group.value)) for group in Group}
    )
    return None if found == Permissions() else found


def _grant_from_wire(value: object) -> Grant:
    if not isinstance(value, Mapping):
        return Grant()
    return Grant(
        read=_yes_or_no(value.get(Access.READ.value)),
        write=_yes_or_no(value.get(Access.WRITE.value)),
    )


def _yes_or_no(value: object) -> bool | None:
    """Take true and false, and 1 and 0 as PHP services write them."""
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    return None
