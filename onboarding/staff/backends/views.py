"""Registering backends, switching them off, making, deciding on and revoking their tokens."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from keyvault.errors import StateError
from keyvault.leases import NewToken
from keyvault.models import Backend, BackendToken
from onboarding.capacity.forms import new_form_id
from onboarding.errors import SameNameError
from onboarding.models import User
from onboarding.people.fresh import fresh_only
from onboarding.people.requests import person_of
from onboarding.staff.backends import services
from onboarding.staff.backends.errors import OwnTokenError, TokenClosedError
from onboarding.staff.backends.forms import THESE, BackendForm, TokenForm
from onboarding.staff.backends.selectors import backend_view, line_of, may_speak_for, tokens
from onboarding.staff.pages import show, staff_page
from onboarding.staff.team.selectors import security_people

PERMISSION = "keyvault.add_backend"
BACKEND_ROW = "admin:keyvault_backend_change"


@staff_page(PERMISSION)
@fresh_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Register a backend, and show its first token once."""
    form = BackendForm(request.POST or None, initial=new_form_id())
    if request.method == "POST" and form.is_valid():
        try:
            made = services.ask_for_backend(asked=_asked(form), user=person_of(request))
        except SameNameError:
            form.add_error("name", _("There is a backend of this name already"))
        else:
            return _shown(request, made)
    return _form(request, form=form, title=_("Register a backend"))


@staff_page(PERMISSION)
@fresh_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def make(request: HttpRequest, backend_id: UUID) -> HttpResponse:
    """Make a further token of a backend, and show it once."""
    backend = get_object_or_404(Backend, pk=backend_id)
    form = TokenForm(request.POST or None, initial=new_form_id())
    if request.method == "POST" and form.is_valid():
        try:
            made = services.ask_for_token(
                backend=backend,
                scopes=form.chosen_scopes(),
                days=form.cleaned_data["days"],
                form_id=form.cleaned_data["form_id"],
                user=person_of(request),
            )
        except StateError:
            text = _("This form has made its token already. If you do not have it, revoke it.")
            messages.warning(request, text)
            return redirect(BACKEND_ROW, backend.pk)
        return _shown(request, made)
    title = _("A further token for %s") % backend.name
    return _form(request, form=form, title=title, backend=backend)


@staff_page(PERMISSION)
@fresh_only
@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: HttpRequest, token_id: int) -> HttpResponse:
    """Speak for a token that another person has asked for, or turn it down."""
    token = get_object_or_404(tokens(), pk=token_id)
    if request.method == "POST":
        return _decided(request, token)
    reader, now = person_of(request), timezone.now()
    line = line_of(token, reader=reader, now=now)
    context = {
        "line": line,
        "may_decide": line.may_decide and may_speak_for(token, user=reader),
        "shown": backend_view(backend=token.backend, reader=reader, now=now),
    }
    title = _("A token of %s") % token.backend.name
    return show(request, template="backends/decide.html", title=title, context=context)


@staff_page(PERMISSION)
@fresh_only
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """Show what ends with a token; once that is confirmed, end it."""
    token = get_object_or_404(tokens(), pk=token_id)
    if request.method == "POST":
        return _ended(request, token, said=_("Revoked. It is refused from now on."))
    now = timezone.now()
    live = tokens().filter(backend=token.backend_id, revoked_at=None, expires_at__gt=now)
    context = {
        "line": line_of(token, reader=person_of(request), now=now),
        "is_last": not live.exclude(pk=token.pk).exists(),
    }
    title = _("Revoke %s?") % token
    return show(request, template="backends/revoke.html", title=title, context=context)


@staff_page(PERMISSION)
@fresh_only
@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: HttpRequest, backend_id: UUID) -> HttpResponse:
    """Show what stands still while a backend is off; once that is confirmed, switch it."""
    backend = get_object_or_404(Backend, pk=backend_id)
    wanted = request.POST.get("to")
    if wanted in {"on", "off"}:
        return _switched(request, backend, is_active=wanted == "on")
    title = _("Switch %s off?") if backend.is_active else _("Switch %s on again?")
    context = {"backend": backend}
    return show(
        request, template="backends/switch.html", title=title % backend.name, context=context
    )


def _asked(form: BackendForm) -> services.NewBackend:
    found = form.cleaned_data
    return services.NewBackend(
        name=found["name"],
        scopes=form.chosen_scopes(),
        stores=found["stores"] if found["which"] == THESE else None,
        days=found["days"],
        networks=found["networks"],
        public_key=found["public_key"],
        signing_key=found["signing_key"],
    )


def _form(
    request: HttpRequest, *, form: TokenForm, title: str, backend: Backend | None = None
) -> HttpResponse:
    context = {
        "form": form,
        "backend": backend,
        "submit": _("Make the token"),
        "is_alone": not _others(person_of(request)),
    }
    response = show(request, template="backends/form.html", title=title, context=context)
    response.status_code = 422 if form.errors else 200
    return response


def _others(user: User) -> bool:
    return security_people().exclude(pk=user.pk).exists()


def _shown(request: HttpRequest, made: NewToken) -> HttpResponse:
    """The one answer that holds the token; it is kept nowhere."""
    backend = Backend.objects.get(pk=made.backend_id)
    context = {"made": made, "backend": backend}
    title = _("The new token of %s") % backend.name
    return show(request, template="backends/made.html", title=title, context=context)


def _decided(request: HttpRequest, token: BackendToken) -> HttpResponse:
    if request.POST.get("do") != "approve":
        if token.waiting_days is None:
            messages.warning(request, _("Too late: this token waits no more. Nothing was changed."))
            return redirect(BACKEND_ROW, token.backend_id)
        return _ended(request, token, said=_("Turned down. Whoever asked has a mail."))
    try:
        services.approve(token=token, user=person_of(request))
    except OwnTokenError:
        text = _(
            "You cannot decide here: you asked yourself, or this week one of you gave the other "
            "the role, or the same person gave it to both."
        )
        messages.error(request, text)
    except TokenClosedError:
        messages.warning(request, _("Too late: this token waits no more. Nothing was changed."))
    else:
        messages.success(request, _("It works from now on. Whoever asked has a mail."))
    return redirect(BACKEND_ROW, token.backend_id)


def _switched(request: HttpRequest, backend: Backend, *, is_active: bool) -> HttpResponse:
    try:
        services.switch(backend=backend, is_active=is_active, user=person_of(request))
    except StateError:
        messages.warning(request, _("It was so before. Nothing was changed."))
    else:
        said = (
            _("On again. Its tokens work, and what waited is sent.")
            if is_active
            else _("Off. All its tokens are refused from now on.")
        )
        messages.success(request, said)
    return redirect(BACKEND_ROW, backend.pk)


def _ended(request: HttpRequest, token: BackendToken, *, said: str) -> HttpResponse:
    try:
        services.end(token=token, user=person_of(request))
    except StateError:
        messages.warning(request, _("It was revoked before. Nothing was changed."))
    else:
        messages.success(request, said)
    return redirect(BACKEND_ROW, token.backend_id)
