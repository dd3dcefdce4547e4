"""The waiting line as merchants see it; nobody needs an account to wait."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from onboarding.migration.forms import JoinForm
from onboarding.migration.selectors import place_in_line
from onboarding.migration.waiting import Details, join_line, leave_line, waiting_of
from onboarding.models import WaitingMerchant
from onboarding.oauth.providers import provider_named


@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, provider: str) -> HttpResponse:
    """Leave one's details."""
    chosen = provider_named(provider)
    form = JoinForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        facts = form.cleaned_data
        join_line(
            provider=chosen.name,
            details=Details(
                company=facts["company"],
                email=facts["email"],
                platform=facts["platform"],
                language=get_language() or "en",
            ),
        )
        return render(request, "onboarding/migration/joined.html", {"provider": chosen})
    status = 422 if form.errors else 200
    context = {"form": form, "provider": chosen}
    return render(request, "onboarding/migration/join.html", context, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
def place(request: HttpRequest, token: str) -> HttpResponse:
    """One's place in the line, by the link of the mail."""
    waiting = waiting_of(token)
    if request.method == "POST":
        leave_line(waiting)
        return redirect("migration:place", token=token)
    is_waiting = waiting.state == WaitingMerchant.State.WAITING
    context = {
        "waiting": waiting,
        "provider": provider_named(waiting.provider),
        "place": place_in_line(waiting) if is_waiting else None,
    }
    return render(request, "onboarding/migration/place.html", context)
