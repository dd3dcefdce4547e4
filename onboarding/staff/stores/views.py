"""A store as its merchant sees it, and the notes on it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from onboarding.models import Store
from onboarding.people.requests import person_of
from onboarding.staff.pages import show, staff_page
from onboarding.staff.stores.forms import NoteForm
from onboarding.staff.stores.services import page_of_merchant, write_note

ROW = "admin:onboarding_store_change"


@staff_page("onboarding.view_store")
@require_safe
def as_merchant(request: HttpRequest, store_id: UUID) -> HttpResponse:
    """Show the store's page as its merchant sees it; nothing there can be pressed."""
    store = get_object_or_404(Store.objects.select_related("merchant"), pk=store_id)
    content = page_of_merchant(store=store, viewer=person_of(request))
    context = {"store": store, "page_content": content}
    title = _("%s as its merchant sees it") % store.name
    return show(request, template="stores/as_merchant.html", title=title, context=context)


@staff_page("onboarding.add_storenote")
@require_http_methods(["GET", "HEAD", "POST"])
def note(request: HttpRequest, store_id: UUID) -> HttpResponse:
    """Write a note on a store."""
    store = get_object_or_404(Store.objects.select_related("merchant"), pk=store_id)
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        write_note(store=store, author=person_of(request), text=form.cleaned_data["text"])
        messages.success(request, _("The note is kept."))
        return redirect(ROW, store.pk)
    context = {
        "form": form,
        "store": store,
        "submit": _("Keep the note"),
        "caption": store.merchant.name,
        "back_url": reverse(ROW, args=[store.pk]),
    }
    title = _("A note on %s") % store.name
    response = show(request, template="stores/note.html", title=title, context=context)
    response.status_code = 422 if form.errors else 200
    return response
