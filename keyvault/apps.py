"""Registers the vault with Django."""

from django.apps import AppConfig


class KeyvaultConfig(AppConfig):
    """The vault's tables and commands."""

    name = "keyvault"
    verbose_name = "Key vault"
