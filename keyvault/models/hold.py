"""Credentials that are held back for a while, whatever a check of them says."""

from django.db import models

from keyvault.models.credential import Credential


class Hold(models.Model):
    """A suspended credential that only whoever holds it brings back."""

    credential = models.OneToOneField(
        Credential, models.CASCADE, primary_key=True, related_name="hold"
    )
    # One word of ours.
    reason = models.CharField(max_length=20)
    since = models.DateTimeField(auto_now_add=True)
    # Lease requests that were refused because nothing else of the store could be lent.
    denied = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"hold on {self.credential_id}"
