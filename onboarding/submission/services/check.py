"""Checking a submission: claim it, ask the vendor, record what came of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from keyvault import due, vault
from keyvault.audit import SYSTEM, Action, Actor, record
from keyvault.errors import UnknownRecordError
from keyvault.vault import ApiKeySecret
from lightspeed.check import CHECK_SECONDS
from lightspeed.result import CheckResult, Outcome
from onboarding.models import Submission, Verification
from onboarding.submission import vendor
from onboarding.submission.letters import tell_how_it_ended
from onboarding.submission.outcomes import GENUINE, RETRIED, OwnOutcome
from onboarding.submission.services.pair import DRAFT_LIFETIME, delete_submission
from onboarding.submission.services.records import verification_of

State = Submission.State

# Twice a check, for a pair that came in the wrong way round, and time to record it.
CLAIM_SECONDS = 2 * CHECK_SECONDS + 10
# How long a pair waits for a vendor that does not answer.
OUTAGE_LIFETIME = timedelta(hours=72)
FIRST_RETRY_SECONDS = 300.0
LONGEST_RETRY_SECONDS = 3600.0
SWAPPED = "swapped"


@dataclass(frozen=True, slots=True)
class _Checked:
    """What came of asking; `pair` is set when the draft holds it the wrong way round."""

    outcome: str
    result: CheckResult | None
    request_times: tuple[datetime, ...]
    pair: ApiKeySecret | None = None


def check_submission(*, submission: Submission, actor: Actor) -> Submission:
    """Ask the vendor about an open submission and record the answer.

    Takes seconds; call it outside any transaction. Whoever claims the row asks; everybody else
    gets the submission as it is, under way. A check that was killed is done again by the worker
    once its claim has run out.

    Args:
        submission: only its id is relied on; one that is not open, or of which one half is still
            to come, is left alone.
        actor: who asks; opening the draft is recorded under this name.

    Returns:
        The submission with its new state: `PASSED`, `FAILED`, `DELETED` when its draft has had
        its time, or still `WAITING` when the vendor did not answer and will be asked again at
        `due_at`. Its latest verification says why.

    Raises:
        keyvault.errors.VaultError: the draft cannot be opened; the claim runs out by itself.
    """
    now = timezone.now()
    rows = Submission.objects.filter(
        pk=submission.pk, state__in=(State.WAITING, State.PASSED, State.FAILED)
    )
    rows.update(due_at=now)
    claimed = due.claim(rows.select_related("store"), now=now, claim_seconds=CLAIM_SECONDS)
    if claimed:
        run_claimed(claimed[0], actor=actor)
    return Submission.objects.select_related("store", "walkthrough").get(pk=submission.pk)


def run_claimed(submission: Submission, *, actor: Actor) -> None:
    """Ask about a submission that the caller has claimed; see `check_submission`."""
    if submission.draft_id is None or submission.expires_at <= timezone.now():
        delete_submission(submission=submission, actor=actor)
        return
    try:
        pair = vault.open_draft(
            draft_id=submission.draft_id, keychain_id=submission.store_id, actor=actor
        )
    except UnknownRecordError:
        delete_submission(submission=submission, actor=actor)
        return
    _record(submission, checked=_ask(submission, pair), pair=pair, actor=actor)


def _ask(submission: Submission, pair: ApiKeySecret) -> _Checked:
    duplicate = vault.find_duplicate(
        keychain_id=submission.store_id, fingerprint=vault.fingerprint(pair.key)
    )
    if duplicate == "here" and not _is_new_secret(submission, pair):
        return _Checked(outcome=OwnOutcome.ADDED_HERE, result=None, request_times=())
    result = _check(submission, pair)
    times = result.request_times
    turned = None
    if result.outcome is Outcome.SWAPPED:
        turned = ApiKeySecret(key=pair.secret, secret=pair.key)
        result = _check(submission, turned)
        times += result.request_times
    outcome = str(result.outcome)
    if result.outcome in GENUINE and _is_in_use_elsewhere(submission, turned or pair):
        outcome = OwnOutcome.IN_USE_ELSEWHERE
    return _Checked(outcome=outcome, result=result, request_times=times, pair=turned)


def _is_new_secret(submission: Submission, pair: ApiKeySecret) -> bool:
    """Whether it is the very key whose place it takes, with another secret perhaps."""
    replaced = submission.replaces
    return replaced is not None and replaced.fingerprint == vault.fingerprint(pair.key)


def _check(submission: Submission, pair: ApiKeySecret) -> CheckResult:
    return vendor.check_pair(
        pair=pair,
        endpoint=vendor.endpoint_of(submission.cluster),
        language=submission.language,
        expected_shop_id=submission.accepted_shop_id or submission.store.shop_id,
    )


def _is_in_use_elsewhere(submission: Submission, pair: ApiKeySecret) -> bool:
    found = vault.find_duplicate(
        keychain_id=submission.store_id, fingerprint=vault.fingerprint(pair.key)
    )
    return found == "elsewhere"


def _record(submission: Submission, *, checked: _Checked, pair: ApiKeySecret, actor: Actor) -> None:
    """Write what came of it, all in one transaction, unless the claim was lost meanwhile."""
    now = timezone.now()
    sealed_until = submission.expires_at
    with transaction.atomic():
        if not _settle(submission, checked=checked, now=now):
            return
        verification = verification_of(
            store=submission.store,
            cluster=submission.cluster,
            language=submission.language,
            outcome=checked.outcome,
            result=checked.result,
            request_times=checked.request_times,
        )
        verification.submission = submission
        if checked.outcome in RETRIED:
            verification.retry_at = submission.due_at
        verification.save(force_insert=True)
        if checked.pair is not None or submission.expires_at != sealed_until:
            _reseal(submission, pair=checked.pair or pair, actor=actor)
        _audit(submission, verification=verification, actor=actor)
        if actor == SYSTEM and submission.state != State.WAITING:
            tell_how_it_ended(submission=submission, outcome=checked.outcome)


def _settle(submission: Submission, *, checked: _Checked, now: datetime) -> bool:
    """Set the new state and end the claim; False when the claim was lost."""
    if checked.pair is not None and SWAPPED not in submission.findings:
        submission.findings = [*submission.findings, SWAPPED]
    changes = {"findings": submission.findings}
    if checked.outcome in RETRIED:
        return _wait(submission, checked=checked, now=now, changes=changes)
    submission.state = State.PASSED if checked.outcome == Outcome.PASSED else State.FAILED
    if submission.attempts > 1:
        # Who waited out an outage gets the usual time to store or mend the key.
        submission.expires_at = max(submission.expires_at, now + DRAFT_LIFETIME)
    submission.due_at = None
    return due.finish(
        submission,
        due_at=None,
        state=submission.state,
        expires_at=submission.expires_at,
        **changes,
    )


def _wait(
    submission: Submission, *, checked: _Checked, now: datetime, changes: dict[str, list[str]]
) -> bool:
    """Ask again later, for as long as `OUTAGE_LIFETIME`; after that it is the merchant's turn."""
    asked = checked.result.retry_after_seconds if checked.result else None
    pause = due.backoff_seconds(
        submission.attempts, first=FIRST_RETRY_SECONDS, most=LONGEST_RETRY_SECONDS
    )
    next_at = now + timedelta(seconds=max(asked or 0, pause))
    gives_up_at = submission.created_at + OUTAGE_LIFETIME
    submission.state = State.WAITING if next_at < gives_up_at else State.FAILED
    submission.due_at = next_at if next_at < gives_up_at else None
    submission.expires_at = max(submission.expires_at, gives_up_at)
    return due.retry(
        submission,
        due_at=submission.due_at,  # type: ignore[arg-type]  # None: never again by itself
        state=submission.state,
        expires_at=submission.expires_at,
        **changes,
    )


