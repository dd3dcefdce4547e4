"""Progress through the six steps: start, save, finish, and reports of a screen that differs."""

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from keyvault import audit
from keyvault.audit.actions import Action
from keyvault.audit.actors import Actor
from lightspeed.clusters import BackOffice
from onboarding.models import Store, User, Walkthrough
from onboarding.walkthrough.selectors import (
    WALKTHROUGH_LIFETIME,
    live_key_count,
    open_walkthrough,
)
from onboarding.walkthrough.steps import OPEN_DEVELOPERS, STEP_TOTAL

MAX_KEYS_AT_ONCE = 10


def start_walkthrough(*, store: Store, user: User) -> Walkthrough:
    """Return the person's open walkthrough of this store, a new one if there is none.

    One at a time is a constraint of the table, so two tabs share one. One that nobody touched for
    `WALKTHROUGH_LIFETIME` is closed first. Three queries, five when a new one is made.
    """
    found = open_walkthrough(store=store, user=user)
    if found is not None:
        return found
    now = timezone.now()
    Walkthrough.objects.filter(
        store=store,
        user=user,
        finished_at__isnull=True,
        updated_at__lte=now - WALKTHROUGH_LIFETIME,
    ).update(finished_at=now)
    first_number = live_key_count(store=store) + 1
    try:
        with transaction.atomic():
            return Walkthrough.objects.create(store=store, user=user, first_number=first_number)
    except IntegrityError:
        # Another tab made it between our look and our insert.
        return Walkthrough.objects.get(store=store, user=user, finished_at__isnull=True)


def save_step(
    *,
    walkthrough: Walkthrough,
    step: int,
    answers: Mapping[str, str] | None = None,
    keys_wanted: int | None = None,
) -> None:
    """Note that a step is done; going back and saving an earlier one loses nothing.

    Args:
        walkthrough: is brought up to date.
        step: the step that was done, 1 to 5.
        answers: added to the answers so far; never anything pasted at step 5.
        keys_wanted: how many keys to make in this pass, 1 to `MAX_KEYS_AT_ONCE`.
    """
    walkthrough.step = max(walkthrough.step, min(step + 1, STEP_TOTAL))
    walkthrough.answers = {**walkthrough.answers, **(answers or {})}
    if keys_wanted is not None:
        walkthrough.keys_wanted = max(keys_wanted, walkthrough.keys_done + 1)
    walkthrough.save(update_fields=["step", "answers", "keys_wanted", "updated_at"])


def finish_key(*, walkthrough: Walkthrough) -> None:
    """Note that one key is stored: on to the next key, or the walkthrough is over.

    Call it in the transaction that stores the credential. The next key starts at step 2: the
    answers of step 1 still hold. One UPDATE, so two at once count two.
    """
    now = timezone.now()
    is_last = Q(keys_done__gte=F("keys_wanted") - 1)
    rows = Walkthrough.objects.filter(pk=walkthrough.pk, finished_at__isnull=True)
    if not rows.filter(is_last).update(
        keys_done=F("keys_done") + 1, finished_at=now, updated_at=now
    ):
        rows.update(keys_done=F("keys_done") + 1, step=OPEN_DEVELOPERS, updated_at=now)
    walkthrough.refresh_from_db()


def abandon_walkthrough(*, walkthrough: Walkthrough) -> None:
    """Close a walkthrough so that the next one starts at step 1; harmless when repeated."""
    Walkthrough.objects.filter(pk=walkthrough.pk, finished_at__isnull=True).update(
        finished_at=timezone.now()
    )


def report_screen(*, store: Store, actor: Actor, step: int, words: str) -> None:
    """Tell staff that somebody's Back Office does not look like our picture.

    Args:
        store: whose Back Office it is.
        actor: who says so.
        step: the step whose picture is wrong, 1 to 6.
        words: language of the labels that were drawn.
    """
    audit.record(
        action=Action.SCREEN_REPORTED,
        actor=actor,
        keychain_id=store.pk,
        subject=f"step:{step}",
        facts={"words": words},
    )


def note_back_office(*, store: Store, back_office: BackOffice) -> bool:
    """Remember where the shop lives, as far as that can still be learned from an address.

    Args:
        store: is brought up to date.
        back_office: what the pasted address told.

    Returns:
        False when the store's keys already prove that it lives on the other cluster; then
        nothing is changed: ask the merchant which shop is meant.
    """
    cluster = back_office.cluster
    if store.shop_id is not None and store.cluster != cluster.name:
        return False
    store.cluster = cluster.name
    if back_office.shop is not None:
        store.back_office = f"{back_office.shop}.{cluster.shop_domain}"
    Store.objects.filter(pk=store.pk).filter(
        Q(shop_id__isnull=True) | Q(cluster=cluster.name)
    ).update(cluster=store.cluster, back_office=store.back_office)
    return True
