"""Django's way of sending, which writes to the outbox: allauth's mails take it too."""

from collections.abc import Sequence

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend

from onboarding.notices.outbox import enqueue


class OutboxBackend(BaseEmailBackend):
    """Writes a row for each recipient; nothing is sent here."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Queue the messages; give how many."""
        for message in email_messages:
            html = ""
            if isinstance(message, EmailMultiAlternatives):
                for content, mimetype in message.alternatives:
                    html = str(content) if mimetype == "text/html" else html
            for recipient in message.recipients():
                enqueue(
                    recipient=recipient,
                    subject=" ".join(str(message.subject).split()),
                    text=str(message.body),
                    html=html,
                    sender=message.from_email,
                    headers=message.extra_headers,
                    is_verification=getattr(message, "is_verification", False),
                )
        return len(email_messages)
