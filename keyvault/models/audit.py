"""The audit record's tables; triggers refuse to change or delete their rows."""

import uuid

from django.db import models


class AuditEntry(models.Model):
    """One thing that happened; inserted in the transaction of what it records."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    action = models.CharField(max_length=60)
    # "person:<id>", "backend:<id>", "system:worker", "command:<name>": never a name or an address.
    actor = models.CharField(max_length=80)
    keychain_id = models.UUIDField(null=True, default=None)
    # What was acted upon, "credential:<uuid>", "lease:<uuid>", …
    subject = models.CharField(max_length=80, blank=True)
    facts = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    # Distinguishes two entries that are alike in all else.
    nonce = models.UUIDField(default=uuid.uuid4, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["keychain_id", "id"]),
            models.Index(fields=["action", "id"]),
        ]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action}"


class AuditCheckpoint(models.Model):
    """A signed Merkle root over the entries since the checkpoint before."""

    id = models.BigAutoField(primary_key=True)
    previous = models.BinaryField()
    first_entry = models.BigIntegerField()
    last_entry = models.BigIntegerField()
    count = models.PositiveIntegerField()
    root = models.BinaryField()
    at = models.DateTimeField()
    signature = models.BinaryField()
