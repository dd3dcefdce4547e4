"""How far somebody has come in the walkthrough."""

import uuid

from django.db import models

from onboarding.models.person import User
from onboarding.models.store import Store


class Walkthrough(models.Model):
    """One pass through the six steps for one store, resumable for 24 hours."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.ForeignKey(Store, models.CASCADE, related_name="walkthroughs")
    user = models.ForeignKey(User, models.CASCADE, related_name="walkthroughs")
    # The step to be done next.
    step = models.PositiveSmallIntegerField(default=1)
    # Answers of step 1, {"owner": "yes", …}; never anything that was pasted at step 5.
    answers = models.JSONField(default=dict)
    # "Key 2 of 3": the number of the first key made in this pass, how many, how many are stored.
    first_number = models.PositiveSmallIntegerField(default=1)
    keys_wanted = models.PositiveSmallIntegerField(default=1)
    keys_done = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "user"],
                condition=models.Q(finished_at__isnull=True),
                name="onboarding_one_open_walkthrough",
            ),
            models.CheckConstraint(
                condition=models.Q(step__gte=1, step__lte=6), name="onboarding_walkthrough_steps"
            ),
        ]

    @property
    def key_number(self) -> int:
        """The number of the key that is being made now, counted over the whole store."""
        return self.first_number + self.keys_done

    @property
    def key_total(self) -> int:
        """How many keys the store has once this pass is done."""
        return self.first_number + self.keys_wanted - 1


class HandOver(models.Model):
    """One link by which somebody without an account makes a key for one store, and no more."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.ForeignKey(Store, models.CASCADE, related_name="hand_overs")
    # Who asked for help; the guest goes through this person's walkthrough.
    created_by = models.ForeignKey(User, models.CASCADE, related_name="hand_overs")
    # Hex of the SHA-256 of the link's token, which holds 256 random bits.
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    # The link works until it is opened; from then on one browser session goes on.
    opened_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "created_by"],
                condition=models.Q(ended_at__isnull=True),
                name="onboarding_one_open_hand_over",
            )
        ]
