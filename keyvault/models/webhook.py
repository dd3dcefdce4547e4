"""Where backends want to be told, and what they have to be told yet."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from keyvault.due import DueRow
from keyvault.models.backend import Backend


class WebhookEndpoint(models.Model):
    """An address of a backend; its signing key is sealed in the system's keychain."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    backend = models.ForeignKey(Backend, models.CASCADE, related_name="webhooks")
    url = models.URLField(max_length=500)
    sealed_key = models.BinaryField()
    key_version = models.PositiveIntegerField(default=1, db_default=1)
    # The key before, of the version before; it signs as well until then.
    sealed_old_key = models.BinaryField(null=True)
    old_key_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # Since when every try has failed; null while the last one succeeded.
    failing_since = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    # For good, and switched off with it; the row stays for as long as its events may.
    removed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(DueRow):
    """One event on its way to one endpoint; inserted in the transaction of what happened."""

    # The address or its backend is switched off: the event waits here, and is late for nobody.
    HELD: ClassVar[Q] = Q(endpoint__disabled_at__isnull=False) | Q(
        endpoint__backend__is_active=False
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries")
    type = models.CharField(max_length=40)
    # The body as it is signed: ids and states, never a secret or a name.
    body = models.TextField()
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    # The last answer: an HTTP status, 0 when there was none.
    last_status = models.PositiveSmallIntegerField(null=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(fields=["endpoint", "created_at"]),
            # What is old is looked for every two seconds.
            models.Index(fields=["created_at"]),
            # And so is which address has something due; hardly any row has.
            models.Index(
                fields=["endpoint", "due_at"],
                condition=Q(due_at__isnull=False),
                name="webhook_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"
