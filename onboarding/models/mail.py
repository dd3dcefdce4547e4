"""Mails on their way out, and the addresses that do not take them."""

import uuid

from django.db import models

from keyvault.due import DueRow


class OutgoingMail(DueRow):
    """One message to one address; workers claim it, and its text goes once it is sent."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recipient = models.EmailField()
    subject = models.CharField(max_length=200)
    # The whole message, sealed under the system's keychain: it may hold a link that opens a door.
    sealed = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    # Set when it is given up.
    failed_at = models.DateTimeField(null=True)
    # The last failure's class, never its text: that may hold an address or an answer of the server.
    problem = models.CharField(max_length=60, blank=True)

    def __str__(self) -> str:
        return self.subject


class BouncedAddress(models.Model):
    """An address that a mail server refused for good; only mails that verify it still go there."""

    # In lower case.
    email = models.EmailField(unique=True)
    # The enhanced status of RFC 3463, "5.1.1"; "5" where none was given.
    status = models.CharField(max_length=12)
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "bounced addresses"

    def __str__(self) -> str:
        return self.email