def _reseal(submission: Submission, *, pair: ApiKeySecret, actor: Actor) -> None:
    """Put a draft in the place of the one so far: the right way round, or with a longer life."""
    if submission.draft_id is not None:
        vault.delete_draft(
            draft_id=submission.draft_id, keychain_id=submission.store_id, actor=actor
        )
    lifetime = submission.expires_at - timezone.now()
    submission.draft_id = vault.seal_draft(
        keychain_id=submission.store_id,
        secret=pair,
        ttl_seconds=lifetime.total_seconds(),
        actor=actor,
    ).pk
    Submission.objects.filter(pk=submission.pk).update(draft_id=submission.draft_id)


def _audit(submission: Submission, *, verification: Verification, actor: Actor) -> None:
    passed = verification.outcome == Outcome.PASSED
    record(
        action=Action.VERIFICATION_PASSED if passed else Action.VERIFICATION_FAILED,
        actor=actor,
        keychain_id=submission.store_id,
        subject=f"submission:{submission.pk}",
        facts={"outcome": verification.outcome, "requests": len(verification.request_times)},
    )
    if verification.outcome == OwnOutcome.IN_USE_ELSEWHERE:
        record(
            action=Action.DUPLICATE_REFUSED,
            actor=actor,
            keychain_id=submission.store_id,
            subject=f"submission:{submission.pk}",
        )
