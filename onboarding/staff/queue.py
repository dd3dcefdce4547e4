"""What needs a hand, the worst first: the first thing that staff see."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from keyvault.models import Alert, Credential
from onboarding.capacity.selectors import cases_waiting_for_staff
from onboarding.models import OutgoingMail, Store, Submission, Verification
from onboarding.staff.alerts import OPEN_ALERTS

# So many rows of a pile are shown; the rest stands behind its link.
SHOWN = 5
# A paste that waits this long is stuck.
STUCK_AFTER = timedelta(hours=1)
MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Task:
    """One row of a pile."""

    label: str
    note: str
    url: str


@dataclass(frozen=True, slots=True)
class Pile:
    """What is wrong in one way.

    Attributes:
        title: what is wrong, with the number.
        consequence: what it means for merchants.
        kind: danger, warning or info.
        count: how many rows.
        tasks: the first of them.
        url: all of them.
    """

    title: str
    consequence: str
    kind: str
    count: int
    tasks: tuple[Task, ...]
    url: str


def work_queue(*, now: datetime) -> list[Pile]:
    """The piles that are not empty, by consequence; two queries a pile at most."""
    piles = (
        _alerts(),
        _dead_apps(),
        _failing_keys(),
        _lacking_keys(),
        _waiting_cases(now),
        _stuck(now),
        _lost_mails(),
    )
    return [pile for pile in piles if pile is not None]


def _row_url(name: str, pk: object) -> str:
    return reverse(f"admin:{name}_change", args=[pk])


def _keys(state: str) -> QuerySet[Credential]:
    return Credential.objects.filter(keychain=OuterRef("pk"), state=state)


def _alerts() -> Pile | None:
    """Tripwires that fired and that nobody has marked as handled."""
    alerts = Alert.objects.filter(handled_at=None)
    count = alerts[:MOST_COUNTED].count()
    if not count:
        return None
    return Pile(
        title=ngettext("%d tripwire fired", "%d tripwires fired", count) % count,
        consequence=_("Somebody may use secrets who should not."),
        kind="danger",
        count=count,
        tasks=tuple(
            Task(alert.get_kind_display(), alert.subject, _row_url("keyvault_alert", alert.pk))
            for alert in alerts.order_by("-at", "-pk")[:SHOWN]
        ),
        url=reverse("admin:keyvault_alert_changelist") + OPEN_ALERTS,
    )


def _dead_apps() -> Pile | None:
    """Stores all of whose keys are refused: their app stands still."""
    stores = Store.objects.filter(
        Exists(_keys("suspended")), ~Exists(_keys("active"))
    ).select_related("merchant")
    count = stores[:MOST_COUNTED].count()
    if not count:
        return None
    return Pile(
        title=ngettext("%d app stands still", "%d apps stand still", count) % count,
        consequence=_("Lightspeed refuses every key of these stores."),
        kind="danger",
        count=count,
        tasks=tuple(
            Task(store.name, store.merchant.name, _row_url("onboarding_store", store.pk))
            for store in stores.order_by("name", "pk")[:SHOWN]
        ),
        url=reverse("admin:keyvault_credential_changelist") + "?state__exact=suspended",
    )


def _failing_keys() -> Pile | None:
    """Keys that are refused while others of their store still work."""
    working = Credential.objects.filter(keychain=OuterRef("keychain"), state="active")
    keys = Credential.objects.filter(Exists(working), state="suspended").defer("sealed")
    count = keys[:MOST_COUNTED].count()
    if not count:
        return None
    rows = keys.select_related("keychain__store").order_by(F("checked_at").asc(nulls_first=True))
    return Pile(
        title=ngettext("%d key is refused", "%d keys are refused", count) % count,
        consequence=_("The apps go on with fewer requests than they were planned for."),
        kind="warning",
        count=count,
        tasks=tuple(
            Task(str(key), key.keychain.store.name, _row_url("keyvault_credential", key.pk))
            for key in rows[:SHOWN]
        ),
        url=reverse("admin:keyvault_credential_changelist") + "?state__exact=suspended",
    )


def _lacking_keys() -> Pile | None:
    """Live keys whose last check found a permission missing."""
    last = Verification.objects.filter(credential=OuterRef("pk")).order_by("-at")
    keys = (
        Credential.objects.filter(state="active")
        .annotate(last_outcome=Subquery(last.values("outcome")[:1]))
        .filter(last_outcome="missing_permissions")
        .defer("sealed")
    )
    count = keys[:MOST_COUNTED].count()
    if not count:
        return None
    rows = keys.select_related("keychain__store").order_by("checked_at", "pk")
    return Pile(
        title=ngettext("%d key lacks a permission", "%d keys lack a permission", count) % count,
        consequence=_("A part of the app fails: orders, customers or products."),
        kind="warning",
        count=count,
        tasks=tuple(
            Task(str(key), key.keychain.store.name, _row_url("keyvault_credential", key.pk))
            for key in rows[:SHOWN]
        ),
        url=reverse("admin:onboarding_verification_changelist") + "?outcome=missing_permissions",
    )


def _waiting_cases(now: datetime) -> Pile | None:
    """Merchants who asked how many keys a sale needs, who waits longest first."""
    cases = cases_waiting_for_staff()
    count = cases[:MOST_COUNTED].count()
    if not count:
        return None
    rows = list(cases[:SHOWN])
    title = ngettext("%d merchant waits for an answer", "%d merchants wait for an answer", count)
    return Pile(
        title=title % count,
        consequence=_("They asked how many keys a sale needs."),
        kind="warning" if rows[0].reply_by < now else "info",
        count=count,
        tasks=tuple(
            Task(
                case.store.name,
                _("promised by %(date)s")
                % {"date": date_format(localtime(case.reply_by), "DATETIME_FORMAT")},
                reverse("staff-case", args=[case.pk]),
            )
            for case in rows
        ),
        url=reverse("staff-cases"),
    )


def _stuck(now: datetime) -> Pile | None:
    """Pastes that did not pass and that nobody has touched for a while."""
    last = Verification.objects.filter(submission=OuterRef("pk")).order_by("-at")
    pastes = (
        Submission.objects.filter(
            state__in=Submission.OPEN_STATES, created_at__lt=now - STUCK_AFTER, expires_at__gt=now
        )
        .annotate(cause=Subquery(last.values("outcome")[:1]))
        .select_related("store")
    )
    count = pastes[:MOST_COUNTED].count()
    if not count:
        return None
    return Pile(
        title=ngettext("%d merchant is stuck", "%d merchants are stuck", count) % count,
        consequence=_("They pasted a key and did not get further."),
        kind="info",
        count=count,
        tasks=tuple(
            Task(paste.store.name, _cause(paste, now), _row_url("onboarding_submission", paste.pk))
            for paste in pastes.order_by("created_at")[:SHOWN]
        ),
        url=reverse("admin:onboarding_submission_changelist"),
    )


def _cause(paste: Submission, now: datetime) -> str:
    cause = str(getattr(paste, "cause", None) or paste.get_state_display()).replace("_", " ")
    return _("%(cause)s, for %(time)s") % {"cause": cause, "time": timesince(paste.created_at, now)}


def _lost_mails() -> Pile | None:
    """Mails that were given up: somebody was not told."""
    mails = OutgoingMail.objects.filter(failed_at__isnull=False).defer("sealed")
    count = mails[:MOST_COUNTED].count()
    if not count:
        return None
    return Pile(
        title=ngettext("%d mail did not go", "%d mails did not go", count) % count,
        consequence=_("Somebody was not told. Is the address right, does the mail server answer?"),
        kind="info",
        count=count,
        tasks=tuple(
            Task(mail.subject, mail.problem, _row_url("onboarding_outgoingmail", mail.pk))
            for mail in mails.order_by("-failed_at")[:SHOWN]
        ),
        url=reverse("admin:onboarding_outgoingmail_changelist"),
    )
