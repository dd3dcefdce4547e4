"""Making a credential out of a submission that has passed."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from keyvault import pool, vault
from keyvault.audit import Action, Actor, record
from keyvault.errors import DuplicateCredentialError, UnknownRecordError
from keyvault.models import Credential, Draft
from lightspeed.ratelimits import WindowReading
from onboarding.models import Store, Submission, Verification
from onboarding.submission import vendor
from onboarding.submission.errors import NotPassedError
from onboarding.submission.letters import tell_that_a_guest_is_done
from onboarding.submission.outcomes import OwnOutcome
from onboarding.submission.services.check import check_submission
from onboarding.submission.services.pair import delete_submission
from onboarding.submission.services.proof import keep_proved
from onboarding.submission.services.replace import note_replacement, retire_replaced
from onboarding.walkthrough.services import finish_key

State = Submission.State

# A pass that is older than this is checked once more: boxes can be unticked again.
PASS_GOOD_FOR = timedelta(minutes=10)
# No window of the vendor's is longer, so older requests of the check no longer count.
_LONGEST_WINDOW = timedelta(days=1)


def store_submission(*, submission: Submission, actor: Actor) -> Credential:
    """Make a credential of a pair that has passed; nothing is stored that has not.

    A pass older than `PASS_GOOD_FOR`, or of another shop than the store's is by now, is checked
    again first, so this may take seconds: call it outside any transaction. Then one transaction:
    credential, pool log with the requests of all its checks, submission, store and walkthrough
    change together. The rows of the submission and of its store are locked, in this order: a form
    sent twice gets the same credential twice, and two shops do not both become the store's. What
    else the store keeps of the same key is deleted afterwards, each in a transaction of its own.

    Args:
        submission: any submission; only its id is relied on.
        actor: who stores it.

    Returns:
        The credential, the same one however often this is called.

    Raises:
        NotPassedError: no recent pass, or a check is under way; show the submission's result,
            nothing was stored.
        keyvault.errors.VaultError: the vault cannot seal; nothing was stored.
    """
    latest = submission.verifications.order_by("-at", "-pk").first()
    if submission.state == State.PASSED and latest is not None:
        is_stale = latest.at < timezone.now() - PASS_GOOD_FOR
        if is_stale or not _fits(submission, verification=latest):
            check_submission(submission=submission, actor=actor)
    try:
        with transaction.atomic():
            credential = _store(submission, actor=actor)
    except DuplicateCredentialError as error:
        _note_duplicate(submission, is_here=error.in_same_keychain, actor=actor)
        raise NotPassedError from error
    except UnknownRecordError as error:
        # The draft had its time between the page and the click.
        raise NotPassedError from error
    _delete_copies(credential, actor=actor)
    return credential


def _delete_copies(credential: Credential, *, actor: Actor) -> None:
    """Delete what else was pasted of a key that is stored now; its page says so.

    Checked later, it would end as a key that "needs" somebody. What is to give the very key a new
    secret is no copy.
    """
    drafts = Draft.objects.filter(
        keychain_id=credential.keychain_id, fingerprint=credential.fingerprint
    )
    copies = Submission.objects.filter(
        store_id=credential.keychain_id, draft_id__in=drafts.values("pk")
    )
    for copy in copies.exclude(replaces=credential):
        with transaction.atomic():
            if delete_submission(submission=copy, actor=actor):
                _found(copy, outcome=OwnOutcome.ADDED_HERE)


def _store(submission: Submission, *, actor: Actor) -> Credential:
    row = (
        Submission.objects.select_for_update(of=("self",), no_key=True)
        .select_related("user", "credential", "walkthrough")
        .get(pk=submission.pk)
    )
    if row.credential is not None:
        return row.credential
    row.store = Store.objects.select_for_update(no_key=True).get(pk=row.store_id)
    verification = _pass_of(row)
    if row.draft_id is None or verification is None:
        raise NotPassedError
    replaced = retire_replaced(row, actor=actor)
    secret = vault.open_draft(draft_id=row.draft_id, keychain_id=row.store_id, actor=actor)
    credential = vault.store_credential(
        keychain_id=row.store_id,
        draft_id=row.draft_id,
        secret=secret,
        name=row.name,
        endpoint=vendor.endpoint_of(row.cluster),
        language=row.language,
        limits=[(seconds, limit) for seconds, limit in verification.limits],
        actor=actor,
    )
    if replaced is not None:
        note_replacement(store=row.store, old=replaced, new=credential)
    pool.seed(
        credential_id=credential.pk,
        request_times=_spent(row.verifications.all()),
        readings=[
            WindowReading(seconds=seconds, limit=limit, remaining=remaining, reset_seconds=reset)
            for seconds, limit, remaining, reset in verification.readings
        ],
        read_at=verification.at,
    )
    row.verifications.update(credential=credential)
    row.state, row.draft_id, row.credential = State.STORED, None, credential
    row.save(update_fields=["state", "draft_id", "credential"])
    _note_store(row, verification=verification, credential=credential, actor=actor)
    if row.hand_over_id is not None:
        tell_that_a_guest_is_done(submission=row)
    if row.walkthrough is not None:
        finish_key(walkthrough=row.walkthrough)
    return credential


def _pass_of(submission: Submission) -> Verification | None:
    """The pass that a locked submission may be stored by, if it has one."""
    # The answer of a check that is under way counts, and so do its requests.
    if submission.state != State.PASSED or submission.is_checking(now=timezone.now()):
        return None
    latest = submission.verifications.order_by("-at", "-pk").first()
    return latest if latest and _fits(submission, verification=latest) else None


def _fits(submission: Submission, *, verification: Verification) -> bool:
    """Whether a pass is of the store's shop: what was asked as a first key may come second."""
    known, found = submission.store.shop_id, verification.shop_id
    return known is None or (found is not None and found in (known, submission.accepted_shop_id))


