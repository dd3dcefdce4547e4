"""The audit record's tables; triggers refuse to change or delete their rows."""

import json
import uuid
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from keyvault.due import DueRow

if TYPE_CHECKING:
    _DictAsText = models.TextField[dict[str, Any], dict[str, Any]]
else:
    _DictAsText = models.TextField


class CanonicalJSONField(_DictAsText):
    """A JSON object as text: sorted keys, no spaces, ASCII, so that it has one form to hash."""

    def get_prep_value(self, value: object) -> str:
        """The one form of a dict."""
        return json.dumps(value, sort_keys=True, separators=(",", ":"))

    def from_db_value(
        self, value: str, expression: object, connection: BaseDatabaseWrapper
    ) -> dict[str, Any]:
        """The dict again."""
        facts: dict[str, Any] = json.loads(value)
        return facts


class AuditEntry(models.Model):
    """One thing that happened; inserted in the transaction of what it records.

    A trigger notes each new row in `AuditPending`, from where the sealer takes it.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    action = models.CharField(max_length=60)
    # "person:<id>", "backend:<id>", "system:worker", "command:<name>": never a name or an address.
    actor = models.CharField(max_length=80)
    keychain_id = models.UUIDField(null=True, default=None)
    # What was acted upon, "credential:<uuid>", "lease:<uuid>", …
    subject = models.CharField(max_length=80, blank=True)
    facts = CanonicalJSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    # Distinguishes two entries that are alike in all else, and keeps a leaf's hash from being
    # guessed by the reader of somebody else's proof.
    nonce = models.UUIDField(default=uuid.uuid4, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["keychain_id", "id"]),
            models.Index(fields=["action", "id"]),
            # What people did stands among thousands of loans; whoever lends pays nothing for it.
            models.Index(
                fields=["keychain_id", "id"],
                condition=~models.Q(action="lease.granted") & ~models.Q(action="lease.settled"),
                name="keyvault_audit_without_loans",
            ),
        ]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action}"


class AuditPending(models.Model):
    """An entry that no checkpoint covers yet; written by a trigger, removed by the sealer."""

    entry_id = models.BigIntegerField(primary_key=True)


class AuditCheckpoint(models.Model):
    """A signed Merkle root over the entries since the checkpoint before."""

    id = models.BigAutoField(primary_key=True)
    # Unique, so the chain cannot fork even if two sealers ran.
    previous = models.BinaryField(unique=True)
    first_entry = models.BigIntegerField(db_index=True)
    last_entry = models.BigIntegerField(db_index=True)
    count = models.PositiveIntegerField()
    # The entries in order, "17-93,95": ids that were rolled back or came late leave gaps.
    ranges = models.TextField()
    root = models.BinaryField()
    # Each entry's leaf hash in order; only to name the bad entry and to build proofs.
    leaves = models.BinaryField()
    at = models.DateTimeField()
    key_id = models.CharField(max_length=40)
    signature = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.ranges[:40]}"


class AuditSealer(DueRow):
    """What the sealer claims, so that one seals at a time; and one row for each further sink."""

    name = models.CharField(primary_key=True, max_length=20)
    # The last checkpoint that went to this sink.
    sent = models.BigIntegerField(default=0)


class DenialCount(models.Model):
    """Denials of one actor in one minute; only the first becomes an entry at once."""

    actor = models.CharField(max_length=80)
    action = models.CharField(max_length=60)
    minute = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["actor", "action", "minute"], name="keyvault_one_denial_count_a_minute"
            )
        ]
