"""One installation of the vendor's partner app in a shop."""

import uuid

from django.db import models

from keyvault.models import Credential
from onboarding.models.person import User
from onboarding.models.store import Store
from onboarding.models.verification import Verification


class AppInstall(models.Model):
    """From the vendor's signed call to a stored credential, or to why there is none.

    A call works once: its digest stays here. The secret that follows from it waits sealed under the
    system's keychain until a merchant says which store it is for.
    """

    class State(models.TextChoices):
        """Where it stands."""

        ARRIVED = "arrived", "signed, no store yet"
        STORED = "stored", "stored"
        FAILED = "failed", "nothing stored"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Hex of the SHA-256 of the signature, which covers everything that was signed.
    call_digest = models.CharField(max_length=64, unique=True)
    # What the vendor said; the cluster is not signed and may be empty.
    shop_id = models.PositiveBigIntegerField(db_index=True)
    language = models.CharField(max_length=2)
    cluster = models.CharField(max_length=4, blank=True)
    # On the vendor's clock.
    called_at = models.DateTimeField()
    sealed_secret = models.BinaryField(default=b"")
    state = models.CharField(max_length=8, choices=State, default=State.ARRIVED)
    # A value of `oauth.install_outcomes.InstallOutcome`.
    outcome = models.CharField(max_length=20, blank=True)
    store = models.ForeignKey(Store, models.CASCADE, null=True, related_name="installs")
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    verification = models.ForeignKey(Verification, models.SET_NULL, null=True, related_name="+")
    # Times of the requests of all its checks (ISO 8601); they seed the pool's log.
    request_times = models.JSONField(default=list)
    credential = models.OneToOneField(
        Credential, models.SET_NULL, null=True, related_name="install"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="arrived") | models.Q(sealed_secret=b""),
                name="onboarding_install_keeps_no_secret_when_over",
            )
        ]

    def __str__(self) -> str:
        return f"shop {self.shop_id}"
