"""A vendor's announced end of one kind of credential."""

from django.db import models

from keyvault.models.credential import Credential


class Retirement(models.Model):
    """From when credentials of an endpoint are deprecated, and from when they are refused."""

    endpoint = models.CharField(max_length=110)
    kind = models.CharField(max_length=8, choices=Credential.Kind)
    deprecated_at = models.DateTimeField(null=True)
    # When the vendor stops accepting them.
    sunset_at = models.DateTimeField(null=True)
    # Whether that has come: nothing is lent any more.
    is_refused = models.BooleanField(default=False)
    # Where people read about it.
    link = models.URLField(blank=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "kind"], name="keyvault_one_retirement_each"
            )
        ]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.kind}"
