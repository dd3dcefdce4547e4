"""What came of a check, in the words of the panel."""

from django.utils.translation import gettext


def outcome_words(outcome: str) -> str:
    """An outcome as a person reads it, in the language that is active."""
    return gettext(outcome.replace("_", " "))
