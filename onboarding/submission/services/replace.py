"""One key in the place of another: switch, let leases drain, undo, retire.

active ──switch──► replaced (not lent; its leases run out) ──after `RETIRED_AFTER`──► revoked
▲                  │
└──────undo────────┘    the new key is revoked
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from keyvault import vault
from keyvault.audit import SYSTEM, Actor
from keyvault.errors import StateError
from keyvault.models import Credential
from onboarding.models import Replacement, Store, Submission

# How long a replacement can be undone; every lease of the old key has run out long before.
RETIRED_AFTER = timedelta(hours=24)

State = Credential.State


def retire_replaced(submission: Submission, *, actor: Actor) -> Credential | None:
    """Stop lending the key whose place a submission takes, in the caller's transaction.

    Before the new one is stored: both may be the same API key, and only one of them may be live.

    Returns:
        The old key; None when there is none, or when it has gone in the meantime.
    """
    old = submission.replaces
    if old is None or old.keychain_id != submission.store_id:
        return None
    row = Credential.objects.select_for_update(no_key=True).get(pk=old.pk)
    if row.state not in Credential.LIVE_STATES:
        return None
    return vault.set_state(
        credential_id=row.pk,
        keychain_id=row.keychain_id,
        to=State.REPLACED,
        actor=actor,
        reason="asked",
    )


def note_replacement(*, store: Store, old: Credential, new: Credential) -> Replacement:
    """Keep the way back open; in the transaction that stores the new key.

    From a new secret of the same key, or a new installation in the same shop, there is none: the
    vendor has voided the old secret, so it is retired at once and never offered again.
    """
    now = timezone.now()
    is_same_key = old.fingerprint == new.fingerprint
    retires_at = now if is_same_key else now + RETIRED_AFTER
    return Replacement.objects.create(store=store, old=old, new=new, at=now, retires_at=retires_at)


def undo_replacement(*, replacement: Replacement, actor: Actor) -> Credential:
    """Bring the old key back and remove the new one. One transaction that locks the replacement.

    Args:
        replacement: one of a store that the caller may see.
        actor: who undoes it.

    Returns:
        The old key, active.

    Raises:
        keyvault.errors.StateError: it is retired or undone already.
    """
    with transaction.atomic():
        row = Replacement.objects.select_for_update().get(pk=replacement.pk)
        now = timezone.now()
        if row.ended_at is not None or row.retires_at <= now:
            message = f"replacement {row.pk} can no longer be undone"
            raise StateError(message)
        for credential_id, to in ((row.new_id, State.REVOKED), (row.old_id, State.ACTIVE)):
            moved = vault.set_state(
                credential_id=credential_id,
                keychain_id=row.store_id,
                to=to,
                actor=actor,
                reason="undone",
            )
        row.ended_at = now
        row.save(update_fields=["ended_at"])
    return moved


def retire_old_keys(*, now: datetime) -> int:
    """Destroy the keys whose replacement can no longer be undone; for a duty.

    Returns:
        How many there were.
    """
    due = Replacement.objects.filter(ended_at__isnull=True, retires_at__lte=now)
    return sum(_retire(each, now=now) for each in due.order_by("retires_at")[:100])


def _retire(replacement: Replacement, *, now: datetime) -> bool:
    with transaction.atomic():
        row = Replacement.objects.select_for_update().get(pk=replacement.pk)
        if row.ended_at is not None:
            return False
        vault.set_state(
            credential_id=row.old_id,
            keychain_id=row.store_id,
            to=State.REVOKED,
            actor=SYSTEM,
            reason="retired",
        )
        row.ended_at = now
        row.save(update_fields=["ended_at"])
    return True
