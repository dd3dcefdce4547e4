"""The merchant's hub: the list of stores, one store, and what happened there."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from onboarding.oauth.providers import open_providers
from onboarding.oauth.selectors import connections_of
from onboarding.people.selectors import store_for
from onboarding.stores import activity as record
from onboarding.stores import selectors
from onboarding.submission.selectors import open_submissions
from onboarding.walkthrough.back_office import DEFAULT_LANGUAGE, back_office_words
from onboarding.walkthrough.requests import SignedInRequest
from onboarding.walkthrough.selectors import open_walkthrough

STORES_ON_A_PAGE = 50
RECENT_LINES = 8
ALL_LINES = 200


@login_required
@require_safe
def store_list(request: SignedInRequest) -> HttpResponse:
    """All stores of the person; who has one goes straight to it."""
    stores = selectors.stores_with_counts(user=request.user)
    page = Paginator(stores, STORES_ON_A_PAGE).get_page(request.GET.get("page"))
    if page.paginator.count == 1:
        return redirect("store", store_id=page.object_list[0].pk)
    return render(request, "onboarding/stores/list.html", {"page": page})


@login_required
@require_safe
def store(request: SignedInRequest, store_id: UUID) -> HttpResponse:
    """Whether the app works, its keys, and what happened lately."""
    found = store_for(user=request.user, store_id=store_id)
    words = back_office_words(get_language() or DEFAULT_LANGUAGE)
    keys = selectors.key_lines(store=found, words=words)
    connections = connections_of(store=found, now=timezone.now())
    context = {
        "store": found,
        "keys": keys,
        "connections": connections,
        "providers": open_providers(),
        "answer": selectors.answer(store=found, keys=keys, connections=connections),
        "waiting": open_submissions(store=found),
        "walkthrough": open_walkthrough(store=found, user=request.user),
        "activity": record.recent_activity(store=found, limit=RECENT_LINES),
    }
    return render(request, "onboarding/stores/store.html", context)


@login_required
@require_safe
def activity(request: SignedInRequest, store_id: UUID) -> HttpResponse:
    """The longer list of what happened."""
    found = store_for(user=request.user, store_id=store_id)
    lines = record.recent_activity(store=found, limit=ALL_LINES)
    return render(request, "onboarding/stores/activity.html", {"store": found, "activity": lines})
