"""What people want to be told, and what they have been told of."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from keyvault.due import DueRow
from onboarding.models.plan import Phase
from onboarding.models.store import Store


class NotificationChoice(models.Model):
    """One person's choice on one topic; without a row the topic's default holds."""

    class Topic(models.TextChoices):
        """What a mail is about."""

        KEYS = "keys", _("A key is refused, lacks a permission, or works again")
        DEADLINES = "deadlines", _("A date is near on which a key stops working")
        CASES = "cases", _("An answer to a question about a sale")
        CAMPAIGNS = "campaigns", _("News and reminders of a change at Lightspeed")
        ALERTS = "alerts", _("A tripwire fired")
        DIGEST = "digest", _("What needs a hand, in one mail")

    class Choice(models.TextChoices):
        """How soon it is told."""

        AT_ONCE = "at-once", _("At once")
        HOURLY = "hourly", _("Every hour, if there is something new")
        DAILY = "daily", _("Every morning, if there is something")
        OFF = "off", _("Never")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="choices")
    topic = models.CharField(max_length=10, choices=Topic)
    choice = models.CharField(max_length=8, choices=Choice)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "topic"], name="onboarding_one_choice_for_a_topic"
            )
        ]

    def __str__(self) -> str:
        return f"{self.topic}: {self.choice}"


class StoreWatch(DueRow):
    """A store of whose keys one at least is, or was, not as it should be; looked at when due."""

    store = models.OneToOneField(Store, models.CASCADE, primary_key=True, related_name="watch")
    # {credential: condition}: what its people were told last; a key that is not here works.
    told = models.JSONField(default=dict)
    # {credential: [condition, since]}: what was seen last, and since when it has been so.
    seen = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"watch over {self.store_id}"


class DeadlineTold(models.Model):
    """That a store's people were told of a date so many days before it."""

    phase = models.ForeignKey(Phase, models.CASCADE, related_name="told")
    store = models.ForeignKey(Store, models.CASCADE, related_name="deadlines_told")
    days = models.PositiveSmallIntegerField()
    told_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["phase", "store", "days"], name="onboarding_deadline_told_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.days} days before {self.phase_id}"


class StaffDigest(DueRow):
    """When somebody of staff gets the next digest, and what the last one said."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="digest"
    )
    # A hash of what it said, so that the same is not told every hour.
    last = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"digest of {self.user_id}"
