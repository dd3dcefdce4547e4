"""Tripwires, each of which tells staff.

Decoy credentials, one API key at two merchants, records that do not open, and the rate at which an
actor opens secrets. Each raises an alert, an entry `tripwire.fired` that no merchant's export has,
an error in the log, and calls what settings.KEYVAULT_ON_ALERT names (a dotted path; it gets the
alert's id), once an hour for each kind at the most. An alert stands until somebody of staff marks
it as handled.

The rate is read from the record, which every worker writes to, and not counted in a process: so it
holds over all of them and costs the lending nothing.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max
from django.utils import timezone
from django.utils.module_loading import import_string

from keyvault import audit
from keyvault.audit import SYSTEM, Action, Actor
from keyvault.due import Duty
from keyvault.errors import StateError
from keyvault.events import Event, emit
from keyvault.models import Alert, AuditEntry, AuditSealer, Credential

logger = logging.getLogger(__name__)

WINDOW = timedelta(minutes=1)
QUIET = timedelta(minutes=10)
TELL_EVERY = timedelta(hours=1)
# What is recorded whenever a secret is opened.
OPENINGS = (
    Action.CREDENTIAL_OPENED,
    Action.DRAFT_OPENED,
    Action.LEASE_GRANTED,
    Action.SECRET_OPENED,
)
_NAME = "tripwires"
_LENDABLE = (Credential.State.ACTIVE, Credential.State.PAUSED)


def fire(*, kind: Alert.Kind, subject: str, facts: Mapping[str, audit.entries.Fact]) -> bool:
    """Raises an alert, unless the same one was raised within ten minutes and is not handled yet.

    In the caller's transaction, or one of its own.

    Args:
        kind: which tripwire.
        subject: whom or what it concerns.
        facts: ids and counts, as for an audit entry.

    Returns:
        Whether staff are told.
    """
    now = timezone.now()
    same = Alert.objects.filter(kind=kind, subject=subject, handled_at=None)
    if same.filter(quiet_until__gt=now).exists():
        return False
    with transaction.atomic():
        alert = Alert.objects.create(
            kind=kind, subject=subject, facts=dict(facts), at=now, quiet_until=now + QUIET
        )
        audit.record(
            action=Action.TRIPWIRE_FIRED,
            actor=SYSTEM,
            subject=subject,
            facts={"tripwire": kind.value, **facts},
        )
        transaction.on_commit(lambda: _tell(alert), robust=True)
    return True


def handle_alert(*, alert_id: int, note: str, actor: Actor) -> None:
    """Marks an alert as handled; records `tripwire.handled` without the note.

    Args:
        alert_id: which alert.
        note: what was found and done, for colleagues; at most 500 characters, never a secret.
        actor: who has handled it.

    Raises:
        StateError: there is no such alert that stands open: somebody else was first.
    """
    with transaction.atomic():
        mine = Alert.objects.select_for_update().filter(pk=alert_id, handled_at=None)
        alert = mine.first()
        if alert is None:
            message = f"alert {alert_id} is handled already"
            raise StateError(message)
        alert.handled_at, alert.handled_by = timezone.now(), str(actor)
        alert.handled_note = note
        alert.save(update_fields=["handled_at", "handled_by", "handled_note"])
        audit.record(
            action=Action.TRIPWIRE_HANDLED,
            actor=actor,
            subject=alert.subject,
            facts={"tripwire": alert.kind, "alert": alert.pk},
        )


def quarantine(*, credential_id: UUID) -> None:
    """Takes a credential that does not open out of lending; tells staff and backends.

    In a transaction of its own: call it when the failed one is over. Only that record is concerned;
    the sealed bytes are kept for whoever looks into it.
    """
    with transaction.atomic():
        mine = Credential.objects.filter(pk=credential_id, state__in=_LENDABLE)
        keychain_id = mine.values_list("keychain_id", flat=True).first()
        if keychain_id and mine.update(state=Credential.State.SUSPENDED):
            audit.record(
                action=Action.CREDENTIAL_QUARANTINED,
                actor=SYSTEM,
                keychain_id=keychain_id,
                subject=f"credential:{credential_id}",
            )
            emit(
                event=Event.CREDENTIAL_FAILING,
                keychain_id=keychain_id,
                data={"credential": str(credential_id), "state": Credential.State.SUSPENDED.value},
            )
        fire(kind=Alert.Kind.TAMPERED, subject=f"credential:{credential_id}", facts={})


def watch_rates(now: datetime) -> int:
    """Compares how many secrets each actor opened in the last minute with its limit.

    Args:
        now: the present time.

    Returns:
        How many alerts were raised.
    """
    mark, _ = AuditSealer.objects.get_or_create(name=_NAME)
    since = now - WINDOW
    recent = AuditEntry.objects.filter(pk__gt=mark.sent, action__in=OPENINGS)
    counts = recent.filter(at__gte=since).values_list("actor").annotate(times=Count("*"))
    fired = 0
    for actor, times in counts.values_list("actor", "times"):
        limit = settings.KEYVAULT_OPENS_PER_MINUTE[actor.partition(":")[0]]
        if times > limit:
            facts = {"times": times, "limit": limit}
            fired += fire(kind=Alert.Kind.DECRYPT_RATE, subject=actor, facts=facts)
    old = AuditEntry.objects.filter(pk__gt=mark.sent, at__lt=since).aggregate(last=Max("id"))
    if old["last"]:
        AuditSealer.objects.filter(name=_NAME, sent__lt=old["last"]).update(sent=old["last"])
    return fired


def _tell(alert: Alert) -> None:
    logger.error(
        "tripwire", extra={"kind": alert.kind, "subject": alert.subject, "facts": alert.facts}
    )
    told = Alert.objects.filter(kind=alert.kind, told_at__gt=alert.at - TELL_EVERY)
    if settings.KEYVAULT_ON_ALERT and not told.exists():
        Alert.objects.filter(pk=alert.pk).update(told_at=alert.at)
        import_string(settings.KEYVAULT_ON_ALERT)(alert.pk)


RATES = Duty(name="vault.tripwires", interval_seconds=15, run=watch_rates)
