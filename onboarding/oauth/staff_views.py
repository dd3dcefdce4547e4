"""Staff: the operator's registrations, and the import of legacy keys."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe
from pydantic import SecretStr

from keyvault.models import Grant
from onboarding.models import ProviderClient
from onboarding.oauth.access import for_staff
from onboarding.oauth.forms import ClientForm, LegacyKeysForm
from onboarding.oauth.legacy import FileError, Result, import_keys
from onboarding.oauth.providers import register_client
from onboarding.oauth.registrations import registration_of, registrations
from onboarding.people.fresh import fresh_only
from onboarding.walkthrough.requests import SignedInRequest

MOST_AILING = 200


@for_staff("onboarding.view_providerclient")
@require_safe
def providers(request: SignedInRequest) -> HttpResponse:
    """Every provider, and whether merchants may connect."""
    rows = ProviderClient.objects.in_bulk()
    lines = [(each, rows.get(each.name)) for each in registrations()]
    ailing = Grant.objects.exclude(state=Grant.State.ENDED).exclude(problem="")
    context = {"lines": lines, "ailing": ailing.select_related("credential")[:MOST_AILING]}
    return render(request, "onboarding/oauth/providers.html", context)


@for_staff("onboarding.change_providerclient")
@fresh_only
@never_cache
@sensitive_post_parameters("secret")
@require_http_methods(["GET", "POST"])
def provider(request: SignedInRequest, provider: str) -> HttpResponse:
    """Enter what the vendor gave the operator."""
    chosen = registration_of(provider, absolute=request.build_absolute_uri)
    row = ProviderClient.objects.filter(provider=chosen.name).first()
    initial = {"is_open": True}
    if row is not None:
        initial = {name: getattr(row, name) for name in ("client_id", "is_open", "start_url")}
    form = ClientForm(
        request.POST or None, initial=initial, has_secret=row is not None, is_app=chosen.is_app
    )
    if request.method == "POST" and form.is_valid():
        secret = form.cleaned_data["secret"]
        register_client(
            provider=chosen.name,
            client_id=form.cleaned_data["client_id"],
            secret=SecretStr(secret) if secret else None,
            is_open=form.cleaned_data["is_open"],
            start_url=form.cleaned_data.get("start_url", ""),
            user=request.user,
        )
        messages.success(request, _("Saved. The secret is sealed."))
        return redirect("oauth:providers")
    context = {"form": form, "provider": chosen, "row": row}
    return render(
        request, "onboarding/oauth/provider.html", context, status=422 if form.errors else 200
    )


@for_staff("keyvault.add_credential")
@sensitive_post_parameters("file", "pasted")
@require_http_methods(["GET", "POST"])
def legacy_keys(request: SignedInRequest) -> HttpResponse:
    """Bring in R-Series keys, pasted or from a file; each is checked with the vendor first."""
    is_sent = request.method == "POST"
    form = LegacyKeysForm(request.POST if is_sent else None, request.FILES if is_sent else None)
    rows = None
    if request.method == "POST" and form.is_valid():
        try:
            rows = import_keys(text=form.table, user=request.user)
        except FileError:
            form.add_error("file", _("The first line must name the columns store and key."))
    context = {
        "form": form,
        "rows": rows,
        "stored": sum(row.result == Result.STORED for row in rows or ()),
    }
    return render(
        request, "onboarding/oauth/legacy_keys.html", context, status=422 if form.errors else 200
    )
