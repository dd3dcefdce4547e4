"""The action "Check again" on a selection of keys or stores."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from keyvault.audit import Actor
from keyvault.errors import VaultError
from keyvault.models import Credential
from lightspeed.result import Outcome
from onboarding.errors import OnboardingError
from onboarding.models import User
from onboarding.people.selectors import actor_for
from onboarding.submission.services import verify_credential

# Each may wait ten seconds for the vendor; more in one request would outlive a proxy's patience.
MOST_AT_ONCE = 10


@admin.action(description=_("Check again"), permissions=["check"])
def check_again(
    model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """Show the keys of the selection; once that is confirmed, check them and say what came out."""
    credentials = _live_credentials(queryset)
    if not credentials:
        model_admin.message_user(
            request, _("There is no live key in the selection."), messages.WARNING
        )
        return None
    if "confirmed" not in request.POST:
        return TemplateResponse(
            request,
            "onboarding/staff/check_again.html",
            {
                **model_admin.admin_site.each_context(request),
                "title": _("Check these keys again?"),
                "credentials": credentials[:MOST_AT_ONCE],
                "left_out": max(len(credentials) - MOST_AT_ONCE, 0),
                "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
                "checkbox_name": ACTION_CHECKBOX_NAME,
                "list_url": request.path,
            },
        )
    actor = actor_for(cast("User", request.user))
    for credential in credentials[:MOST_AT_ONCE]:
        level, outcome = _checked(credential, actor=actor)
        text = _("%(key)s: %(outcome)s") % {"key": credential, "outcome": outcome}
        model_admin.message_user(request, text, level)
    return None


def _checked(credential: Credential, *, actor: Actor) -> tuple[int, str]:
    """Check one key; its failure must not keep the others from their check."""
    try:
        verification = verify_credential(credential=credential, actor=actor)
    except (OnboardingError, VaultError) as error:
        return messages.ERROR, str(error)
    has_passed = verification.outcome == Outcome.PASSED
    level = messages.SUCCESS if has_passed else messages.WARNING
    return level, verification.outcome.replace("_", " ")


def _live_credentials(queryset: QuerySet[Any]) -> list[Credential]:
    live = Credential.objects.filter(state__in=Credential.LIVE_STATES)
    if queryset.model is Credential:
        live = live.filter(pk__in=queryset.values("pk"))
    else:
        live = live.filter(keychain__in=queryset.values("pk"))
    return list(live.select_related("keychain__store").order_by("keychain", "created_at", "pk"))
