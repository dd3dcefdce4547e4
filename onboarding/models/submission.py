"""A pasted pair on its way into the vault."""

import uuid

from django.db import models

from keyvault.models import Credential
from onboarding.models.person import User
from onboarding.models.store import Store


class Submission(models.Model):
    """One pasted pair: its draft in the vault, its last check, and what became of it."""

    class State(models.TextChoices):
        """Where the submission stands."""

        WAITING = "waiting", "not checked yet"
        PASSED = "passed", "passed, to be stored"
        FAILED = "failed", "needs the merchant"
        STORED = "stored", "stored"
        DELETED = "deleted", "deleted or expired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.ForeignKey(Store, models.CASCADE, related_name="submissions")
    user = models.ForeignKey(User, models.CASCADE, related_name="submissions")
    name = models.CharField(max_length=100, blank=True)
    # The sealed pair in the vault; empty once stored or deleted.
    draft_id = models.UUIDField(null=True)
    credential = models.OneToOneField(
        Credential, models.PROTECT, null=True, related_name="submission"
    )
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    # When the vendor did not answer: the next check by itself.
    check_due_at = models.DateTimeField(null=True, db_index=True)
