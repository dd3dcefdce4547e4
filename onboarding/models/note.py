"""What staff want to remember of a store."""

from django.db import models

from onboarding.models.person import User
from onboarding.models.store import Store


class StoreNote(models.Model):
    """A few lines by one of the staff; merchants do not see them. Never a secret."""

    store = models.ForeignKey(Store, models.CASCADE, related_name="notes")
    author = models.ForeignKey(User, models.PROTECT, related_name="store_notes")
    text = models.CharField(max_length=2000)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["store", "-at"])]

    def __str__(self) -> str:
        return f"{self.store}, {self.at:%Y-%m-%d}"
