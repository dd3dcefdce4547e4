"""One way of a merchant to a vendor's consent page and back."""

import uuid

from django.db import models

from onboarding.models.person import User
from onboarding.models.store import Store


class Consent(models.Model):
    """From the button on the store page to a stored grant, or to why there is none.

    The state that travels through the browser is kept as a hash and works once, in the session that
    it was made in. The pair of tokens waits here, sealed, until the merchant has checked it.
    """

    class State(models.TextChoices):
        """Where it stands."""

        ASKED = "asked", "at the vendor"
        # Claimed by the one callback that may use it.
        ANSWERED = "answered", "answer under way"
        WAITING = "waiting", "to be checked by the merchant"
        STORED = "stored", "stored"
        FAILED = "failed", "nothing stored"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.ForeignKey(Store, models.CASCADE, related_name="consents")
    user = models.ForeignKey(User, models.CASCADE, related_name="consents")
    provider = models.CharField(max_length=40)
    # Hex of SHA-256 of state and session together.
    state_digest = models.CharField(max_length=64, unique=True)
    sealed_verifier = models.BinaryField()
    redirect_uri = models.CharField(max_length=300)
    # The credentials that the new one takes the place of, as text.
    replaces = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=State, default=State.ASKED)
    # A value of `oauth.outcomes.Outcome`.
    outcome = models.CharField(max_length=30, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    # What the vendor said; the tokens go with the decision.
    account = models.CharField(max_length=100, blank=True)
    account_name = models.CharField(max_length=255, blank=True)
    shop = models.CharField(max_length=63, blank=True)
    scopes = models.CharField(max_length=1000, blank=True)
    sealed_pair = models.BinaryField(default=b"")
    access_expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state__in=["stored", "failed"]) | models.Q(sealed_pair=b""),
                name="onboarding_consent_keeps_no_pair_when_over",
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} for {self.store}"
