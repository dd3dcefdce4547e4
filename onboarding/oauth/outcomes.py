"""What can come of a way to the vendor and back, each with its own words and its own next step."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Outcome(StrEnum):
    """How a consent ended."""

    PASSED = "passed"
    DENIED = "denied"
    TOO_LATE = "too_late"
    CODE_EXPIRED = "code_expired"
    WRONG_ACCOUNT = "wrong_account"
    IN_USE = "in_use"
    MISSING_SCOPES = "missing_scopes"
    UNUSABLE = "unusable"
    UNAVAILABLE = "unavailable"
    OPERATOR = "operator"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Words:
    """What a merchant reads.

    Attributes:
        heading: what happened.
        text: what it means and what to do; nothing was stored in any of these cases.
        is_repeatable: whether trying again makes sense.
    """

    heading: str | Promise
    text: str | Promise
    is_repeatable: bool = True


WORDS: dict[str, Words] = {
    Outcome.DENIED: Words(
        _("You did not approve access"),
        _(
            "Lightspeed says that access was not approved. Nothing was stored, and nothing changed "
            "for your app. If that was a mistake, connect again and choose Approve."
        ),
    ),
    Outcome.TOO_LATE: Words(
        _("That took too long"),
        _("You have half an hour for the way to Lightspeed and back. Please connect again."),
    ),
    Outcome.CODE_EXPIRED: Words(
        _("Lightspeed's answer was too old"),
        _(
            "Lightspeed's approval is good for a short moment only, and it was over when it "
            "reached us. Please connect again; it usually works at once."
        ),
    ),
    Outcome.WRONG_ACCOUNT: Words(
        _("That is another Lightspeed account"),
        _(
            "You approved access to an account that is not the one of this store. Sign out at "
            "Lightspeed, sign in with the account of this store, and connect again."
        ),
    ),
    Outcome.IN_USE: Words(
        _("This Lightspeed account is connected already"),
        _(
            "One account feeds one store here. If you think that this is wrong, write to us; we "
            "look into it with you."
        ),
        is_repeatable=False,
    ),
    Outcome.MISSING_SCOPES: Words(
        _("Some permissions are missing"),
        _("Connect again and leave every permission of the list switched on."),
    ),
    Outcome.UNUSABLE: Words(
        _("We could not use Lightspeed's answer"),
        _(
            "The answer did not belong to what we asked. Nothing was stored. Connect again; if it "
            "happens twice, write to us."
        ),
    ),
    Outcome.UNAVAILABLE: Words(
        _("Lightspeed does not answer"),
        _("Lightspeed is busy or down. Nothing was stored. Please connect again in some minutes."),
    ),
    Outcome.OPERATOR: Words(
        _("This is our fault"),
        _(
            "Lightspeed does not accept our own registration. Nothing was stored. We are told and "
            "mend it; you need not do anything but try again tomorrow."
        ),
        is_repeatable=False,
    ),
    Outcome.CANCELLED: Words(
        _("Nothing was connected"),
        _("You chose not to connect this account. What Lightspeed had approved is deleted here."),
    ),
}
