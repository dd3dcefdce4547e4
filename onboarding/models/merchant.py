"""Merchants (companies) and the people who act for them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from onboarding.models.person import User


class Merchant(models.Model):
    """A company with one or more stores."""

    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A person who acts for a merchant."""

    class Role(models.TextChoices):
        """What the person may do."""

        OWNER = "owner", _("owner")
        MEMBER = "member", _("member")

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role, default=Role.MEMBER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "user"], name="onboarding_member_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} for {self.merchant}"
