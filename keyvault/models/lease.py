"""The pool's state of each key, and the exact log of permits, of which a lease is one row.

Times are whole microseconds since 1970, UTC, of the database's clock: the pool adds and compares
them in SQL, alike on SQLite and PostgreSQL.
"""

import uuid
from datetime import UTC, datetime, timedelta

from django.db import models

from keyvault.models.backend import Backend, BackendToken
from keyvault.models.credential import Credential

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PoolKey(models.Model):
    """What the pool knows of one credential between two leases; see `keyvault.windows.KeyState`."""

    credential = models.OneToOneField(Credential, models.CASCADE, related_name="pool_key")
    # Raised by each change: whoever writes names the version that he read.
    version = models.BigIntegerField(default=0)
    # [[seconds, limit, counted, horizon_us, earliest_reset_us, latest_reset_us], …]
    windows = models.JSONField(default=list)
    high_water_us = models.BigIntegerField(default=0)
    next_free_us = models.BigIntegerField(default=0)
    batch_free_us = models.BigIntegerField(default=0)
    cooled_until_us = models.BigIntegerField(default=0)
    foreign_seen_us = models.BigIntegerField(default=0)
    # Permits left in the longest window when the row was written.
    headroom = models.IntegerField(default=0)
    # Interactive permits of the last day, old ones fading; the forecast of the next.
    interactive_load = models.FloatField(default=0)

    def __str__(self) -> str:
        return f"pool of {self.credential_id}"


class Lease(models.Model):
    """A time-limited loan of one credential with a number of permits.

    A row without a token holds permits that nobody borrowed: our own checks of the key, and what
    the vendor's headers told of somebody else's use.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.ForeignKey(PoolKey, models.CASCADE, related_name="leases", db_index=False)
    token = models.ForeignKey(
        BackendToken, models.PROTECT, null=True, related_name="leases", db_index=False
    )
    permits = models.PositiveSmallIntegerField()
    # What the windows count: the permits, and once it is settled those that were used.
    counted = models.PositiveIntegerField()
    is_batch = models.BooleanField(default=False)
    granted_us = models.BigIntegerField()
    use_by_us = models.BigIntegerField()
    expires_us = models.BigIntegerField()
    settled_us = models.BigIntegerField(null=True)
    outcome = models.CharField(max_length=12, blank=True)

    class Meta:
        indexes = [models.Index(fields=["key", "use_by_us"], name="keyvault_log_of_a_key")]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def use_by(self) -> datetime:
        """The last moment to send a request with the lease."""
        return moment(self.use_by_us)


def moment(time_us: int) -> datetime:
    """The aware datetime of a time of these tables."""
    return _EPOCH + timedelta(microseconds=time_us)


def big(time_us: int) -> models.Value:
    """A time for an expression; Django would send it to PostgreSQL as a 32-bit integer."""
    return models.Value(time_us, output_field=models.BigIntegerField())


def microseconds(at: datetime) -> int:
    """A time of these tables from an aware datetime."""
    return (at - _EPOCH) // timedelta(microseconds=1)


class RepeatableRequest(models.Model):
    """An Idempotency-Key of a backend and the lease that it led to; it goes with the lease."""

    backend = models.ForeignKey(Backend, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    # Of what was asked, so that the key cannot stand for something else.
    digest = models.CharField(max_length=64)
    lease = models.ForeignKey(Lease, models.CASCADE, related_name="requests")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["backend", "key"], name="keyvault_one_lease_per_idempotency_key"
            )
        ]

    def __str__(self) -> str:
        return self.key
