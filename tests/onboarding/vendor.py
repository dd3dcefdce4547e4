"""A running stand-in vendor, and keys that it knows."""

from collections.abc import Mapping

from keyvault.vault import ApiKeySecret
from simulator.running import RunningSimulator
from tests.onboarding.cast import pair

SHOP = 4711
OTHER_SHOP = 815
GROUPS = ("content", "products", "customers", "orders", "settings", "tracking")
ALL = {group: {"read": True, "write": True} for group in GROUPS}


def known_pair(
    simulator: RunningSimulator,
    *,
    lacking: tuple[str, str] | None = None,
    shop_id: int = SHOP,
    cluster: str = "eu1",
    enabled: bool = True,
    language: str | list[str] | None = None,
    of: ApiKeySecret | None = None,
) -> ApiKeySecret:
    """A pair that the simulator knows; `lacking` is a box that is not ticked."""
    made = of or pair()
    simulator.put_key(
        key=made.key.get_secret_value(),
        secret=made.secret.get_secret_value(),
        permissions=without(lacking),
        shop_id=shop_id,
        cluster=cluster,
        enabled=enabled,
        language=language or ["en", "nl"],
    )
    return made


def without(lacking: tuple[str, str] | None) -> Mapping[str, Mapping[str, bool]]:
    """Every box, save one."""
    boxes = {group: dict(box) for group, box in ALL.items()}
    if lacking is not None:
        boxes[lacking[0]][lacking[1]] = False
    return boxes


def pasted(of: ApiKeySecret) -> dict[str, str]:
    """What a browser sends for a pair."""
    return {"key": of.key.get_secret_value(), "secret": of.secret.get_secret_value()}
