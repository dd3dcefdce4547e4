"""The operator's registrations at OAuth providers."""

import uuid

from django.db import models

from onboarding.models.person import User


class ProviderClient(models.Model):
    """What staff entered for one provider; the secret is sealed under the system's keychain."""

    provider = models.CharField(max_length=40, primary_key=True)
    record_id = models.UUIDField(default=uuid.uuid4, editable=False)
    client_id = models.CharField(max_length=200)
    sealed_secret = models.BinaryField()
    version = models.PositiveIntegerField(default=1)
    # Merchants may connect; off: they join the waiting line.
    is_open = models.BooleanField(default=True)
    # Where merchants begin when it is not here: the app's page in the vendor's store.
    start_url = models.URLField(blank=True)
    entered_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.provider
