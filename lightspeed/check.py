"""One whole live check of a C-Series key: what it may do, whose it is, and what is wrong with it.

Read-only. Three requests when all is well: permissions, shop, account. One more when the key is
refused, to see whether key and secret were swapped. Up to six more when the permissions cannot be
read: each group's Read right is then proved by a cheap count; no write is ever tried, so Write
stays unchecked (LIGHTSPEED.md section 3).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from lightspeed.ecom import EComClient
from lightspeed.errors import (
    CredentialRefusedError,
    ForbiddenError,
    LanguageInactiveError,
    ThrottledError,
    UnreadableAnswerError,
    UnsafeAddressError,
    VendorError,
    VendorUnavailableError,
)
from lightspeed.outbound.deadline import Deadline
from lightspeed.permissions import Access, Group, Permission, Permissions
from lightspeed.ratelimits import WindowReading
from lightspeed.resources import Shop
from lightspeed.result import CheckResult, Outcome

#: For all requests of one check together.
CHECK_SECONDS = 25.0


#: What is reported when an error stopped the check. An address of our own that is unsafe is the
#: operator's fault: the merchant's key waits, as in an outage, and `problem` tells staff.
_OUTCOMES: Mapping[str, Outcome] = {
    CredentialRefusedError.code: Outcome.REFUSED,
    LanguageInactiveError.code: Outcome.LANGUAGE_INACTIVE,
    ThrottledError.code: Outcome.THROTTLED,
    VendorUnavailableError.code: Outcome.UNAVAILABLE,
    UnreadableAnswerError.code: Outcome.UNREADABLE,
    UnsafeAddressError.code: Outcome.UNAVAILABLE,
}
_NOT_FOUND = 404


@dataclass(slots=True)
class _Findings:
    """What is known so far; `stopped_by` ended the check, `unread` only left gaps in it."""

    permissions: Permissions | None = None
    shop: Shop | None = None
    account_id: int | None = None
    limits: tuple[WindowReading, ...] = ()
    unread: VendorError | None = None
    stopped_by: VendorError | None = None
    is_swapped: bool = False

    def note_limits(self, limits: tuple[WindowReading, ...]) -> None:
        """Keep the latest windows that were shown."""
        self.limits = limits or self.limits


def check_credential(
    client: EComClient,
    *,
    required: Iterable[Permission],
    expected_shop_id: int | None = None,
    check_seconds: float = CHECK_SECONDS,
) -> CheckResult:
    """Check one key live. Never raises for what the vendor does; open no transaction around it.

    Args:
        client: holds the credential; fresh or used.
        required: the boxes that must be ticked, usually `permissions.REQUIRED_BY_DEFAULT`.
        expected_shop_id: the shop that the store's other keys belong to; None for a first key.
        check_seconds: total time for the check. Each request also keeps the client's own limit.

    Returns:
        The result. A refusal comes before a wrong language, then another shop, then missing
        permissions, then what the vendor failed to answer: what the merchant can mend first.
        A vendor's failure is never reported as a bad key.
    """
    boxes = tuple(required)
    findings = _Findings()
    deadline = client.start_deadline(check_seconds)
    earlier = len(client.request_times)
    try:
        _gather(client=client, required=boxes, findings=findings, deadline=deadline)
    except VendorError as error:
        findings.stopped_by = error
        findings.note_limits(error.limits)
    request_times = client.request_times[earlier:]
    if isinstance(findings.stopped_by, CredentialRefusedError) and not findings.permissions:
        turned = client.swapped()
        findings.is_swapped = _is_accepted(client=turned, deadline=deadline)
        request_times += turned.request_times
    return _result(
        findings=findings,
        required=boxes,
        expected_shop_id=expected_shop_id,
        request_times=request_times,
    )


def _gather(
    *,
    client: EComClient,
    required: tuple[Permission, ...],
    findings: _Findings,
    deadline: Deadline,
) -> None:
    try:
        granted = client.permissions(deadline=deadline)
    except (ForbiddenError, UnreadableAnswerError) as error:
        findings.unread = error
        findings.note_limits(error.limits)
    else:
        findings.permissions = granted.value
        findings.note_limits(granted.limits)
    _cross_check(client=client, required=required, findings=findings, deadline=deadline)
    try:
        shop = client.shop(deadline=deadline)
    except ForbiddenError as error:
        findings.note_limits(error.limits)
    else:
        findings.shop = shop.value
        findings.note_limits(shop.limits)
    findings.account_id = _account_id(client=client, findings=findings, deadline=deadline)


def _cross_check(
    *,
    client: EComClient,
    required: tuple[Permission, ...],
    findings: _Findings,
    deadline: Deadline,
) -> None:
    """Prove Read by a count for every required group whose Read was not told."""
    known = findings.permissions or Permissions()
    wanted = {
        box.group for box in required if known.granted(Permission(box.group, Access.READ)) is None
    }
    for group in Group:
        if group in wanted:
            grant = replace(
                getattr(known, group.value),
                read=_can_count(client=client, group=group, findings=findings, deadline=deadline),
            )
            known = replace(known, **{group.value: grant})
            findings.permissions = known


def _can_count(
    *, client: EComClient, group: Group, findings: _Findings, deadline: Deadline
) -> bool | None:
    """Tell whether a group can be read; None when its count does not exist."""
    try:
        answer = client.count(group, deadline=deadline)
    except ForbiddenError as error:
        findings.note_limits(error.limits)
        return False
    except UnreadableAnswerError as error:
        if error.status != _NOT_FOUND:
            raise
        return None
    findings.note_limits(answer.limits)
    return True


def _account_id(*, client: EComClient, findings: _Findings, deadline: Deadline) -> int | None:
    """Ask for the account's number, which a check can pass without."""
    try:
        answer = client.account(deadline=deadline)
    except CredentialRefusedError:
        raise
    except VendorError as error:
        findings.note_limits(error.limits)
        return None
    findings.note_limits(answer.limits)
    return answer.value.id


