"""The merchant's hub: the list of stores, one store, and what happened there."""

import io
import tempfile
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from keyvault.audit.export import export_record
from onboarding.capacity.usage import limits_together
from onboarding.people.selectors import actor_for, store_for
from onboarding.stores import activity as record
from onboarding.stores import selectors
from onboarding.stores.charts import LOOKED_BACK, usage_chart
from onboarding.stores.pages import store_page
from onboarding.walkthrough.requests import SignedInRequest

STORES_ON_A_PAGE = 50
ALL_LINES = 200


@login_required
@require_safe
def store_list(request: SignedInRequest) -> HttpResponse:
    """All stores of the person; who has one goes straight to it."""
    page = selectors.page_of_stores(
        user=request.user, number=request.GET.get("page"), size=STORES_ON_A_PAGE
    )
    if page.paginator.count == 1:
        return redirect("store", store_id=page.object_list[0].pk)
    return render(request, "onboarding/stores/list.html", {"page": page})


@login_required
@require_safe
def store(request: SignedInRequest, store_id: UUID) -> HttpResponse:
    """Whether the app works, its keys, and what happened lately."""
    context = store_page(user=request.user, store_id=store_id)
    return render(request, "onboarding/stores/store.html", context)


@login_required
@require_safe
def usage_page(request: SignedInRequest, store_id: UUID) -> HttpResponse:
    """The requests of the last hours and days against the limits, as charts and tables."""
    found = store_for(user=request.user, store_id=store_id)
    limits = limits_together(store=found)
    drawn = [usage_chart(store=found, seconds=each, limits=limits) for each in LOOKED_BACK]
    return render(request, "onboarding/stores/usage.html", {"store": found, "charts": drawn})


@login_required
@require_POST
def download_record(request: SignedInRequest, store_id: UUID) -> FileResponse:
    """The store's part of the audit record with its proofs; verifies offline."""
    found = store_for(user=request.user, store_id=store_id)
    now = timezone.now()
    file = tempfile.TemporaryFile()  # noqa: SIM115  # the response closes it
    text = io.TextIOWrapper(file, encoding="utf-8", write_through=True)
    export_record(keychain_id=found.pk, file=text, now=now, actor=actor_for(request.user))
    text.detach()
    file.seek(0)
    name = f"latchkey-record-{timezone.localdate(now).isoformat()}.jsonl"
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/jsonl")


@login_required
@require_safe
def activity(request: SignedInRequest, store_id: UUID) -> HttpResponse:
    """The longer list of what happened."""
    found = store_for(user=request.user, store_id=store_id)
    lines = record.recent_activity(store=found, limit=ALL_LINES, viewer=request.user)
    return render(request, "onboarding/stores/activity.html", {"store": found, "activity": lines})
