"""The action "Check again" on a selection of keys or stores."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from keyvault.audit import Actor
from keyvault.errors import VaultError
from keyvault.models import Credential
from lightspeed.result import Outcome
from onboarding.errors import OnboardingError
from onboarding.people.requests import person_of
from onboarding.people.selectors import actor_for
from onboarding.staff.bulk import (
    Preview,
    credentials_of,
    is_confirmed,
    key_columns,
    key_row,
    show_rows,
)
from onboarding.staff.outcome_words import outcome_words
from onboarding.submission.services import verify_credential

# Each may wait ten seconds for the vendor; more in one request would outlive a proxy's patience.
MOST_AT_ONCE = 10


@admin.action(description=_("Check again"), permissions=["check"])
def check_again(
    model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """Show the keys of the selection; once that is confirmed, check them and say what came out."""
    credentials = list(credentials_of(queryset))
    if not credentials:
        model_admin.message_user(
            request, _("There is no live key in the selection."), messages.WARNING
        )
        return None
    if not is_confirmed(request):
        preview = Preview(
            title=_("Check these keys again?"),
            label=_("Check these keys"),
            columns=key_columns(),
            rows=tuple(key_row(each) for each in credentials[:MOST_AT_ONCE]),
            left_out=max(len(credentials) - MOST_AT_ONCE, 0),
            most=MOST_AT_ONCE,
        )
        return show_rows(model_admin, request, preview)
    actor = actor_for(person_of(request))
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
    return level, outcome_words(verification.outcome)