def _is_accepted(*, client: EComClient, deadline: Deadline) -> bool:
    """Tell whether the vendor knows a credential, whatever it may do."""
    try:
        client.permissions(deadline=deadline)
    except (ForbiddenError, LanguageInactiveError):
        return True
    except VendorError:
        return False
    return True


def _result(
    *,
    findings: _Findings,
    required: tuple[Permission, ...],
    expected_shop_id: int | None,
    request_times: tuple[datetime, ...],
) -> CheckResult:
    granted = findings.permissions or Permissions()
    failure = findings.stopped_by or findings.unread
    missing, unchecked = granted.missing(required), granted.unchecked(required)
    return CheckResult(
        outcome=_outcome(
            findings=findings,
            missing=missing,
            unchecked=unchecked,
            expected_shop_id=expected_shop_id,
        ),
        permissions=findings.permissions,
        missing=missing,
        unchecked=unchecked,
        shop=findings.shop,
        account_id=findings.account_id,
        limits=findings.limits,
        request_times=request_times,
        retry_after_seconds=failure.retry_after_seconds
        if isinstance(failure, ThrottledError)
        else None,
        status=failure.status if failure else None,
        problem=failure.problem if failure else None,
    )


def _outcome(
    *,
    findings: _Findings,
    missing: tuple[Permission, ...],
    unchecked: tuple[Permission, ...],
    expected_shop_id: int | None,
) -> Outcome:
    shop, error = findings.shop, findings.stopped_by
    stopped = _OUTCOMES[error.code] if error else None
    rules = (
        (Outcome.SWAPPED, findings.is_swapped),
        (Outcome.REFUSED, stopped is Outcome.REFUSED),
        (Outcome.LANGUAGE_INACTIVE, stopped is Outcome.LANGUAGE_INACTIVE),
        (Outcome.OTHER_SHOP, shop and expected_shop_id not in (None, shop.id)),
        (Outcome.MISSING_PERMISSIONS, missing),
        (stopped or Outcome.UNREADABLE, stopped or unchecked),
        (Outcome.SHOP_UNKNOWN, shop is None and expected_shop_id is not None),
    )
    return next((outcome for outcome, applies in rules if applies), Outcome.PASSED)
