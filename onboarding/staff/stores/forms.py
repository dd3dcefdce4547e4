"""What staff write on a store."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.capacity.forms import WordsField

MOST_CHARACTERS = 2000


class NoteForm(forms.Form):
    """One note."""

    text = WordsField(
        label=_("Note"),
        help_text=_("For the staff; the merchant does not see it. No keys, no secrets."),
        most=MOST_CHARACTERS,
        rows=3,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        errors = self.fields["text"].error_messages
        errors["required"] = _("Write the note first.")
        errors["max_length"] = _("Use at most %(limit_value)s characters.")
