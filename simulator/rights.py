"""The six permission groups of a key, each with a right to read and a right to write."""

from collections.abc import Mapping
from dataclasses import dataclass

GROUPS = ("content", "products", "customers", "orders", "settings", "tracking")
ACTIONS = ("read", "write")

Permissions = Mapping[str, Mapping[str, bool]]


@dataclass(frozen=True, slots=True)
class Right:
    """What a request needs: `action` on `group`."""

    group: str
    action: str


def all_rights() -> dict[str, dict[str, bool]]:
    """Every group with both rights, a fresh copy."""
    return {group: dict.fromkeys(ACTIONS, True) for group in GROUPS}


def merge_rights(*, base: Permissions, changes: Permissions) -> dict[str, dict[str, bool]]:
    """Give `base` with the rights named in `changes` replaced; the arguments stay as they are."""
    return {group: {**base[group], **changes.get(group, {})} for group in GROUPS}


def has_right(*, permissions: Permissions, right: Right) -> bool:
    """Say whether the permissions hold the right."""
    return permissions[right.group][right.action]
