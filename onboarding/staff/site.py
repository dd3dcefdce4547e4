"""The operator's admin site."""

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy as _


class StaffSite(AdminSite):
    """Django's admin in our look; people sign in on the site's own page, so its limits apply."""

    site_title = _("Latchkey staff")
    site_header = _("Latchkey staff")
    index_title = _("Everything in the database")
    enable_nav_sidebar = False

    login = secure_admin_login(AdminSite.login)  # type: ignore[no-untyped-call]
