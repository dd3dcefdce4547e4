"""Credentials that want a new check; who does it stands above the vault."""

from django.db import models

from keyvault.due import DueRow
from keyvault.models.credential import Credential


class CredentialCheck(DueRow):
    """A credential that is to be checked anew. Claimed through `keyvault.due`."""

    credential = models.OneToOneField(
        Credential, models.CASCADE, primary_key=True, related_name="wanted_check"
    )
    # What a backend was told, "unauthorized" or "forbidden"; or a word of who else wants it.
    reason = models.CharField(max_length=20)

    def __str__(self) -> str:
        return f"check of {self.credential_id}"
