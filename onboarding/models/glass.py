"""Requests to break glass: a secret in an emergency, by two people."""

import uuid
from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from keyvault.models import Credential
from onboarding.models.person import User

# A request that nobody has answered for so long is over.
ASKED_FOR = timedelta(hours=24)
# How long an approval holds.
OPEN_FOR = timedelta(minutes=15)


class GlassRequest(models.Model):
    """One person asks for one secret, another one approves, the first opens it once."""

    class State(models.TextChoices):
        """What people did; what time did is `standing`."""

        ASKED = "asked", _("Waits for a second person")
        APPROVED = "approved", _("Approved")
        DENIED = "denied", _("Denied")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        USED = "used", _("Opened")

    class Standing(models.TextChoices):
        """How a request stands at a moment."""

        ASKED = "asked", _("Waits for a second person")
        LAPSED = "lapsed", _("Lapsed: nobody answered within a day")
        APPROVED = "approved", _("Approved: may be opened now")
        EXPIRED = "expired", _("Expired: not opened within 15 minutes")
        DENIED = "denied", _("Denied")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        USED = "used", _("Opened, once and for all")

    # Chosen by the form, so that a form sent twice makes one request.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    credential = models.ForeignKey(Credential, models.PROTECT, related_name="glass_requests")
    reason = models.CharField(max_length=500)
    # Raw X25519: what is opened is sealed to it.
    public_key = models.BinaryField(max_length=32)
    state = models.CharField(max_length=9, choices=State, default=State.ASKED)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="glass_asked")
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="glass_decided")
    decided_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "-asked_at"])]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(decided_by=models.F("asked_by")),
                name="onboarding_glass_takes_two_people",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=["approved", "denied", "used"])
                | models.Q(decided_by__isnull=False, decided_at__isnull=False),
                name="onboarding_glass_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(state="used", used_at__isnull=False)
                | (~models.Q(state="used") & models.Q(used_at__isnull=True)),
                name="onboarding_glass_used_once",
            ),
        ]

    def __str__(self) -> str:
        return str(self.credential)

    @property
    def open_until(self) -> datetime | None:
        """When the approval ends; None without one."""
        return self.decided_at + OPEN_FOR if self.decided_at else None

    def standing(self, *, now: datetime) -> Standing:
        """How the request stands at a moment."""
        if self.state == self.State.ASKED and now >= self.asked_at + ASKED_FOR:
            return self.Standing.LAPSED
        if self.state == self.State.APPROVED and self.open_until and now >= self.open_until:
            return self.Standing.EXPIRED
        return self.Standing(self.state)
