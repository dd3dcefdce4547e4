"""Keychains and the wrapped data keys that open them."""

import uuid

from django.db import models


class Keychain(models.Model):
    """The container of sealed records under one data key (DEK).

    One keychain per store (its id is the store's id), one per person, one for the system.
    """

    class Kind(models.TextChoices):
        """Whose secrets the keychain holds."""

        STORE = "store", "store"
        PERSON = "person", "person"
        SYSTEM = "system", "system"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=Kind)
    label = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    shredded_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind"],
                condition=models.Q(kind="system"),
                name="keyvault_one_system_keychain",
            )
        ]

    def __str__(self) -> str:
        return self.label or f"{self.kind} keychain"


class WrappedDek(models.Model):
    """A keychain's DEK, wrapped by a KEK; database backups leave this table out."""

    keychain = models.OneToOneField(
        Keychain, models.CASCADE, primary_key=True, related_name="wrapped_dek"
    )
    # No index: a rotation writes every row, and only `status` and `destroy` look by it.
    kek_id = models.CharField(max_length=100)
    wrapped = models.BinaryField()
    # Nonces used under this DEK; NIST SP 800-38D 8.3 bounds them.
    seals = models.BigIntegerField(default=0)
    wrapped_at = models.DateTimeField(auto_now=True)


class KekUse(models.Model):
    """How often a KEK has wrapped, and whether it may still.

    Who wraps counts here in the transaction that stores the wrapped DEK; who destroys a KEK closes
    the row first. So nothing can come to stand on a KEK that is being destroyed.
    """

    kek_id = models.CharField(max_length=100, primary_key=True)
    wraps = models.BigIntegerField(default=0)
    first_used_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)
