"""Investigations: "how many keys does my sale need?", asked by a merchant, answered by staff."""

import uuid

from django.db import models

from onboarding.models.person import User
from onboarding.models.store import Store


class Case(models.Model):
    """One question about one sale, from the merchant's figures to what really happened."""

    class State(models.TextChoices):
        """Whose turn it is."""

        OPEN = "open", "staff are looking into it"
        ANSWERED = "answered", "answered"
        CLOSED = "closed", "the sale is over"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.ForeignKey(Store, models.CASCADE, related_name="cases")
    opened_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="cases")
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    sale_on = models.DateField()
    # The merchant's figures and what the planner made of them, as `capacity.planner` names them.
    figures = models.JSONField(default=dict)
    estimate = models.JSONField(default=dict)
    reply_by = models.DateTimeField()
    recommended_keys = models.PositiveSmallIntegerField(null=True)
    # What was measured around the sale: [[seconds, requests], …].
    measured = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "reply_by"])]
        constraints = [
            models.UniqueConstraint(
                fields=["store", "sale_on"],
                condition=~models.Q(state="closed"),
                name="onboarding_one_running_case_a_sale",
            )
        ]

    def __str__(self) -> str:
        return f"{self.store} on {self.sale_on}"


class CaseMessage(models.Model):
    """One message of a case, either way."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="messages")
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    is_from_staff = models.BooleanField()
    text = models.TextField(max_length=5000)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"message of {self.case}"
