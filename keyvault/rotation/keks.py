"""Making a KEK, and destroying one."""

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from keyvault import audit
from keyvault.audit import Action, Actor
from keyvault.errors import KekInUseError
from keyvault.kek.provider import Kek, subject_of
from keyvault.models import KekUse, WrappedDek
from keyvault.vault.custody import active_provider, provider_of


def rotate_kek(*, actor: Actor) -> Kek:
    """Makes a new KEK and the active one; records `kek.rotated`.

    DEKs stay under the KEK that wraps them until `rewrap` moves them. Other processes follow by
    themselves.

    Args:
        actor: who asked for it.

    Returns:
        The new KEK.

    Raises:
        KeyringError, KekUnavailableError, DatabaseError: nothing has changed.
    """
    provider = active_provider()
    # A write that changes nothing: a database that takes none refuses before there is a KEK.
    KekUse.objects.filter(kek_id=provider.active_id()).update(wraps=F("wraps"))
    kek = provider.rotate()
    audit.record(action=Action.KEK_ROTATED, actor=actor, subject=subject_of(kek.id))
    return kek


def destroy_kek(*, kek_id: str, actor: Actor) -> None:
    """Destroys a KEK for good, if nothing stands on it; records `kek.destroyed`.

    First closes the KEK in the database, which holds off everybody who is about to store something
    wrapped by it, then looks, then destroys.

    Args:
        kek_id: which KEK.
        actor: who asked for it.

    Raises:
        KekInUseError: it is the active one, or wraps a DEK; run `rewrap` first.
        UnknownKekError: there is none of that id.
        KekUnavailableError: the provider does not answer; nothing has changed.
    """
    provider = provider_of(kek_id)
    with transaction.atomic():
        KekUse.objects.bulk_create([KekUse(kek_id=kek_id)], ignore_conflicts=True)
        KekUse.objects.filter(kek_id=kek_id).update(closed_at=timezone.now())
        standing = WrappedDek.objects.filter(kek_id=kek_id).count()
        if standing:
            step = "rotate" if kek_id == active_provider().active_id() else "rewrap"
            message = f"KEK {kek_id} wraps {standing} DEKs. Run: manage.py keyvault {step}"
            raise KekInUseError(message)
        audit.record(action=Action.KEK_DESTROYED, actor=actor, subject=subject_of(kek_id))
        provider.destroy(kek_id=kek_id)
