"""A pasted pair on its way into the vault."""

import uuid
from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from keyvault.due import DueRow
from keyvault.models import Credential
from onboarding.models.person import User
from onboarding.models.store import Store
from onboarding.models.walkthrough import HandOver, Walkthrough


class Submission(DueRow):
    """One pasted pair: its draft in the vault, its last check, and what became of it.

    Who asks the vendor claims the row, a page and a worker alike; `due_at` is the next check.
    """

    class State(models.TextChoices):
        """Where the submission stands."""

        PARTIAL = "partial", _("key or secret still to come")
        WAITING = "waiting", _("not checked yet")
        PASSED = "passed", _("passed, to be stored")
        FAILED = "failed", _("needs the merchant")
        STORED = "stored", _("stored")
        DELETED = "deleted", _("deleted or expired")

    # The states in which the vault holds a draft.
    OPEN_STATES = (State.PARTIAL, State.WAITING, State.PASSED, State.FAILED)

    # Chosen by the form, so that a form sent twice makes one submission.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.ForeignKey(Store, models.CASCADE, related_name="submissions")
    user = models.ForeignKey(User, models.CASCADE, related_name="submissions")
    walkthrough = models.ForeignKey(
        Walkthrough, models.SET_NULL, null=True, related_name="submissions"
    )
    # The link by which a guest pasted it; null when a member of the merchant did.
    hand_over = models.ForeignKey(HandOver, models.SET_NULL, null=True, related_name="submissions")
    name = models.CharField(max_length=100, blank=True)
    # What is asked: a store that has no key yet may turn out to live elsewhere.
    cluster = models.CharField(max_length=4, choices=Store.Cluster, default=Store.Cluster.EU1)
    language = models.CharField(max_length=8, default="en")
    # The key whose place this one takes.
    replaces = models.ForeignKey(
        Credential, models.SET_NULL, null=True, related_name="replacing_submissions"
    )
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

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["partial", "waiting", "passed", "failed"], draft_id__isnull=False
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

    def __str__(self) -> str:
        return self.name or str(self.pk)

    def is_checking(self, *, now: datetime) -> bool:
        """Whether somebody is asking the vendor."""
        return self.claimed_until is not None and self.claimed_until > now

    @property
    def is_whole(self) -> bool:
        """Whether the vault holds a pair that can be checked."""
        return self.is_open and self.state != self.State.PARTIAL

    @property
    def is_open(self) -> bool:
        """Whether the vault holds its draft."""
        return self.state in self.OPEN_STATES
