"""The merchant's pages: connect, the way back, check answers, disconnect."""

import secrets
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

from csp.decorators import csp_update
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from keyvault.errors import DuplicateCredentialError, RefreshFailedError, StateError
from keyvault.models import Grant
from lightspeed.oauth.provider import Provider
from onboarding.errors import ConsentOverError, ProviderClosedError
from onboarding.models import Consent, Store
from onboarding.oauth import selectors, services
from onboarding.oauth.callback import take_callback
from onboarding.oauth.ending import give_up
from onboarding.oauth.outcomes import WORDS, Outcome
from onboarding.oauth.providers import open_providers, provider_named
from onboarding.people.selectors import store_for
from onboarding.walkthrough.requests import SignedInRequest

SESSION_NAME = "oauth_session"
SESSION_BYTES = 32


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def connect(request: SignedInRequest, store_id: UUID, provider: str) -> HttpResponse:
    """Say what will be asked, then go to the vendor."""
    store = store_for(user=request.user, store_id=store_id)
    chosen = provider_named(provider)
    if request.method == "POST":
        services.note_platform(store=store, platform=request.POST.get("platform", ""))
        try:
            return _to_vendor(request, store=store, provider=chosen)
        except ProviderClosedError:
            messages.error(request, _("This vendor cannot be connected yet."))
    services.note_opened(store=store)
    is_open = any(each.name == chosen.name for each in open_providers())
    context = {
        "store": store,
        "provider": chosen,
        "scopes": selectors.scope_rows(provider=chosen, granted=""),
        "is_open": is_open,
        "platforms": Store.Platform.choices,
        "replaces": selectors.replaced_by(store=store, provider=chosen),
    }
    return _with_way_out(request, provider=chosen, template="connect", context=context)


def _to_vendor(request: SignedInRequest, *, store: Store, provider: Provider) -> HttpResponse:
    url = services.start_consent(
        store=store,
        user=request.user,
        provider_name=provider.name,
        session=_session_secret(request),
        redirect_uri=request.build_absolute_uri(reverse("oauth:callback", args=[provider.name])),
    )
    return HttpResponseRedirect(url)


def _with_way_out(
    request: SignedInRequest, *, provider: Provider, template: str, context: dict[str, Any]
) -> HttpResponse:
    """A page whose form may end at the vendor: browsers hold redirects to `form-action` too."""
    parts = urlsplit(provider.authorize_url)

    def page(inner: HttpRequest) -> HttpResponse:
        return render(inner, f"onboarding/oauth/{template}.html", context)

    answer = csp_update({"form-action": [f"{parts.scheme}://{parts.netloc}"]})(page)(request)
    return cast("HttpResponse", answer)


@login_required
@never_cache
@require_safe
def callback(request: SignedInRequest, provider: str) -> HttpResponse:
    """Take the vendor's answer, and leave its address at once: it holds a code."""
    chosen = provider_named(provider)
    try:
        consent = take_callback(
            provider_name=chosen.name,
            parameters=request.GET.dict(),
            user=request.user,
            session=_session_secret(request),
        )
    except ConsentOverError:
        return render(request, "onboarding/oauth/over.html", {"provider": chosen}, status=409)
    return redirect("oauth:consent", store_id=consent.store_id, consent_id=consent.pk)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def consent(request: SignedInRequest, store_id: UUID, consent_id: UUID) -> HttpResponse:
    """What came of it: check answers and connect, or why not."""
    store = store_for(user=request.user, store_id=store_id)
    found = selectors.consent_for(user=request.user, store=store, consent_id=consent_id)
    if request.method == "POST":
        return _decide(request, consent=found)
    if found.state == Consent.State.STORED:
        return redirect("store", store_id=store.pk)
    provider = provider_named(found.provider)
    rows = selectors.scope_rows(provider=provider, granted=found.scopes) if found.account else []
    context = {
        "store": store,
        "consent": found,
        "provider": provider,
        "rows": rows,
        "words": WORDS.get(found.outcome),
        "replaces": selectors.replaced_by(store=store, provider=provider),
    }
    if found.state == Consent.State.WAITING:
        return render(request, "onboarding/oauth/check.html", context)
    return _with_way_out(request, provider=provider, template="failed", context=context)


def _decide(request: SignedInRequest, *, consent: Consent) -> HttpResponse:
    if "no" in request.POST:
        give_up(consent=consent)
        return redirect("oauth:consent", store_id=consent.store_id, consent_id=consent.pk)
    try:
        services.store_consent(consent=consent)
    except ConsentOverError:
        consent.refresh_from_db()
        if consent.state != Consent.State.STORED:
            give_up(consent=consent, outcome=Outcome.TOO_LATE)
            return redirect("oauth:consent", store_id=consent.store_id, consent_id=consent.pk)
    except DuplicateCredentialError:
        give_up(consent=consent, outcome=Outcome.IN_USE)
        return redirect("oauth:consent", store_id=consent.store_id, consent_id=consent.pk)
    else:
        text = _("%(account)s is connected. Your app uses it from now on.")
        messages.success(request, text % {"account": consent.account_name or consent.account})
    return redirect("store", store_id=consent.store_id)


@login_required
@require_http_methods(["GET", "POST"])
def disconnect(request: SignedInRequest, store_id: UUID, credential_id: UUID) -> HttpResponse:
    """End a connection, here and at the vendor."""
    store = store_for(user=request.user, store_id=store_id)
    connections = selectors.connections_of(store=store, now=timezone.now())
    found = next((each for each in connections if each.grant.pk == credential_id), None)
    if request.method == "POST":
        try:
            services.disconnect(store=store, credential_id=credential_id, user=request.user)
        except (RefreshFailedError, StateError):
            text = _("Lightspeed did not confirm it. Nothing changed; please try again.")
            messages.error(request, text)
        else:
            messages.success(request, _("Disconnected. The tokens are deleted here as well."))
            return redirect("store", store_id=store.pk)
    if found is None or found.grant.state == Grant.State.ENDED:
        return redirect("store", store_id=store.pk)
    context = {"store": store, "connection": found, "is_last": len(connections) == 1}
    return render(request, "onboarding/oauth/disconnect.html", context)


def _session_secret(request: SignedInRequest) -> str:
    """A secret of this session; it changes when somebody signs in, as the session does."""
    if SESSION_NAME not in request.session:
        request.session[SESSION_NAME] = secrets.token_urlsafe(SESSION_BYTES)
    found: str = request.session[SESSION_NAME]
    return found
