"""Addresses that do not take our mails."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from onboarding.models import BouncedAddress
from onboarding.notices.bounces import forget_bounce
from onboarding.staff.bulk import Preview, is_confirmed, show_rows
from onboarding.staff.rows.read_only import ReadOnlyAdmin, Section


@admin.action(description=gettext_lazy("Write to them again"), permissions=["write"])
def write_again(
    model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, queryset: QuerySet[BouncedAddress]
) -> HttpResponse | None:
    """Let mails go to the chosen addresses again, once that is confirmed."""
    if not is_confirmed(request):
        preview = Preview(
            title=_("Write to these addresses again?"),
            label=_("Write to them again"),
            columns=(_("Address"), _("Status"), _("Since")),
            rows=tuple((row, row.status, row.at) for row in queryset),
            warning=_("An address that is still wrong is marked again by the next mail."),
        )
        return show_rows(model_admin, request, preview)
    count = sum(forget_bounce(row.email) for row in queryset)
    text = ngettext("We write to %d address again.", "We write to %d addresses again.", count)
    model_admin.message_user(request, text % count, messages.SUCCESS)
    return None


@admin.register(BouncedAddress)
class BouncedAddressAdmin(ReadOnlyAdmin[BouncedAddress]):
    """Who is not reached by mail, and why."""

    section = Section.PEOPLE
    note = gettext_lazy("Addresses that mail servers refuse. Only mails that verify them still go.")
    list_display = ("email", "status", "at")
    search_fields = ("email",)
    ordering = ("-at", "pk")
    fields = ("email", "status", "at")
    actions = (write_again,)

    def has_write_permission(self, request: HttpRequest) -> bool:
        """Say who may; the name is what the action asks for."""
        return request.user.has_perm("onboarding.change_bouncedaddress")
