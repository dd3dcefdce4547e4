"""Which key signs a backend's requests."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from keyvault.leases.signing import SigningKeyError, set_signing_key, usable_signing_key
from keyvault.models import Backend
from onboarding.people.fresh import fresh_only
from onboarding.people.requests import person_of
from onboarding.people.selectors import actor_for
from onboarding.staff.pages import show, staff_page


class SigningKeyField(forms.CharField):
    """The public half of an Ed25519 key pair, in base64; empty: none."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"maxlength": None, "class": "mono", "autocomplete": "off", "spellcheck": "false"}
        widget = forms.TextInput(attrs=attrs)
        super().__init__(required=False, max_length=100, widget=widget, **kwargs)

    def clean(self, value: object) -> bytes | None:
        """Give the key as bytes."""
        text: str = super().clean(value)
        try:
            return usable_signing_key(text) if text else None
        except SigningKeyError:
            message = _("Enter the base64 of a public Ed25519 key: 44 characters")
            raise forms.ValidationError(message) from None


class SigningKeyForm(forms.Form):
    """A public key, or none."""

    key = SigningKeyField(
        label=gettext_lazy("Public key"),
        help_text=gettext_lazy(
            "Ed25519, base64 of 32 bytes. Requests without its signature are refused from the next "
            "second on. Empty: they need no signature."
        ),
    )


@staff_page("keyvault.add_backend")
@fresh_only
@require_http_methods(["GET", "HEAD", "POST"])
def signing_key(request: HttpRequest, backend_id: UUID) -> HttpResponse:
    """Say which key signs a backend's requests, or that none does."""
    backend = get_object_or_404(Backend, pk=backend_id)
    form = SigningKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        key = form.cleaned_data["key"]
        set_signing_key(backend_id=backend.pk, key=key, actor=actor_for(person_of(request)))
        text = _("%s signs its requests from now on.") if key else _("%s signs no more.")
        messages.success(request, text % backend.name)
        return redirect("admin:keyvault_backend_change", backend.pk)
    title = _("The signing key of %s") % backend.name
    context = {"form": form, "backend": backend, "submit": _("Save")}
    return show(request, template="signing_key.html", title=title, context=context)
