"""Backends that may lease, and the tokens that they show."""

import uuid

from django.db import models

from keyvault.models.keychain import Keychain


class Backend(models.Model):
    """A program that borrows credentials."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, unique=True)
    # Empty: every store, those made later included.
    stores = models.ManyToManyField(Keychain, blank=True, related_name="backends")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class BackendToken(models.Model):
    """A bearer token, `lk_` + prefix + secret; only the SHA-256 of the whole is kept."""

    backend = models.ForeignKey(Backend, models.CASCADE, related_name="tokens")
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.BinaryField(max_length=32)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
