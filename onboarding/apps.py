"""Registers the browser side with Django."""

from django.apps import AppConfig


class OnboardingConfig(AppConfig):
    """The tables and pages that people use."""

    name = "onboarding"
    verbose_name = "Onboarding"
