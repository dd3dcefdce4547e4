"""Checking stored keys by themselves: those that the vendor refused to a backend, and all nightly.

Both are rows of `CredentialCheck`, so that a key is checked by one worker at a time. Only API keys
are checked here, of eCom and of R-Series: a connection by OAuth is tried by its renewal.
"""

from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone

from keyvault.audit import SYSTEM
from keyvault.due import backoff_seconds, finish, retry
from keyvault.errors import VaultError
from keyvault.models import Credential, CredentialCheck
from lightspeed.check import CHECK_SECONDS
from onboarding.submission import vendor
from onboarding.submission.errors import CheckBusyError
from onboarding.submission.outcomes import RETRIED
from onboarding.submission.services.verify import verify_credential

# One check, and time to record it.
RECHECK_CLAIM_SECONDS = CHECK_SECONDS + 10
FIRST_RETRY_SECONDS = 60.0
LONGEST_RETRY_SECONDS = 3600.0
# How old a check of a lent key may become.
CHECKED_EVERY = timedelta(hours=24)
# So few wait at a time that a key that was just refused never stands behind a long line.
NIGHTLY_AT_ONCE = 10
NIGHTLY = "nightly"


def run_claimed_recheck(check: CredentialCheck) -> bool:
    """Checks the key of a row that the caller has claimed, and ends the claim.

    Takes seconds; call it outside any transaction. A key that works again recovers, one that is
    refused stays suspended: see `verify_credential`. Without an answer, or while the app spends
    every request of the key, the row is due again after a growing pause. A row whose key is gone
    or is none of ours to check is done. Repeating it is harmless.

    Args:
        check: with its credential, as `keyvault.due.claim` gave it.

    Returns:
        Whether the row is done; False: the vendor gave no answer, ask about others later.

    Raises:
        keyvault.errors.VaultError: the credential cannot be opened; it is tried again later.
    """
    credential = check.credential
    if not vendor.is_checkable(credential):
        finish(check, due_at=None)
        return True
    try:
        verification = verify_credential(credential=credential, actor=SYSTEM)
    except CheckBusyError:
        retry(check, due_at=_next_try(check))
        return True
    except VaultError:
        retry(check, due_at=_next_try(check))
        raise
    if verification.outcome in RETRIED:
        retry(check, due_at=_next_try(check))
        return False
    finish(check, due_at=None)
    return True


def want_nightly_checks(*, now: datetime) -> int:
    """Enters the lent keys whose last check is longest ago, so few that they spread by themselves.

    A row that waits already is left as it is. Decoys are never checked: any use is an alarm.

    Args:
        now: the present time.

    Returns:
        How many keys were entered, at most `NIGHTLY_AT_ONCE` less those that still wait.
    """
    waiting = CredentialCheck.objects.filter(reason=NIGHTLY, due_at__lte=now).count()
    is_old = Q(checked_at=None) | Q(checked_at__lte=now - CHECKED_EVERY)
    is_ours = Q(endpoint__startswith=vendor.ENDPOINT_PREFIX) | Q(endpoint=vendor.LEGACY_ENDPOINT)
    old = Credential.objects.filter(
        is_old,
        is_ours,
        state=Credential.State.ACTIVE,
        kind=Credential.Kind.BASIC,
        is_honeytoken=False,
    ).exclude(wanted_check__due_at__isnull=False)
    found = old.order_by(F("checked_at").asc(nulls_first=True), "pk")
    room = max(NIGHTLY_AT_ONCE - waiting, 0)
    entered = list(found[:room])
    for credential in entered:
        CredentialCheck.objects.update_or_create(
            credential=credential, defaults={"due_at": now, "attempts": 0, "reason": NIGHTLY}
        )
    return len(entered)


def _next_try(check: CredentialCheck) -> datetime:
    pause = backoff_seconds(check.attempts, first=FIRST_RETRY_SECONDS, most=LONGEST_RETRY_SECONDS)
    return timezone.now() + timedelta(seconds=pause)
