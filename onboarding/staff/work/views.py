"""The page of due work."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from onboarding.people.requests import person_of
from onboarding.staff.pages import show, staff_page
from onboarding.staff.work.selectors import duty_lines, work_kinds
from onboarding.staff.work.services import try_again


@staff_page("keyvault.view_dutyrun")
@require_safe
def work(request: HttpRequest) -> HttpResponse:
    """What waits, what fails, and whether workers are there."""
    now = timezone.now()
    duties = duty_lines(now=now)
    context = {
        "kinds": work_kinds(now=now),
        "duties": duties,
        "is_nobody_there": all(each.is_late for each in duties),
        "now": now,
    }
    return show(request, template="work/work.html", title=_("Due work"), context=context)


@staff_page("keyvault.change_dutyrun")
@require_POST
def retry(request: HttpRequest) -> HttpResponse:
    """Try what failed again now."""
    kind = request.POST.get("kind", "")
    moved = try_again(kind=kind, user=person_of(request), now=timezone.now())
    if moved:
        text = ngettext("%d is tried again now.", "%d are tried again now.", moved) % moved
        messages.success(request, text)
    else:
        messages.info(request, _("Nothing waits for another try any more."))
    return redirect("staff-work")