def _spent(verifications: Iterable[Verification]) -> list[datetime]:
    """When the checks of this pair sent their requests, as far as a window still holds them."""
    earliest = timezone.now() - _LONGEST_WINDOW
    moments = (
        datetime.fromisoformat(text)
        for verification in verifications
        for text in verification.request_times
    )
    return sorted(moment for moment in moments if moment > earliest)


def _note_store(
    submission: Submission, *, verification: Verification, credential: Credential, actor: Actor
) -> None:
    """Keep what the key has proved about its store; a new shop retires the old one's keys."""
    store = submission.store
    if store.shop_id is not None and verification.shop_id not in (None, store.shop_id):
        others = Credential.objects.filter(
            keychain_id=store.pk, state__in=(Credential.State.ACTIVE, Credential.State.SUSPENDED)
        ).exclude(pk=credential.pk)
        for other in others:
            vault.set_state(
                credential_id=other.pk,
                keychain_id=store.pk,
                to=Credential.State.PAUSED,
                actor=actor,
                reason="other-shop",
            )
    keep_proved(
        store=store,
        shop_id=verification.shop_id or store.shop_id,
        cluster=submission.cluster,
        language=submission.language,
        actor=actor,
    )


def _note_duplicate(submission: Submission, *, is_here: bool, actor: Actor) -> None:
    """The same key was stored by another way in the meantime: say so instead of storing it."""
    outcome = OwnOutcome.ADDED_HERE if is_here else OwnOutcome.IN_USE_ELSEWHERE
    with transaction.atomic():
        changed = Submission.objects.filter(pk=submission.pk, state=State.PASSED).update(
            state=State.FAILED
        )
        if not changed:
            return
        _found(submission, outcome=outcome)
        record(
            action=Action.VERIFICATION_FAILED,
            actor=actor,
            keychain_id=submission.store_id,
            subject=f"submission:{submission.pk}",
            facts={"outcome": str(outcome), "requests": 0},
        )
        if not is_here:
            record(
                action=Action.DUPLICATE_REFUSED,
                actor=actor,
                keychain_id=submission.store_id,
                subject=f"submission:{submission.pk}",
            )


def _found(submission: Submission, *, outcome: str) -> None:
    """Keep what was found without a question to the vendor."""
    Verification.objects.create(
        store_id=submission.store_id,
        submission=submission,
        cluster=submission.cluster,
        language=submission.language,
        at=timezone.now(),
        outcome=outcome,
    )
