"""Puts the operator's admin site in the place of Django's."""

from importlib import import_module

from django.contrib.admin.apps import SimpleAdminConfig
from django.db.models.signals import post_migrate


class StaffAdminConfig(SimpleAdminConfig):
    """The admin whose pages stand under /staff/; it holds our own registrations and no other."""

    default_site = "onboarding.staff.site.StaffSite"

    def ready(self) -> None:
        """Register the rows once all models are there."""
        super().ready()
        import_module("onboarding.staff.rows")
        # This app comes after those whose tables the roles are about, and so do their rights.
        post_migrate.connect(import_module("onboarding.staff.roles").sync_roles, sender=self)
