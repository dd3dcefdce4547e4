"""What the walkthrough's pages read."""

from datetime import timedelta

from django.conf import settings
from django.db.models import OuterRef, QuerySet
from django.utils import timezone

from keyvault.models import Credential
from lightspeed.permissions import Permission, permissions_named
from onboarding.models import Store, User, Walkthrough

# Progress is kept this long after the last step.
WALKTHROUGH_LIFETIME = timedelta(hours=24)


def open_walkthroughs(*, store: Store | OuterRef, user: User) -> QuerySet[Walkthrough]:
    """The walkthrough that this person can resume: none or one."""
    return Walkthrough.objects.filter(
        store=store,  # type: ignore[misc]  # a reference to the outer query is one, too
        user=user,
        finished_at__isnull=True,
        updated_at__gt=timezone.now() - WALKTHROUGH_LIFETIME,
    )


def open_walkthrough(*, store: Store, user: User) -> Walkthrough | None:
    """The walkthrough that this person can resume, if any."""
    return open_walkthroughs(store=store, user=user).first()


def walkthrough_at(*, store: Store, user: User, step: int) -> Walkthrough | None:
    """The same, if it has come as far as a step; else the person took a shorter way there."""
    found = open_walkthrough(store=store, user=user)
    return found if found is not None and found.step >= step else None


def live_key_count(*, store: Store) -> int:
    """How many keys the store has, paused and suspended ones included."""
    return Credential.objects.filter(keychain_id=store.pk, state__in=Credential.LIVE_STATES).count()


def suggested_name(*, store: Store, number: int, total: int) -> str:
    """The name to give a key in the Back Office: "APP mobile 2 of 3".

    It stays English in every language: it is a name, and staff look for it in the Back Office.
    """
    base = f"{store.app_name} mobile"
    return base if total == 1 else f"{base} {number} of {total}"


def required_permissions() -> tuple[Permission, ...]:
    """The boxes that the operator's app needs, in the Back Office's order."""
    return permissions_named(settings.LIGHTSPEED_REQUIRED_PERMISSIONS)
