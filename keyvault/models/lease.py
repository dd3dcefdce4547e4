"""Leases, and the exact log of permits per credential."""

import uuid

from django.db import models

from keyvault.models.backend import Backend
from keyvault.models.credential import Credential


class Lease(models.Model):
    """A time-limited loan of one credential with a number of permits."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    credential = models.ForeignKey(Credential, models.PROTECT, related_name="leases")
    backend = models.ForeignKey(Backend, models.PROTECT, related_name="leases")
    permits = models.PositiveSmallIntegerField()
    traffic_class = models.CharField(max_length=12)
    granted_at = models.DateTimeField()
    use_by = models.DateTimeField()
    expires_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    used = models.PositiveSmallIntegerField(null=True)
    outcome = models.CharField(max_length=12, blank=True)


class Grant(models.Model):
    """Permits of one credential that count from `at` and leave a window after `use_by`."""

    credential = models.ForeignKey(Credential, models.CASCADE, related_name="grants")
    lease = models.OneToOneField(Lease, models.CASCADE, null=True, related_name="grant")
    permits = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    use_by = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["credential", "use_by"])]
