"""A pasted pair on its way into the vault."""

import uuid
from datetime import datetime

from django.db import models

from keyvault.models import Credential
from onboarding.models.person import User
from onboarding.models.store import Store
from onboarding.models.walkthrough import Walkthrough


class Submission(models.Model):
    """One pasted pair: its draft in the vault, its last check, and what became of it."""

    class State(models.TextChoices):
        """Where the submission stands."""

        WAITING = "waiting", "not checked yet"
        PASSED = "passed", "passed, to be stored"
        FAILED = "failed", "needs the merchant"
        STORED = "stored", "stored"
        DELETED = "deleted", "deleted or expired"

    # The states in which the vault holds a draft.
    OPEN_STATES = (State.WAITING, State.PASSED, State.FAILED)

    # Chosen by the form, so that a form sent twice makes one submission.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.ForeignKey(Store, models.CASCADE, related_name="submissions")
    user = models.ForeignKey(User, models.CASCADE, related_name="submissions")
    walkthrough = models.ForeignKey(
        Walkthrough, models.SET_NULL, null=True, related_name="submissions"
    )
    name = models.CharField(max_length=100, blank=True)
    # What is asked: a store that has no key yet may turn out to live elsewhere.
    cluster = models.CharField(max_length=4, choices=Store.Cluster, default=Store.Cluster.EU1)
    language = models.CharField(max_length=8, default="en")
    # What was seen in the pasted text, as codes; never the text.
    findings = models.JSONField(default=list)
    # The shop that the merchant agreed to after "another shop than this store".
    accepted_shop_id = models.PositiveBigIntegerField(null=True)
    # The sealed pair in the vault; empty once stored or deleted.
    draft_id = models.UUIDField(null=True)
    credential = models.OneToOneField(
        Credential, models.PROTECT, null=True, related_name="submission"
    )
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    # Somebody is asking the vendor until then; a crashed check frees itself.
    checking_until = models.DateTimeField(null=True)
    # When the vendor did not answer: the next check by itself, and how many there have been.
    check_due_at = models.DateTimeField(null=True, db_index=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["waiting", "passed", "failed"], draft_id__isnull=False
                )
                | models.Q(state__in=["stored", "deleted"], draft_id__isnull=True),
                name="onboarding_submission_draft_while_open",
            ),
            models.CheckConstraint(
                condition=models.Q(state="stored", credential__isnull=False)
                | (~models.Q(state="stored") & models.Q(credential__isnull=True)),
                name="onboarding_submission_credential_when_stored",
            ),
        ]

    def is_checking(self, *, now: datetime) -> bool:
        """Whether a check is under way."""
        return self.checking_until is not None and self.checking_until > now
