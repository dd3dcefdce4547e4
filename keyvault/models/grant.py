"""OAuth grants: what keeps a bearer credential alive, and the breaker of each provider."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from keyvault.due import DueRow
from keyvault.models.credential import Credential


class Grant(DueRow):
    """The authorisation behind one bearer credential.

    The access token is the credential's own secret; the refresh token stands here. `due_at` is the
    next renewal; who renews claims the row. `generation` counts the pairs: a result belongs to the
    generation that it was asked with, and whoever comes second with the same one is dropped.
    """

    class State(models.TextChoices):
        """How the grant stands."""

        ACTIVE = "active", _("active")
        # Asked for the next pair and no answer came: the vendor may have rotated or not.
        UNKNOWN = "unknown", _("outcome unknown")
        LOST = "lost", _("refused: consent is needed")
        ENDED = "ended", _("disconnected")

    # The states in which there is a refresh token to renew with.
    LIVE_STATES = (State.ACTIVE, State.UNKNOWN)

    credential = models.OneToOneField(
        Credential, models.PROTECT, primary_key=True, related_name="grant"
    )
    # A name that the renewer knows.
    provider = models.CharField(max_length=40, db_index=True)
    # The vendor's id of the account, and the shop's part of its host where there is one.
    account = models.CharField(max_length=100)
    account_name = models.CharField(max_length=255, blank=True)
    shop = models.CharField(max_length=63, blank=True)
    # Granted, between single spaces.
    scopes = models.CharField(max_length=1000, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    generation = models.PositiveIntegerField(default=1)
    sealed_refresh = models.BinaryField()
    access_expires_at = models.DateTimeField()
    renewed_at = models.DateTimeField()
    # Written before the vendor is asked, taken back with the answer; left over after a crash.
    intent_at = models.DateTimeField(null=True)
    # Why the last try brought no pair, as a token of ours.
    problem = models.CharField(max_length=60, blank=True)
    # When its people were told that it is lost.
    told_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.provider} {self.account}"

    @property
    def scope_names(self) -> tuple[str, ...]:
        """The granted scopes; empty when the vendor did not say."""
        return tuple(self.scopes.split())


class ProviderBreaker(models.Model):
    """Stops asking a provider that is down; one caller at a time tries whether it is back."""

    provider = models.CharField(max_length=40, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    open_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"breaker of {self.provider}"
