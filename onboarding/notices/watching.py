"""Watching the keys of stores, so that their people are told of what lasts, once, and of its end.

A key is *refused* (the vendor does not take it), *lacking* (its last check found a required box
unticked) or it *works*. What is seen must hold for `HOLD` before anybody is told, so a key that
comes and goes within that time is told of to nobody. All that has changed at a store by then goes
into one letter. A store is watched as long as something is wrong or untold; stores whose keys work
cost nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.utils.dateparse import parse_datetime

from keyvault.due import Duty, claim, finish
from keyvault.models import Credential
from lightspeed.result import Outcome
from onboarding.models import NotificationChoice, StoreWatch, Verification
from onboarding.notices.key_letters import Change, Condition, key_letter
from onboarding.notices.letters import send_letter
from onboarding.notices.preferences import readers_at

HOLD = timedelta(minutes=10)
LOOK_EVERY = timedelta(minutes=1)
CLAIM_SECONDS = 60
AT_ONCE = 20
# How far back new checks are looked through: longer than a worker is ever away without notice; and
# each key is checked anew every night.
LATELY = timedelta(hours=2)
MOST_ENROLLED = 200
# An outage of the vendor says nothing about a key.
INCONCLUSIVE = tuple(outcome for outcome in Outcome if outcome.is_retryable)
State = Credential.State


def watch_stores(now: datetime) -> int:
    """Enters stores of whose keys one is not as it should be, and looks at those that are due.

    Returns:
        How many stores were looked at.
    """
    _enrol(now)
    rows = StoreWatch.objects.select_related("store")
    watches = claim(rows, now=now, claim_seconds=CLAIM_SECONDS, limit=AT_ONCE)
    for watch in watches:
        _look(watch, now=now)
    return len(watches)


def _enrol(now: datetime) -> None:
    refused = Credential.objects.filter(
        kind=Credential.Kind.BASIC, state=State.SUSPENDED, is_honeytoken=False
    ).exclude(keychain__store=None)
    conclusive = Verification.objects.exclude(outcome__in=INCONCLUSIVE)
    newer = conclusive.filter(credential=OuterRef("credential"), at__gt=OuterRef("at"))
    lacking = Verification.objects.filter(
        ~Exists(newer),
        at__gt=now - LATELY,
        outcome=Outcome.MISSING_PERMISSIONS,
        credential__kind=Credential.Kind.BASIC,
        credential__state=State.ACTIVE,
        credential__is_honeytoken=False,
    )
    for ids in (
        refused.exclude(keychain__store__watch__isnull=False).values_list("keychain"),
        lacking.exclude(store__watch__isnull=False).values_list("store"),
    ):
        StoreWatch.objects.bulk_create(
            [StoreWatch(store_id=store, due_at=now) for (store,) in ids.distinct()[:MOST_ENROLLED]],
            ignore_conflicts=True,
        )


def _look(watch: StoreWatch, *, now: datetime) -> None:
    """Compares what is with what was seen and told; tells what has held long enough."""
    keys = {str(key.pk): key for key in _keys_of(watch.store_id)}
    present = {pk: _condition_of(key) for pk, key in keys.items()}
    told = {pk: Condition(each) for pk, each in watch.told.items() if pk in keys}
    seen = _seen_now(watch.seen, present=present, told=told, now=now)
    held = {
        pk: condition
        for pk, (condition, since) in seen.items()
        if condition != told.get(pk, Condition.WORKS) and now - since >= HOLD
    }
    with transaction.atomic():
        if not _settle(watch, told={**told, **held}, seen=seen, now=now):
            return
        if held:
            changes = [
                Change(key=keys[pk], condition=condition, before=told.get(pk, Condition.WORKS))
                for pk, condition in held.items()
            ]
            working = {Condition.WORKS, Condition.LACKING} & set(present.values())
            _tell(watch, changes=changes, is_broken=not working)


def _seen_now(
    before: Mapping[str, tuple[str, str]],
    *,
    present: Mapping[str, Condition | None],
    told: Mapping[str, Condition],
    now: datetime,
) -> dict[str, tuple[Condition, datetime]]:
    """What is seen of each key, and since when; a key that a person paused is seen as told."""
    seen = {}
    for pk, found in present.items():
        condition = found or told.get(pk, Condition.WORKS)
        last, since = before.get(pk, ("", ""))
        began = parse_datetime(since) if last == condition else None
        seen[pk] = condition, began or now
    return seen


def _settle(
    watch: StoreWatch,
    *,
    told: Mapping[str, Condition],
    seen: Mapping[str, tuple[Condition, datetime]],
    now: datetime,
) -> bool:
    """Ends the claim; a store where everything works and is told of is watched no more."""
    ailing = {pk: condition for pk, condition in told.items() if condition != Condition.WORKS}
    if not ailing and all(condition == Condition.WORKS for condition, _ in seen.values()):
        mine = StoreWatch.objects.filter(pk=watch.pk, fence=watch.fence)
        return bool(mine.delete()[0])
    return finish(
        watch,
        due_at=now + LOOK_EVERY,
        told=ailing,
        seen={pk: [condition, since.isoformat()] for pk, (condition, since) in seen.items()},
    )


def _keys_of(store_id: UUID) -> QuerySet[Credential]:
    """The live keys, each with what its last check that came to something found. One query."""
    told = Verification.objects.filter(credential=OuterRef("pk")).exclude(outcome__in=INCONCLUSIVE)
    latest = told.order_by("-at", "-pk")
    return (
        Credential.objects.filter(
            keychain=store_id,
            kind=Credential.Kind.BASIC,
            state__in=Credential.LIVE_STATES,
            is_honeytoken=False,
        )
        .annotate(last_outcome=Subquery(latest.values("outcome")[:1]))
        .defer("sealed")
        .order_by("created_at", "pk")
    )


def _condition_of(key: Credential) -> Condition | None:
    """What is wrong with a key; None: a person paused it, so nobody need be told."""
    if key.state == State.PAUSED:
        return None
    if key.state == State.SUSPENDED:
        return Condition.REFUSED
    is_lacking = getattr(key, "last_outcome", None) == Outcome.MISSING_PERMISSIONS
    return Condition.LACKING if is_lacking else Condition.WORKS


def _tell(watch: StoreWatch, *, changes: list[Change], is_broken: bool) -> None:
    store = watch.store
    topic = NotificationChoice.Topic.KEYS
    for reader in readers_at(merchant_id=store.merchant_id, topic=topic):
        letter = key_letter(
            store=store, changes=changes, is_broken=is_broken, language=reader.language
        )
        send_letter(letter, to=reader.email, language=reader.language)


KEYS = Duty(name="notices.keys", interval_seconds=30.0, run=watch_stores)
