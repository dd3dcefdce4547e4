"""The page of all reports, and each as a file."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from keyvault.audit import Action, record
from onboarding.people.requests import person_of
from onboarding.people.selectors import actor_for
from onboarding.staff.pages import show, staff_page
from onboarding.staff.reports.files import as_csv
from onboarding.staff.reports.keys import headroom, keys_by_state
from onboarding.staff.reports.values import Report
from onboarding.staff.reports.walks import causes, funnel, time_to_first_key

PERMISSION = "keyvault.view_credential"
DAYS = (7, 30, 90)
USUAL_DAYS = 30
REPORTS: dict[str, Callable[[datetime, datetime], Report]] = {
    "funnel": lambda since, now: funnel(since=since, now=now),
    "causes": lambda since, _now: causes(since=since),
    "first-key": lambda since, _now: time_to_first_key(since=since),
    "keys": lambda _since, _now: keys_by_state(),
    "headroom": lambda since, _now: headroom(since=since),
}


@staff_page(PERMISSION)
@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """All reports of the last days."""
    now, days = timezone.now(), _days(request)
    since = now - timedelta(days=days)
    context = {
        "reports": [make(since, now) for make in REPORTS.values()],
        "days": days,
        "choices": DAYS,
    }
    return show(request, template="reports/reports.html", title=_("Reports"), context=context)


@staff_page(PERMISSION)
@require_safe
def report_file(request: HttpRequest, name: str) -> HttpResponse:
    """One report as a file; that somebody took it away is on record."""
    if name not in REPORTS:
        raise Http404
    now, days = timezone.now(), _days(request)
    text = as_csv(REPORTS[name](now - timedelta(days=days), now))
    record(
        action=Action.REPORT_EXPORTED,
        actor=actor_for(person_of(request)),
        subject=f"report:{name}",
        facts={"days": days},
    )
    file_name = f"latchkey-{name}-{timezone.localdate(now).isoformat()}.csv"
    return HttpResponse(
        text,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )


def _days(request: HttpRequest) -> int:
    chosen = request.GET.get("days", "")
    return next((days for days in DAYS if str(days) == chosen), USUAL_DAYS)
