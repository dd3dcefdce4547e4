"""Letters: text and HTML from the same few sentences, in the reader's language."""

from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from onboarding.notices.outbox import LOGO_ID


@dataclass(frozen=True, slots=True)
class Letter:
    """What is said to one person; never a secret, and one action at most.

    Attributes:
        subject: the subject, and the heading.
        paragraphs: sentences, plain text.
        action_label: the words of the one button; empty: none.
        action_url: where it leads, with host; may hold a single-use token, shown nowhere else.
        note: a last line in small print.
        unsubscribe_url: where such mails are stopped without signing in (RFC 8058); empty: they
            are part of what the reader asked for.
    """

    subject: str
    paragraphs: tuple[str, ...]
    action_label: str = ""
    action_url: str = ""
    note: str = ""
    unsubscribe_url: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A letter as it is sent."""

    subject: str
    text: str
    html: str


def render_letter(letter: Letter, *, language: str, nonce: str = "") -> Rendered:
    """Renders a letter.

    Args:
        letter: what is said, in that language already.
        language: a code of settings.LANGUAGES, for the frame around it.
        nonce: lets its style stand on a page of ours; a sent letter has none.

    Returns:
        Subject on one line, text and HTML.
    """
    context = {
        "letter": letter,
        "operator": settings.OPERATOR,
        "logo": _logo(is_preview=bool(nonce)),
        "language": language,
        "nonce": nonce,
    }
    with translation.override(language):
        return Rendered(
            subject=" ".join(letter.subject.split()),
            text=render_to_string("mail/letter.txt", context),
            html=render_to_string("mail/letter.html", context),
        )


def _logo(*, is_preview: bool) -> str:
    if not settings.NOTICES_LOGO:
        return ""
    return str(settings.OPERATOR.get("logo_url", "")) if is_preview else f"cid:{LOGO_ID}"


class LetterMessage(EmailMultiAlternatives):
    """A letter on its way to the outbox."""

    is_verification = False


def send_letter(letter: Letter, *, to: str, language: str, is_verification: bool = False) -> None:
    """Hands a letter to the outbox.

    With the outbox as settings.EMAIL_BACKEND this is one INSERT in the caller's transaction: the
    letter goes out if that commits, and only then.

    Args:
        letter: what is said, in that language already.
        to: one address.
        language: a code of settings.LANGUAGES.
        is_verification: it asks whether the address works, so it goes even where others bounced.
    """
    rendered = render_letter(letter, language=language)
    headers = {}
    if letter.unsubscribe_url:
        headers = {
            "List-Unsubscribe": f"<{letter.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    message = LetterMessage(rendered.subject, rendered.text, to=[to], headers=headers)
    message.is_verification = is_verification
    message.attach_alternative(rendered.html, "text/html")
    message.send()


def absolute_url(path: str) -> str:
    """The address of a page with its host, for letters that no request writes."""
    return f"{settings.SITE_URL}{path}"
