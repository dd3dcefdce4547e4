"""What staff must look at: a tripwire that fired."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from keyvault.models.audit import CanonicalJSONField


class Alert(models.Model):
    """One thing that should not happen; the audit record holds it as well, for good."""

    class Kind(models.TextChoices):
        """Which tripwire."""

        DECRYPT_RATE = "decrypt-rate", _("more secrets opened than usual")
        HONEYTOKEN = "honeytoken", _("a decoy credential was used")
        TWO_MERCHANTS = "two-merchants", _("one API key at two merchants")
        TAMPERED = "tampered", _("a sealed record does not open")

    kind = models.CharField(max_length=20, choices=Kind)
    # Whom or what it concerns, "backend:<uuid>", "credential:<uuid>", …
    subject = models.CharField(max_length=80)
    facts = CanonicalJSONField(default=dict)
    at = models.DateTimeField(db_index=True)
    # The same thing within this time is not told again.
    quiet_until = models.DateTimeField()
    # When staff were told at once; of a flood of one kind only the first is.
    told_at = models.DateTimeField(null=True)
    handled_at = models.DateTimeField(null=True)
    handled_by = models.CharField(max_length=80, blank=True)
    handled_note = models.CharField(max_length=500, blank=True, default="", db_default="")

    class Meta:
        indexes = [
            models.Index(
                fields=["kind", "subject", "quiet_until"], name="keyvault_al_kind_quiet_idx"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"
