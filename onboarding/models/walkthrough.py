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
    step = models.PositiveSmallIntegerField(default=1)
    # Answers of step 1, {"is_owner": true, …}; never anything that was pasted at step 5.
    answers = models.JSONField(default=dict)
    keys_wanted = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True)
