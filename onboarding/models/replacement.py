"""A key that took the place of another, and until when that can be undone."""

from django.db import models

from keyvault.models import Credential
from onboarding.models.store import Store


class Replacement(models.Model):
    """One key in the place of another; the old one is kept until it is retired."""

    store = models.ForeignKey(Store, models.CASCADE, related_name="replacements")
    old = models.ForeignKey(Credential, models.CASCADE, related_name="replaced_by")
    new = models.OneToOneField(Credential, models.CASCADE, related_name="replaces")
    at = models.DateTimeField()
    # When the old key is destroyed; until then the replacement can be undone.
    retires_at = models.DateTimeField(db_index=True)
    # When it was retired or undone.
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["old"],
                condition=models.Q(ended_at__isnull=True),
                name="onboarding_one_open_replacement",
            )
        ]

    def __str__(self) -> str:
        return f"{self.new} for {self.old}"
