"""What somebody wants to be told by mail, and the links in mails that stop it."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from onboarding.models import User
from onboarding.notices.bounces import forget_bounce, is_bounced
from onboarding.notices.preferences import (
    Choice,
    Topic,
    choices_of,
    save_choices,
    topics_of,
    unsubscribed_by,
)
from onboarding.people.requests import person_of


class NotificationsForm(forms.Form):
    """One question a topic that concerns the person."""

    def __init__(self, data: Mapping[str, Any] | None = None, *, user: User) -> None:
        chosen = choices_of(user)
        super().__init__(data, initial={topic.value: each for topic, each in chosen.items()})
        for topic, options in topics_of(user).items():
            self.fields[topic.value] = forms.ChoiceField(
                label=topic.label,
                choices=[(option.value, option.label) for option in options],
                widget=forms.RadioSelect,
                error_messages={"required": _("Choose one")},
            )

    def chosen(self) -> dict[Topic, Choice]:
        """What was chosen, by topic; the form is valid."""
        return {Topic(name): Choice(value) for name, value in self.cleaned_data.items()}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request: HttpRequest) -> HttpResponse:
    """Ask what the person wants to be told, and keep the answer."""
    user = person_of(request)
    form = NotificationsForm(request.POST if request.method == "POST" else None, user=user)
    if request.method == "POST" and form.is_valid():
        save_choices(user=user, choices=form.chosen())
        messages.success(request, _("Your choices are kept."))
        return redirect("notifications")
    context = {"form": form, "is_bounced": is_bounced(user.email)}
    return render(request, "onboarding/people/notifications.html", context)


@login_required
@require_POST
def try_again(request: HttpRequest) -> HttpResponse:
    """Let mails go again to the person's address, which bounced."""
    if forget_bounce(person_of(request).email):
        messages.success(request, _("We write to your address again."))
    return redirect("notifications")


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Stop one kind of mail: by the button, or by the mail program itself (RFC 8058).

    A mail program posts without cookies, so no session is asked for and none is used; the link
    itself says whose mails end, and it can do nothing else.
    """
    found = unsubscribed_by(token)
    if found is None:
        return render(
            request, "onboarding/people/unsubscribe.html", {"state": "unknown"}, status=404
        )
    user, topic = found
    # Who has left the staff gets none of its mails any more.
    if request.method == "POST" and topic in topics_of(user):
        save_choices(user=user, choices={topic: Choice.OFF})
    with translation.override(user.language):
        context = {"state": "done" if request.method == "POST" else "ask", "topic": topic.label}
        return render(request, "onboarding/people/unsubscribe.html", context)
