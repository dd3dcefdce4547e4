"""What a worker does for submissions: check what waits, delete what has had its time."""

from datetime import datetime

from keyvault.audit import SYSTEM
from keyvault.due import Duty, claim
from onboarding.models import Submission
from onboarding.submission.services import delete_expired_submissions, retire_old_keys
from onboarding.submission.services.check import CLAIM_SECONDS, run_claimed

# One at a time, so that one merchant's slow vendor keeps few others waiting.
CHECKS_AT_ONCE = 1


def run_due_checks(now: datetime) -> int:
    """Check the submission that has been due longest."""
    rows = Submission.objects.filter(state=Submission.State.WAITING).select_related("store", "user")
    claimed = claim(rows, now=now, claim_seconds=CLAIM_SECONDS, limit=CHECKS_AT_ONCE)
    for submission in claimed:
        run_claimed(submission, actor=SYSTEM)
    return len(claimed)


def run_expiry(now: datetime) -> int:  # noqa: ARG001  # a duty is given the time
    """Delete the drafts that have had their time."""
    return delete_expired_submissions()


def run_retirement(now: datetime) -> int:
    """Destroy the keys that were replaced long enough ago."""
    return retire_old_keys(now=now)


CHECKS = Duty(name="submission.check", interval_seconds=5.0, run=run_due_checks)
EXPIRY = Duty(name="submission.expire", interval_seconds=60.0, run=run_expiry)
RETIREMENT = Duty(name="submission.retire", interval_seconds=60.0, run=run_retirement)
