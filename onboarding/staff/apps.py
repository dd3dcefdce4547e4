"""Puts the operator's admin site in the place of Django's."""

from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    """The admin whose pages stand under /staff/."""

    default_site = "onboarding.staff.site.StaffSite"
