"""The merchant's hub: the list of stores, one store, and what happened there."""

import io
import tempfile
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from keyvault.audit.export import export_record
from onboarding.capacity.planner import HOUR
from onboarding.capacity.usage import limits_together
from onboarding.migration.selectors import banner_among
from onboarding.models import Store
from onboarding.oauth.providers import open_providers_beside
from onboarding.oauth.selectors import connections_among, unconnected
from onboarding.people.selectors import actor_for, store_for
from onboarding.stores import activity as record
from onboarding.stores import selectors
from onboarding.stores.charts import LOOKED_BACK, Chart, usage_chart
from onboarding.submission.selectors import open_submissions
from onboarding.walkthrough.back_office import DEFAULT_LANGUAGE, back_office_words
from onboarding.walkthrough.requests import SignedInRequest

STORES_ON_A_PAGE = 50
RECENT_LINES = 8
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
    found = selectors.store_for_its_page(user=request.user, store_id=store_id)
    words = back_office_words(get_language() or DEFAULT_LANGUAGE)
    credentials = selectors.live_credentials(store=found)
    keys = selectors.key_lines(credentials=credentials, words=words)
    connections = connections_among(credentials, now=timezone.now())
    waiting = list(open_submissions(store=found))
    context = {
        "store": found,
        "keys": keys,
        "connections": connections,
        "banner": banner_among(credentials),
        "providers": unconnected(open_providers_beside(found), connections),
        "answer": selectors.answer(keys=keys, connections=connections, waiting=waiting),
        "waiting": waiting,
        "chart": _chart_of(found, keys),
        "activity": record.recent_activity(
            store=found, limit=RECENT_LINES, viewer=request.user, keys=keys
        ),
    }
    return render(request, "onboarding/stores/store.html", context)


def _chart_of(store: Store, keys: list[selectors.KeyLine]) -> Chart | None:
    """The last day's chart, once a backend has used a key."""
    if not any(line.last_used_at for line in keys):
        return None
    return usage_chart(store=store, seconds=HOUR, limits=selectors.limits_of(keys))


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
