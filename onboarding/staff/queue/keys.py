"""Keys that do not work, and merchants who do not get further with theirs."""

from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from keyvault.models import Credential
from onboarding.models import Store, Submission, Verification
from onboarding.staff.outcome_words import outcome_words
from onboarding.staff.queue.pile import Pile, Task, list_url, pile_of, row_url

# A paste that waits this long is stuck.
STUCK_AFTER = timedelta(hours=1)
KEY, REFUSED = "keyvault_credential", "?state__exact=suspended"


def dead_apps() -> Pile | None:
    """Stores all of whose keys are refused: their app stands still."""
    stores = Store.objects.filter(Exists(_keys("suspended")), ~Exists(_keys("active")))
    return pile_of(
        stores.select_related("merchant").order_by("name", "pk"),
        title=lambda count: ngettext("%d app stands still", "%d apps stand still", count),
        consequence=_("Lightspeed refuses every key of these stores."),
        kind="danger",
        task=lambda row: Task(row.name, row.merchant.name, row_url("onboarding_store", row.pk)),
        url=list_url(KEY, REFUSED),
    )


def failing_keys() -> Pile | None:
    """Keys that are refused while others of their store still work."""
    working = Credential.objects.filter(keychain=OuterRef("keychain"), state="active")
    keys = Credential.objects.filter(Exists(working), state="suspended")
    return pile_of(
        _with_stores(keys).order_by(F("checked_at").asc(nulls_first=True), "pk"),
        title=lambda count: ngettext("%d key is refused", "%d keys are refused", count),
        consequence=_("The apps go on with fewer requests than they were planned for."),
        kind="warning",
        task=key_task,
        url=list_url(KEY, REFUSED),
    )


def lacking_keys() -> Pile | None:
    """Live keys whose last check found a permission missing."""
    last = Verification.objects.filter(credential=OuterRef("pk")).order_by("-at")
    keys = (
        Credential.objects.filter(state="active")
        .annotate(last_outcome=Subquery(last.values("outcome")[:1]))
        .filter(last_outcome="missing_permissions")
    )
    return pile_of(
        _with_stores(keys).order_by("checked_at", "pk"),
        title=lambda count: ngettext(
            "%d key lacks a permission", "%d keys lack a permission", count
        ),
        consequence=_("A part of the app fails: orders, customers or products."),
        kind="warning",
        task=key_task,
        url=list_url("onboarding_verification", "?outcome=missing_permissions"),
    )


def stuck_pastes(now: datetime) -> Pile | None:
    """Pastes that did not pass and that nobody has touched for a while."""
    last = Verification.objects.filter(submission=OuterRef("pk")).order_by("-at")
    pastes = Submission.objects.filter(
        state__in=Submission.OPEN_STATES, created_at__lt=now - STUCK_AFTER, expires_at__gt=now
    ).annotate(cause=Subquery(last.values("outcome")[:1]))
    return pile_of(
        pastes.select_related("store").order_by("created_at"),
        title=lambda count: ngettext("%d merchant is stuck", "%d merchants are stuck", count),
        consequence=_("They pasted a key and did not get further."),
        kind="info",
        task=lambda row: Task(
            row.store.name, _cause(row, now), row_url("onboarding_submission", row.pk)
        ),
        url=list_url("onboarding_submission"),
    )


def key_task(key: Credential) -> Task:
    """One key with its store; a decoy has none."""
    store = getattr(key.keychain, "store", None)
    return Task(str(key), store.name if store else "", row_url(KEY, key.pk))


def _keys(state: str) -> QuerySet[Credential]:
    return Credential.objects.filter(keychain=OuterRef("pk"), state=state)


def _with_stores(keys: QuerySet[Credential]) -> QuerySet[Credential]:
    return keys.select_related("keychain__store").defer("sealed")


def _cause(paste: Submission, now: datetime) -> str:
    found = getattr(paste, "cause", None)
    cause = outcome_words(found) if found else paste.get_state_display()
    return _("%(cause)s, for %(time)s") % {"cause": cause, "time": timesince(paste.created_at, now)}
