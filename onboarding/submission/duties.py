"""What a worker does: check pairs that wait and keys that are stored, delete what had its time."""

from datetime import datetime

from keyvault.audit import SYSTEM
from keyvault.due import Duty, claim
from keyvault.models import CredentialCheck
from onboarding.models import Submission
from onboarding.submission.services import delete_expired_submissions, retire_old_keys
from onboarding.submission.services.check import CLAIM_SECONDS, run_claimed
from onboarding.submission.services.recheck import (
    RECHECK_CLAIM_SECONDS,
    run_claimed_recheck,
    want_nightly_checks,
)

# One at a time, so that one merchant's slow vendor keeps few others waiting.
CHECKS_AT_ONCE = 1


def run_due_checks(now: datetime) -> int:
    """Check the submission that has been due longest."""
    rows = Submission.objects.filter(state=Submission.State.WAITING).select_related("store", "user")
    claimed = claim(rows, now=now, claim_seconds=CLAIM_SECONDS, limit=CHECKS_AT_ONCE)
    for submission in claimed:
        run_claimed(submission, actor=SYSTEM)
    return len(claimed)


def run_due_rechecks(now: datetime) -> int:
    """Check the stored key that has wanted it longest; 0 too when the vendor gives no answer."""
    claimed = claim(
        CredentialCheck.objects.select_related("credential"),
        now=now,
        claim_seconds=RECHECK_CLAIM_SECONDS,
        limit=CHECKS_AT_ONCE,
    )
    return sum(run_claimed_recheck(check) for check in claimed)


def run_nightly(now: datetime) -> int:
    """Let a few of the keys that were not checked for a day be checked; never at once again."""
    want_nightly_checks(now=now)
    return 0


def run_expiry(now: datetime) -> int:  # noqa: ARG001  # a duty is given the time
    """Delete the drafts that have had their time."""
    return delete_expired_submissions()


def run_retirement(now: datetime) -> int:
    """Destroy the keys that were replaced long enough ago."""
    return retire_old_keys(now=now)


CHECKS = Duty(name="submission.check", interval_seconds=5.0, run=run_due_checks)
RECHECKS = Duty(name="submission.recheck", interval_seconds=5.0, run=run_due_rechecks)
NIGHTLY = Duty(name="submission.nightly", interval_seconds=30.0, run=run_nightly)
EXPIRY = Duty(name="submission.expire", interval_seconds=60.0, run=run_expiry)
RETIREMENT = Duty(name="submission.retire", interval_seconds=60.0, run=run_retirement)
