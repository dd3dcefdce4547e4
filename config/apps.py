"""Registers the site itself with Django, for its checks and commands."""

import os
from importlib import import_module

from django.apps import AppConfig
from django.conf import settings


class SiteConfig(AppConfig):
    """The site: no tables, but checks of its settings and commands of its own."""

    name = "config"
    label = "site_config"
    verbose_name = "Site"

    def ready(self) -> None:
        """Make checks and receivers known, and close the process to others in production."""
        import_module("config.checks")
        import_module("config.connections")
        tracing = import_module("config.tracing.startup")
        if tracing.is_wanted(os.environ):
            tracing.start(os.environ)
        if settings.IS_PRODUCTION:
            import_module("keyvault.vault").harden_process()
