"""Live checks of a pair or of a stored credential against the vendor."""

from django.db import models

from keyvault.models import Credential
from onboarding.models.store import Store
from onboarding.models.submission import Submission


class Verification(models.Model):
    """One live check: what the vendor said, never what was sent."""

    store = models.ForeignKey(Store, models.CASCADE, related_name="verifications")
    submission = models.ForeignKey(
        Submission, models.CASCADE, null=True, related_name="verifications"
    )
    credential = models.ForeignKey(
        Credential, models.CASCADE, null=True, related_name="verifications"
    )
    at = models.DateTimeField(db_index=True)
    # What was asked.
    cluster = models.CharField(max_length=4, choices=Store.Cluster, default=Store.Cluster.EU1)
    language = models.CharField(max_length=8, default="en")
    # A value of lightspeed's outcome enum, or one of `submission.outcomes`.
    outcome = models.CharField(max_length=30)
    # What staff look at: the vendor's HTTP status behind a failure, and the failure as a token.
    status = models.PositiveSmallIntegerField(null=True)
    problem = models.CharField(max_length=60, blank=True)
    # {"orders": {"read": true, "write": null}, …}; null: could not check.
    permissions = models.JSONField(default=dict)
    shop_id = models.PositiveBigIntegerField(null=True)
    shop_name = models.CharField(max_length=200, blank=True)
    # The vendor's windows of this key: [[seconds, limit], …].
    limits = models.JSONField(default=list)
    # Times of the requests that the check sent (ISO 8601); they seed the pool's log.
    request_times = models.JSONField(default=list)
    # What the last answer told: [[seconds, limit, remaining, reset seconds], …].
    readings = models.JSONField(default=list)
    retry_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["credential", "-at"]),
            models.Index(fields=["store", "-at"]),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.outcome}"
