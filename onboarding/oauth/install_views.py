"""The partner app's addresses: the vendor sends a shop's owner here, signed."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from onboarding.errors import InstallRefusedError
from onboarding.models import AppInstall, Store
from onboarding.oauth.install_outcomes import REPEATABLE, WORDS, InstallOutcome
from onboarding.oauth.install_stores import (
    Candidates,
    candidates,
    finish_install,
    replaced_by_install,
    waiting_install,
)
from onboarding.oauth.installs import (
    give_up_install,
    take_cancel,
    take_install,
    take_uninstall,
)
from onboarding.oauth.providers import app_start_url
from onboarding.submission.selectors import result_rows
from onboarding.walkthrough.back_office import DEFAULT_LANGUAGE, back_office_words
from onboarding.walkthrough.closing import plan_that_closes
from onboarding.walkthrough.requests import SignedInRequest

SESSION_NAME = "app_install"
_STATUS = {
    InstallOutcome.FORGED: 400,
    InstallOutcome.TOO_OLD: 400,
    InstallOutcome.USED: 409,
    InstallOutcome.OVER: 409,
}


@never_cache
@require_GET
def arrive(request: HttpRequest) -> HttpResponse:
    """Take the vendor's call, and leave its address at once: a secret follows from it.

    By GET only: a HEAD of somebody who only looks must not use the call up.
    """
    try:
        install = take_install(request.GET.dict())
    except InstallRefusedError as error:
        if error.outcome == InstallOutcome.USED and request.session.get(SESSION_NAME):
            # The same browser, by Back or a second click: the page says how it stands.
            return redirect("oauth:install-arrived")
        return _over(request, InstallOutcome(error.outcome))
    request.session[SESSION_NAME] = str(install.pk)
    return redirect("oauth:install-arrived")


@never_cache
@require_safe
def arrived(request: HttpRequest) -> HttpResponse:
    """Whoever is not signed in learns why they must; a new merchant, whom to ask."""
    if request.user.is_authenticated:
        return redirect("oauth:install-check")
    try:
        install = waiting_install(install_id=request.session.get(SESSION_NAME, ""))
    except InstallRefusedError as error:
        return _over(request, InstallOutcome(error.outcome))
    return render(request, "onboarding/oauth/install_sign_in.html", {"install": install})


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def check(request: SignedInRequest) -> HttpResponse:
    """Which store it is for; then checked and stored, or why not."""
    try:
        install = waiting_install(install_id=request.session.get(SESSION_NAME, ""))
        found = candidates(user=request.user, install=install)
        if not found.stores:
            return _nowhere(request, install=install, found=found)
        if request.method == "POST":
            return _decide(request, install=install, found=found)
    except InstallRefusedError as error:
        return _over(request, InstallOutcome(error.outcome))
    return _confirm(request, install=install, found=found)


def _nowhere(request: SignedInRequest, *, install: AppInstall, found: Candidates) -> HttpResponse:
    reason = InstallOutcome.NO_STORE if found.is_without_stores else InstallOutcome.WRONG_SHOP
    give_up_install(install, outcome=reason)
    return _over(request, reason, install=install)


def _confirm(request: SignedInRequest, *, install: AppInstall, found: Candidates) -> HttpResponse:
    only = found.stores[0] if len(found.stores) == 1 else None
    context = {
        "install": install,
        "stores": found.stores,
        "only": only,
        "is_recognised": found.is_recognised,
        "replaces": replaced_by_install(install=install, store=only) if only else None,
    }
    return render(request, "onboarding/oauth/install.html", context)


def _decide(request: SignedInRequest, *, install: AppInstall, found: Candidates) -> HttpResponse:
    if "no" in request.POST:
        give_up_install(install)
        return _over(request, InstallOutcome.CANCELLED)
    chosen = request.POST.get("store", "")
    store = next((each for each in found.stores if str(each.pk) == chosen), None)
    if store is None:
        messages.error(request, _("Choose the store that this shop is."))
        return redirect("oauth:install-check")
    plan = plan_that_closes(store)
    if plan is not None:
        give_up_install(install, outcome=InstallOutcome.CLOSED)
        return _over(request, InstallOutcome.CLOSED)
    outcome = finish_install(install=install, store=store, user=request.user)
    if outcome is InstallOutcome.STORED:
        messages.success(
            request,
            _("Shop %(shop)s is connected. Your app uses it from now on.")
            % {"shop": install.shop_id},
        )
        return redirect("store", store_id=store.pk)
    if outcome in REPEATABLE:
        return _again(request, install=install, store=store, outcome=outcome)
    return _over(request, outcome, install=install)


def _again(
    request: SignedInRequest, *, install: AppInstall, store: Store, outcome: InstallOutcome
) -> HttpResponse:
    words = back_office_words(get_language() or DEFAULT_LANGUAGE)
    verification = install.verification
    rows = (
        result_rows(verification=verification, words=words)
        if verification is not None and verification.permissions
        else ()
    )
    context = {
        "install": install,
        "store": store,
        "words": WORDS[outcome],
        "rows": rows if outcome is InstallOutcome.MISSING else (),
    }
    return render(request, "onboarding/oauth/install_again.html", context)


@never_cache
@require_GET
def uninstalled(request: HttpRequest) -> HttpResponse:
    """The shop took the app out: destroy what it had given."""
    try:
        take_uninstall(request.GET.dict())
    except InstallRefusedError as error:
        return _over(request, InstallOutcome(error.outcome))
    return _over(request, InstallOutcome.UNINSTALLED)


@never_cache
@require_safe
def cancelled(request: HttpRequest) -> HttpResponse:
    """The shop did not go through with it."""
    try:
        take_cancel(request.GET.dict())
    except InstallRefusedError as error:
        return _over(request, InstallOutcome(error.outcome))
    return _over(request, InstallOutcome.CANCELLED)


def _over(
    request: HttpRequest, outcome: InstallOutcome, *, install: AppInstall | None = None
) -> HttpResponse:
    words = WORDS[outcome]
    context = {
        "words": words,
        "install": install,
        "start_url": app_start_url() if words.is_repeatable else "",
    }
    status = _STATUS.get(outcome, 200)
    return render(request, "onboarding/oauth/install_over.html", context, status=status)
