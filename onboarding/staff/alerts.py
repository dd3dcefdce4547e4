"""Alerts in the hands of staff: marking them as handled, and the mail when one is new."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from keyvault.errors import StateError
from keyvault.models import Alert
from keyvault.vault import handle_alert
from onboarding.capacity.forms import WordsField
from onboarding.models import User
from onboarding.notices.letters import Letter, absolute_url, send_letter
from onboarding.notices.preferences import Topic, staff_readers, unsubscribe_url
from onboarding.people.fresh import fresh_only
from onboarding.people.requests import person_of
from onboarding.people.selectors import actor_for
from onboarding.staff.pages import show, staff_page

MOST_AT_ONCE = 200
# What a 64-bit column can hold for sure.
MOST_DIGITS = 18
OPEN_ALERTS = "?handled_at__isempty=1"


class HandledForm(forms.Form):
    """What was found and done."""

    note = WordsField(
        label=gettext_lazy("What was found and done"),
        help_text=gettext_lazy("For your colleagues. Never a key or another secret."),
        most=500,
    )


@admin.action(description=gettext_lazy("Mark as handled"), permissions=["handle"])
def mark_as_handled(
    model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, queryset: QuerySet[Alert]
) -> HttpResponse | None:
    """Ask what was done about the chosen alerts."""
    chosen = queryset.filter(handled_at=None).values_list("pk", flat=True)[:MOST_AT_ONCE]
    if not chosen:
        text = _("Everything in the selection is handled already.")
        model_admin.message_user(request, text, messages.WARNING)
        return None
    query = QueryDict(mutable=True)
    query.setlist("alert", [str(pk) for pk in chosen])
    return redirect(f"{reverse('staff-alerts-handle')}?{query.urlencode()}")


@staff_page("keyvault.change_alert")
@fresh_only
@require_http_methods(["GET", "HEAD", "POST"])
def handle(request: HttpRequest) -> HttpResponse:
    """Show the alerts of the address, and mark them as handled once a note is written."""
    given = request.GET.getlist("alert")[:MOST_AT_ONCE]
    asked = [int(pk) for pk in given if pk.isdecimal() and len(pk) <= MOST_DIGITS]
    alerts = Alert.objects.filter(pk__in=asked, handled_at=None).order_by("-at", "-pk")
    form = HandledForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        _mark(request, alerts=list(alerts), note=form.cleaned_data["note"])
        return redirect(reverse("admin:keyvault_alert_changelist") + OPEN_ALERTS)
    context = {
        "form": form,
        "alerts": alerts,
        "list_url": reverse("admin:keyvault_alert_changelist"),
    }
    return show(request, template="alerts.html", title=_("Mark as handled"), context=context)


def _mark(request: HttpRequest, *, alerts: list[Alert], note: str) -> None:
    actor, done = actor_for(person_of(request)), 0
    for alert in alerts:
        try:
            handle_alert(alert_id=alert.pk, note=note, actor=actor)
            done += 1
        except StateError:
            text = _("%s was handled by somebody else meanwhile.") % alert
            messages.warning(request, text)
    text = ngettext("%d alert is handled.", "%d alerts are handled.", done) % done
    messages.success(request, text)


def tell_staff(alert_id: int) -> None:
    """Writes to all of staff who may see alerts and want to be told, at once.

    Called by the vault after the commit, once an hour for each kind at the most.

    Args:
        alert_id: the alert.
    """
    alert = Alert.objects.get(pk=alert_id)
    for reader in staff_readers(Topic.ALERTS):
        if reader.has_perm("keyvault.view_alert"):
            with translation.override(reader.language):
                letter = alert_letter(alert, reader=reader)
            send_letter(letter, to=reader.email, language=reader.language)


def alert_letter(alert: Alert, *, reader: User) -> Letter:
    """The letter about one alert, in the language that is active."""
    what = alert.get_kind_display()
    return Letter(
        subject=_("Look at this now: %s") % what,
        paragraphs=(
            _("A tripwire fired: %(what)s. It concerns %(subject)s.")
            % {"what": what, "subject": alert.subject},
            _(
                "More of this kind is not mailed within an hour, but stands on the list. Find out "
                "what happened, then mark it as handled."
            ),
        ),
        action_label=_("Open the alert"),
        action_url=absolute_url(reverse("admin:keyvault_alert_change", args=[alert.pk])),
        unsubscribe_url=unsubscribe_url(user=reader, topic=Topic.ALERTS),
    )
