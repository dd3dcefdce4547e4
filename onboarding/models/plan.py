"""A vendor's deprecation as data: phases with dates and effects. Nothing of it is code."""

import zoneinfo
from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from keyvault.due import DueRow
from keyvault.models import Credential
from onboarding.models.person import User


class Plan(models.Model):
    """What one vendor does to one kind of credential, and when."""

    class State(models.TextChoices):
        """Only an active plan has effects."""

        DRAFT = "draft", _("draft")
        ACTIVE = "active", _("active")
        CALLED_OFF = "called_off", _("called off")

    name = models.CharField(max_length=100, unique=True)
    vendor = models.CharField(max_length=100)
    # Which credentials it is about: a name in settings.KEYVAULT_ENDPOINTS, and how they are shown.
    endpoint = models.CharField(max_length=40)
    kind = models.CharField(max_length=8, choices=Credential.Kind, default=Credential.Kind.BASIC)
    # Where merchants go from here: the name of an OAuth provider; empty: not known yet.
    provider = models.CharField(max_length=40, blank=True)
    time_zone = models.CharField(max_length=40, default="Europe/Amsterdam")
    link = models.URLField(blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    saved_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "kind"],
                condition=models.Q(state="active"),
                name="onboarding_one_active_plan_each",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Phase(DueRow):
    """One step of a plan; workers start it when its time has come."""

    class Effect(models.TextChoices):
        """What holds from its start on."""

        ANNOUNCE = "announce", _("announced")
        NO_NEW_KEYS = "no_new_keys", _("no new keys")
        KEYS_REFUSED = "keys_refused", _("keys refused")
        REFRESH_REQUIRED = "refresh_required", _("refresh tokens required")

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="phases")
    effect = models.CharField(max_length=16, choices=Effect)
    starts_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["starts_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "effect"], name="onboarding_effect_once_in_a_plan"
            )
        ]

    def __str__(self) -> str:
        return f"{self.plan}: {self.get_effect_display()}"

    @property
    def local_start(self) -> datetime:
        """When it starts, as the vendor's clock shows it: naive, or pages would move it to ours."""
        zone = zoneinfo.ZoneInfo(self.plan.time_zone)
        return self.starts_at.astimezone(zone).replace(tzinfo=None)
