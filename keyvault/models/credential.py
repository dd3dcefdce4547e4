"""Sealed credentials, and the drafts that wait for their check."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from keyvault.models.keychain import Keychain


class Credential(models.Model):
    """A verified credential. Only `keyvault.vault` opens `sealed`."""

    class Kind(models.TextChoices):
        """How the credential is presented to the vendor."""

        BASIC = "basic", _("API key")
        BEARER = "bearer", _("OAuth token")

    class State(models.TextChoices):
        """Only an active credential is lent."""

        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused by a person")
        SUSPENDED = "suspended", _("refused by the vendor")
        REPLACED = "replaced", _("replaced, leases draining")
        REVOKED = "revoked", _("removed")

    # What a store counts as its keys, and what bars the same API key from being added again.
    LIVE_STATES = (State.ACTIVE, State.PAUSED, State.SUSPENDED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    keychain = models.ForeignKey(Keychain, models.PROTECT, related_name="credentials")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.BASIC)
    name = models.CharField(max_length=100, blank=True)
    # A name in settings.KEYVAULT_ENDPOINTS, never an address; see `keyvault.endpoints`.
    endpoint = models.CharField(max_length=110)
    language = models.CharField(max_length=8, blank=True)
    fingerprint = models.CharField(max_length=64)
    last_four = models.CharField(max_length=4)
    version = models.PositiveIntegerField(default=1)
    sealed = models.BinaryField()
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    # The vendor's windows of this key: [[seconds, limit], …].
    limits = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    checked_at = models.DateTimeField(null=True)
    # When a backend last borrowed it, as far as the pool's log has forgotten it.
    last_used_at = models.DateTimeField(null=True)
    # Until when an access token may be lent: some seconds before it expires. Null: a key.
    valid_until = models.DateTimeField(null=True)
    # A decoy: nobody has a reason to use it, so any use is an alarm.
    is_honeytoken = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["keychain", "state"])]
        constraints = [
            models.UniqueConstraint(
                fields=["fingerprint"],
                condition=models.Q(state__in=["active", "paused", "suspended"]),
                name="keyvault_one_live_credential_per_api_key",
            )
        ]

    def __str__(self) -> str:
        name = self.name or "API key"
        return f"{name} …{self.last_four}" if self.last_four else name


class Draft(models.Model):
    """A pasted pair that has not passed its check: sealed, short-lived, never lent."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    keychain = models.ForeignKey(Keychain, models.PROTECT, related_name="drafts")
    fingerprint = models.CharField(max_length=64, db_index=True)
    last_four = models.CharField(max_length=4)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"…{self.last_four}" if self.last_four else str(self.id)
