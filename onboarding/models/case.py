"""Investigations: "how many keys does my sale need?", asked by a merchant, answered by staff."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from onboarding.models.person import User
from onboarding.models.store import Store


class Case(models.Model):
    """One question about one sale, from the merchant's figures to what really happened."""

    class State(models.TextChoices):
        """Whose turn it is."""

        OPEN = "open", _("waits for staff")
        ASKED = "asked", _("waits for the merchant")
        ANSWERED = "answered", _("answered")
        CLOSED = "closed", _("closed")

    class Outcome(models.TextChoices):
        """How the sale went."""

        ENOUGH = "enough", _("The keys were enough")
        TIGHT = "tight", _("Just enough: the app was slow at times")
        TOO_FEW = "too_few", _("Too few: requests were refused")
        NO_SALE = "no_sale", _("There was no sale")
        WITHDRAWN = "withdrawn", _("The merchant took the question back")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.ForeignKey(Store, models.CASCADE, related_name="cases")
    opened_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="cases")
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    sale_on = models.DateField()
    # The merchant's figures and what the planner made of them, as `capacity.planner` names them.
    figures = models.JSONField(default=dict)
    factors = models.JSONField(default=dict)
    estimate = models.JSONField(default=dict)
    reply_by = models.DateTimeField()
    recommended_keys = models.PositiveSmallIntegerField(null=True)
    # What really happened; `measured` is [[seconds, requests], …] of the day of the sale.
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    actual_visitors = models.PositiveIntegerField(null=True)
    actual_orders = models.PositiveIntegerField(null=True)
    closing_note = models.TextField(max_length=5000, blank=True)
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
    # Of the form that it was sent with, so that sending it twice is one message.
    form_id = models.UUIDField(null=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "form_id"], name="onboarding_one_message_a_form"
            )
        ]

    def __str__(self) -> str:
        return f"message of {self.case}"
