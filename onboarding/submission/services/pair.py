"""Taking a pasted pair in, and letting it go."""

import hmac
import uuid
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from pydantic import SecretStr

from keyvault import vault
from keyvault.audit import SYSTEM, Actor
from keyvault.errors import UnknownRecordError
from keyvault.models import Credential
from keyvault.vault import ApiKeySecret
from lightspeed.pasted import Pasted, RemarkKind
from onboarding.models import HandOver, Store, Submission, User, Walkthrough

State = Submission.State

# How long a pair that has not been stored is kept.
DRAFT_LIFETIME = timedelta(hours=24)
# Stands in a draft for the half that is still to come.
_NOTHING = SecretStr("")


def submit_pair(
    *,
    submission_id: UUID,
    store: Store,
    user: User,
    actor: Actor,
    pasted: Pasted,
    name: str,
    walkthrough: Walkthrough | None = None,
    hand_over: HandOver | None = None,
    replaces: Credential | None = None,
) -> Submission:
    """Seal what was pasted as a draft; nothing is asked of the vendor yet.

    The form chose `submission_id` when it was shown, so that a form sent twice, by a double click
    or by going back, comes to one submission. A value that is left out means unchanged: it is
    taken from the draft that the submission holds.

    Args:
        submission_id: chosen by the form. One that stands for another store, or for another key
            that is stored or deleted by now, is not touched: the pair gets an id of its own.
        store: whose key it is.
        user: who pasted it.
        actor: the same, for the record.
        pasted: values that are worth keeping; either may be None, not both.
        name: what the merchant calls the key; empty keeps the name so far.
        walkthrough: the walkthrough that led here, if any.
        hand_over: the link by which a guest pasted it, if one did.
        replaces: the live key of the same store whose place it takes, if it takes one.

    Returns:
        The submission: `WAITING` and due at once when there is a pair to check, `PARTIAL` when
        one half is still to come, otherwise as it stood when the same pair was sent before.

    Raises:
        keyvault.errors.VaultError: the keychain cannot seal; nothing was kept.
    """
    existing = Submission.objects.filter(pk=submission_id).first()
    if existing is not None and _is_ours(existing, store=store, hand_over=hand_over):
        if existing.is_open:
            return _change_pair(submission=existing, actor=actor, pasted=pasted, name=name)
        if _is_stored_as(submission=existing, pasted=pasted):
            return existing
    pair = ApiKeySecret(key=pasted.key or _NOTHING, secret=pasted.secret or _NOTHING)
    fresh = Submission(
        pk=submission_id if existing is None else uuid.uuid4(),
        store=store,
        user=user,
        walkthrough=walkthrough,
        hand_over=hand_over,
        replaces=replaces,
        name=name,
        cluster=store.cluster,
        language=store.language,
    )
    _note_paste(submission=fresh, pair=pair, pasted=pasted)
    try:
        with transaction.atomic():
            fresh.draft_id = _seal(submission=fresh, pair=pair, actor=actor)
            fresh.save(force_insert=True)
    except IntegrityError:
        # The same form came in twice at once and the other was faster; ours is rolled back.
        return Submission.objects.get(pk=submission_id, store=store)
    return fresh


def ask_otherwise(
    *, submission: Submission, cluster: str | None = None, language: str | None = None
) -> bool:
    """Ask another cluster or in another language from the next check on, as the merchant agreed.

    What the last check found was an answer to another question: a pass is void from here on, and
    the pair waits for its check. While a check is under way nothing is changed, or its answer
    would stand for what it did not ask. One transaction that locks the row.

    Args:
        submission: is brought up to date.
        cluster: a value of `Store.Cluster`; None leaves it.
        language: two lower-case letters; None leaves it.

    Returns:
        Whether the next check asks so; False when it is not open, lacks a half, or is being
        checked at this moment.
    """
    now = timezone.now()
    with transaction.atomic():
        row = Submission.objects.select_for_update(no_key=True).get(pk=submission.pk)
        if not row.is_whole or row.is_checking(now=now):
            return False
        asked = (cluster or row.cluster, language or row.language)
        if asked != (row.cluster, row.language):
            row.cluster, row.language = asked
            row.state, row.due_at = State.WAITING, now
            row.save(update_fields=["cluster", "language", "state", "due_at"])
    submission.cluster, submission.language = row.cluster, row.language
    submission.state, submission.due_at = row.state, row.due_at
    return True


