"""Backends that may lease, and the tokens that they show."""

import uuid

from django.db import models

from keyvault.models.keychain import Keychain


class Backend(models.Model):
    """A program that borrows credentials."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, unique=True)
    # Every store, those made later included; otherwise those in `stores` and no other.
    has_all_stores = models.BooleanField(default=False)
    stores = models.ManyToManyField(Keychain, blank=True, related_name="backends")
    is_active = models.BooleanField(default=True)
    # Raw X25519 public key: what it is lent is sealed to this key and never sent plain.
    public_key = models.BinaryField(null=True, max_length=32)
    # Raw Ed25519 public key: each of its requests must be signed with the private half.
    signing_key = models.BinaryField(null=True, max_length=32)
    # Networks that it may call from, "192.0.2.0/24 2001:db8::/32"; empty: anywhere.
    networks = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class TokenUse(models.Model):
    """Requests of one token in one minute; kept only while tokens have a limit."""

    token = models.ForeignKey("BackendToken", models.CASCADE, related_name="+")
    minute = models.BigIntegerField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["token", "minute"], name="keyvault_one_count_per_token_and_minute"
            )
        ]

    def __str__(self) -> str:
        return f"{self.token_id} {self.minute}"


class SpentNonce(models.Model):
    """A number of a signed request; kept as long as the signature would be good."""

    backend = models.ForeignKey(Backend, models.CASCADE, related_name="+")
    nonce = models.CharField(max_length=64)
    spent_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["backend", "nonce"], name="keyvault_one_request_per_nonce"
            )
        ]

    def __str__(self) -> str:
        return self.nonce


class BackendToken(models.Model):
    """A bearer token; only the SHA-256 of the whole is kept."""

    backend = models.ForeignKey(Backend, models.CASCADE, related_name="tokens")
    # The first characters, by which people tell tokens apart.
    prefix = models.CharField(max_length=16)
    # Hex of the SHA-256 of the whole token, which holds 256 random bits.
    digest = models.CharField(max_length=64, unique=True)
    # Words between single spaces, with a space at either end: " leases:write stores:read ".
    scopes = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    # Who made it, as the audit record names them.
    made_by = models.CharField(max_length=100, blank=True, default="", db_default="")
    # Waits for a second person, from whose word on it lives so many days; over until then.
    waiting_days = models.PositiveSmallIntegerField(null=True)
    # The form that asked for it, so that one sent twice makes one token.
    form_id = models.UUIDField(null=True, unique=True)
    # To the minute; kept for whoever wants to know whether it can be revoked.
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(waiting_days=None)
                | models.Q(expires_at__lte=models.F("created_at")),
                name="keyvault_waiting_token_opens_nothing",
            )
        ]

    def __str__(self) -> str:
        return f"{self.prefix}…"
