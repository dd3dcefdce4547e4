"""Invitations of people to act for a merchant."""

import uuid

from django.db import models

from onboarding.models.merchant import Member, Merchant
from onboarding.models.person import User


class Invitation(models.Model):
    """One link, for one address, to one merchant; the link itself is not kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=8, choices=Member.Role, default=Member.Role.MEMBER)
    language = models.CharField(max_length=8, default="en")
    # Hex of the SHA-256 of the link's token, which holds 256 random bits.
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "email"],
                condition=models.Q(used_at__isnull=True),
                name="onboarding_one_open_invitation",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} for {self.merchant}"
