"""Where one lands, help, and the account's own page."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.i18n import set_language

from onboarding.models import User
from onboarding.people.requests import person_of
from onboarding.people.selectors import merchants_for, stores_for
from onboarding.people.sessions import end_other_sessions, sessions_of
from onboarding.people.timeouts import note_presence, seconds_left

# One row more than one is enough to know that there are several.
SEVERAL = 2


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Send everybody to the page that they came for."""
    user: User | AnonymousUser = request.user
    if not isinstance(user, User):
        return redirect("account_login")
    stores = stores_for(user).values_list("pk", flat=True)[:SEVERAL]
    if len(stores) == 1:
        return redirect("store", store_id=stores[0])
    if user.is_staff and not stores:
        return redirect("admin:index")
    return redirect("stores")


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """Show how to reach somebody, and the answers to what is asked most."""
    return render(request, "onboarding/people/help.html")


@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show the person's own account."""
    user = person_of(request)
    return render(request, "onboarding/people/account.html", {"merchants": merchants_for(user)})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def sessions(request: HttpRequest) -> HttpResponse:
    """Show where the person is signed in; end the others when asked."""
    user = person_of(request)
    key = request.session.session_key
    if request.method == "POST":
        ended = end_other_sessions(user=user, session_key=key)
        text = ngettext("%d browser is signed out.", "%d browsers are signed out.", ended) % ended
        messages.success(request, text)
        return redirect("usersessions_list")
    found = sessions_of(user=user, session_key=key)
    return render(request, "onboarding/people/sessions.html", {"sessions": found})


@require_POST
def switch_language(request: HttpRequest) -> HttpResponseBase:
    """Switch the language of this browser, and remember it for who is signed in."""
    code = request.POST.get("language", "")
    if isinstance(request.user, User) and code in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=code)
    return set_language(request)


@login_required
@require_POST
def stay(request: HttpRequest) -> HttpResponse:
    """Let the session go on; the request itself did that, by being one."""
    note_presence(request)
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"seconds": seconds_left(request, now=timezone.now().timestamp())})
    return redirect("home")
