"""Moving merchants: whom we tell, how often, and how far each has come."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from keyvault.due import DueRow
from onboarding.models.plan import Plan
from onboarding.models.store import Store


class Campaign(DueRow):
    """One cohort of a plan's merchants and the mails that they get."""

    class State(models.TextChoices):
        """Only a running campaign sends."""

        DRAFT = "draft", _("draft")
        RUNNING = "running", _("running")
        PAUSED = "paused", _("paused")
        STOPPED = "stopped", _("stopped")

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="campaigns")
    name = models.CharField(max_length=100, unique=True)
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    # Who is meant; empty: everybody whom the plan affects.
    platform = models.CharField(max_length=12, blank=True)
    language = models.CharField(max_length=8, blank=True)
    # Single stores, as text; empty: every store within the filters.
    only_stores = models.JSONField(default=list)
    starts_at = models.DateTimeField()
    # Days before the keys are refused on which those who have not moved are reminded.
    reminder_days = models.JSONField(default=list)
    # These merchants are told one by one that their app will stand still for a while.
    expects_interruption = models.BooleanField(default=False)
    interruption = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Recipient(DueRow):
    """One store of a campaign; `due_at` is its next mail."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="recipients")
    store = models.ForeignKey(Store, models.CASCADE, related_name="campaign_places")
    told_at = models.DateTimeField(null=True)
    reminders = models.PositiveSmallIntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    authorised_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "store"], name="onboarding_store_once_in_a_campaign"
            )
        ]

    def __str__(self) -> str:
        return f"{self.store} in {self.campaign}"


class Brownout(DueRow):
    """A rehearsal: the old keys of a cohort are not lent for some minutes, then they are again.

    It stops by itself at its end, or at once when as many lease requests fail as staff allow.
    """

    class State(models.TextChoices):
        """Where it stands."""

        PLANNED = "planned", _("planned")
        RUNNING = "running", _("running")
        OVER = "over", _("over")
        STOPPED = "stopped", _("stopped early")

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="brownouts")
    state = models.CharField(max_length=8, choices=State, default=State.PLANNED)
    starts_at = models.DateTimeField()
    minutes = models.PositiveSmallIntegerField(default=10)
    most_denied = models.PositiveIntegerField(default=100)
    denied = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # The credentials that it set aside, as text; they come back whatever happens.
    set_aside = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(minutes__gte=1, minutes__lte=240),
                name="onboarding_brownout_minutes",
            )
        ]

    def __str__(self) -> str:
        return f"brownout of {self.campaign}"
