"""Turning the answer of a live check into a row; nothing of what was sent is in it."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from lightspeed.permissions import Access, Group, Permission, Permissions
from lightspeed.result import CheckResult
from onboarding.models import Store, Verification
from onboarding.submission import vendor

_SHOP_NAME_CHARACTERS = 200


def verification_of(
    *,
    store: Store,
    cluster: str,
    language: str,
    outcome: str,
    result: CheckResult | None,
    request_times: Sequence[datetime],
) -> Verification:
    """Build the row of one check; the caller says whose it is and saves it.

    Args:
        store: whose key was checked.
        cluster: which cluster was asked.
        language: in which language.
        outcome: what to tell first; ours or the vendor's.
        result: what the vendor said; None when it was not asked.
        request_times: every request that was sent, oldest first.
    """
    verification = Verification(
        store=store,
        cluster=cluster,
        language=language,
        at=timezone.now(),
        outcome=outcome,
        request_times=[at.isoformat() for at in request_times],
    )
    if result is not None:
        shop = result.shop
        verification.permissions = (
            {} if result.permissions is None else permissions_as_json(result.permissions)
        )
        verification.shop_id = shop.id if shop else None
        name = (shop.main_domain or shop.subdomain or "") if shop else ""
        verification.shop_name = name[:_SHOP_NAME_CHARACTERS]
        verification.limits = [list(window) for window in vendor.limits_of(result.limits)]
        verification.readings = [
            [each.seconds, each.limit, each.remaining, each.reset_seconds] for each in result.limits
        ]
        verification.status = result.status
        verification.problem = result.problem or ""
    return verification


def permissions_as_json(permissions: Permissions | None) -> dict[str, dict[str, bool | None]]:
    """`{"orders": {"read": true, "write": null}, …}`; null where it could not be checked."""
    known = permissions or Permissions()
    return {
        group.value: {access.value: known.granted(Permission(group, access)) for access in Access}
        for group in Group
    }
