"""The operator's admin site."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.apps import apps
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from onboarding.models import User
from onboarding.people.second_step import has_second_step
from onboarding.staff.queue import work_queue
from onboarding.staff.rows.read_only import ReadOnlyAdmin, Section

# Where a request keeps the answer whether its person has a second step.
ASKED = "latchkey_second_step"


class StaffSite(AdminSite):
    """Django's admin in our look; people sign in on the site's own page, so its limits apply."""

    site_title = _("Staff")
    site_header = _("Staff")
    index_title = _("Staff")
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Let staff in whose account a password alone does not open."""
        user = request.user
        if not (super().has_permission(request) and isinstance(user, User)):
            return False
        # Admin asks several times a page.
        known: dict[str, bool] = vars(request)
        if ASKED not in known:
            known[ASKED] = has_second_step(user)
        return known[ASKED]

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send to the site's own sign-in page; refuse who signed in without being staff."""
        user = request.user
        if isinstance(user, User) and user.is_staff and not has_second_step(user):
            text = _("Staff sign in with a second step. Set one up, then come back.")
            messages.warning(request, text)
            return redirect("mfa_index")
        guarded = secure_admin_login(super().login)  # type: ignore[no-untyped-call]
        response: HttpResponse = guarded(request, extra_context)
        return response

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show what needs a hand first, then the tables."""
        may_see = request.user.has_perm("keyvault.view_credential")
        user = request.user if isinstance(request.user, User) else None
        queue = work_queue(now=timezone.now(), user=user) if may_see else []
        return super().index(request, {"queue": queue, "may_see": may_see, **(extra_context or {})})

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        """List what there is by subject, not by package."""
        sections: dict[Section, list[dict[str, str]]] = {section: [] for section in Section}
        for model, row_admin in self._registry.items():
            if isinstance(row_admin, ReadOnlyAdmin) and row_admin.has_view_permission(request):
                row = {
                    "name": capfirst(gettext(str(model._meta.verbose_name_plural))),  # noqa: SLF001  # Django's documented model API
                    "url": row_admin.list_url,
                    "note": str(row_admin.note),
                }
                sections[row_admin.section].append(row)
        return [
            {"name": section.label, "models": rows} for section, rows in sections.items() if rows
        ]

    def app_index(  # type: ignore[override]  # a redirect is no TemplateResponse
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send to the one index: packages mean nothing to staff."""
        apps.get_app_config(app_label)
        return redirect("admin:index")

    def password_change(  # type: ignore[override]  # a redirect is no TemplateResponse
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send to the page for everybody's password, which ends the other sessions."""
        return redirect("account_change_password")

    def password_change_done(  # type: ignore[override]  # a redirect is no TemplateResponse
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send to the account."""
        return redirect("account")

    def logout(  # type: ignore[override]  # a redirect is no TemplateResponse
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send to the page for everybody's signing out."""
        return redirect("account_logout")
