"""Registers the site itself with Django, for its checks and commands."""

from importlib import import_module

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The site: no tables, but checks of its settings and commands of its own."""

    name = "config"
    label = "site_config"
    verbose_name = "Site"

    def ready(self) -> None:
        """Make the checks known."""
        import_module("config.checks")
