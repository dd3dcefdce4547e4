"""The waiting line of merchants who cannot be connected yet."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from onboarding.models.store import Store


class WaitingMerchant(models.Model):
    """One place in the line of one vendor; places are given in the order of coming."""

    class State(models.TextChoices):
        """Where it stands."""

        WAITING = "waiting", _("waiting")
        INVITED = "invited", _("invited")
        LEFT = "left", _("left")

    # The OAuth provider that is waited for.
    provider = models.CharField(max_length=40)
    company = models.CharField(max_length=200)
    email = models.EmailField()
    language = models.CharField(max_length=8, default="en")
    platform = models.CharField(max_length=12, choices=Store.Platform)
    # Hex of the SHA-256 of the link to one's place, which holds 256 random bits.
    digest = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    joined_at = models.DateTimeField(auto_now_add=True)
    invited_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "email"],
                condition=models.Q(state="waiting"),
                name="onboarding_one_place_in_a_line",
            )
        ]

    def __str__(self) -> str:
        return f"{self.company} waits for {self.provider}"
