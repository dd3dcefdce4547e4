"""Rules of a good password whose words Django does not have in every language of ours."""

from django.contrib.auth.password_validation import (
    MinimumLengthValidator,
    UserAttributeSimilarityValidator,
)
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


class LongEnough(MinimumLengthValidator):
    """At least so many characters."""

    def get_error_message(self) -> str:
        """Say how many."""
        return ngettext(
            "This password is too short. It needs at least %(least)d character.",
            "This password is too short. It needs at least %(least)d characters.",
            self.min_length,
        ) % {"least": self.min_length}


class UnlikeTheAddress(UserAttributeSimilarityValidator):
    """Not the e-mail address over again; people have no other name here."""

    def __init__(self) -> None:
        """Look at the address alone."""
        super().__init__(user_attributes=("email",))

    def get_error_message(self) -> str:
        """Name what it is like."""
        return _("This password is too much like your email address.")