def accept_shop(*, submission: Submission, shop_id: int) -> None:
    """Note that the merchant wants this store to be that shop from now on.

    Args:
        submission: is brought up to date; check it again afterwards.
        shop_id: the shop that the last check found, as the merchant saw it.
    """
    submission.accepted_shop_id = shop_id
    submission.save(update_fields=["accepted_shop_id"])


def delete_submission(*, submission: Submission, actor: Actor) -> bool:
    """Delete the draft now. One transaction; harmless when repeated.

    A check that is under way comes to nothing.

    Returns:
        Whether there was something to delete; a stored submission has nothing left.
    """
    with transaction.atomic():
        row = Submission.objects.select_for_update(no_key=True).get(pk=submission.pk)
        if not row.is_open or row.draft_id is None:
            return False
        vault.delete_draft(draft_id=row.draft_id, keychain_id=row.store_id, actor=actor)
        row.state = submission.state = State.DELETED
        row.draft_id = submission.draft_id = None
        row.due_at = None
        row.void_claim()
        row.save(update_fields=["state", "draft_id", "due_at", "fence", "claimed_until"])
    return True


def delete_expired_submissions() -> int:
    """Delete every draft that has had its time; for a duty.

    Returns:
        How many there were.
    """
    expired = Submission.objects.filter(
        state__in=Submission.OPEN_STATES, expires_at__lte=timezone.now()
    ).order_by("expires_at")
    return sum(delete_submission(submission=row, actor=SYSTEM) for row in expired[:500])


def _is_ours(submission: Submission, *, store: Store, hand_over: HandOver | None) -> bool:
    """Whether the caller may touch it: a guest only what came by the same link."""
    if submission.store_id != store.pk:
        return False
    return hand_over is None or submission.hand_over_id == hand_over.pk


def _change_pair(*, submission: Submission, actor: Actor, pasted: Pasted, name: str) -> Submission:
    """Take new values for an open submission; the same pair again changes nothing."""
    with transaction.atomic():
        row = Submission.objects.select_for_update(no_key=True).get(pk=submission.pk)
        if not row.is_open or row.draft_id is None:
            return row
        try:
            kept = vault.open_draft(draft_id=row.draft_id, keychain_id=row.store_id, actor=actor)
        except UnknownRecordError:
            kept = ApiKeySecret(key=_NOTHING, secret=_NOTHING)
        pair = ApiKeySecret(key=pasted.key or kept.key, secret=pasted.secret or kept.secret)
        row.name = name or row.name
        if _is_same(pair, kept):
            row.save(update_fields=["name"])
            return row
        vault.delete_draft(draft_id=row.draft_id, keychain_id=row.store_id, actor=actor)
        row.accepted_shop_id = None
        _note_paste(submission=row, pair=pair, pasted=pasted)
        row.draft_id = _seal(submission=row, pair=pair, actor=actor)
        # A check of the pair before must not speak for this one.
        row.void_claim()
        row.save()
    return row


def _note_paste(*, submission: Submission, pair: ApiKeySecret, pasted: Pasted) -> None:
    now = timezone.now()
    is_whole = bool(pair.key.get_secret_value()) and bool(pair.secret.get_secret_value())
    submission.state = State.WAITING if is_whole else State.PARTIAL
    submission.due_at = now if is_whole else None
    submission.attempts = 0
    submission.expires_at = now + DRAFT_LIFETIME
    submission.findings = [
        f"{remark.part}.{remark.kind}" if remark.part else str(remark.kind)
        for remark in pasted.remarks
        if remark.kind is not RemarkKind.MISSING
    ]


def _seal(*, submission: Submission, pair: ApiKeySecret, actor: Actor) -> UUID:
    return vault.seal_draft(
        keychain_id=submission.store_id,
        secret=pair,
        ttl_seconds=DRAFT_LIFETIME.total_seconds(),
        actor=actor,
    ).pk


def _is_stored_as(*, submission: Submission, pasted: Pasted) -> bool:
    """Whether the pasted key is the one that the submission was stored with."""
    if submission.credential is None or pasted.key is None:
        return False
    return hmac.compare_digest(submission.credential.fingerprint, vault.fingerprint(pasted.key))


def _is_same(one: ApiKeySecret, other: ApiKeySecret) -> bool:
    return all(
        hmac.compare_digest(ours.get_secret_value().encode(), theirs.get_secret_value().encode())
        for ours, theirs in ((one.key, other.key), (one.secret, other.secret))
    )
