"""What can come of an installation of the partner app, each with its own words and next step."""

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from lightspeed.result import Outcome
from onboarding.oauth.outcomes import Words


class InstallOutcome(StrEnum):
    """How an installation ended, or where it stands."""

    STORED = "stored"
    FORGED = "forged"
    TOO_OLD = "too_old"
    USED = "used"
    OVER = "over"
    CLOSED = "closed"
    NO_STORE = "no_store"
    WRONG_SHOP = "wrong_shop"
    IN_USE = "in_use"
    REFUSED = "refused"
    MISSING = "missing"
    LANGUAGE = "language"
    UNAVAILABLE = "unavailable"
    CANCELLED = "cancelled"
    UNINSTALLED = "uninstalled"


# Checked, and worth checking again without another installation.
REPEATABLE = (InstallOutcome.MISSING, InstallOutcome.UNAVAILABLE)

_FOUND = {
    Outcome.PASSED: InstallOutcome.STORED,
    Outcome.MISSING_PERMISSIONS: InstallOutcome.MISSING,
    Outcome.LANGUAGE_INACTIVE: InstallOutcome.LANGUAGE,
    Outcome.OTHER_SHOP: InstallOutcome.REFUSED,
    Outcome.SHOP_UNKNOWN: InstallOutcome.REFUSED,
    Outcome.REFUSED: InstallOutcome.REFUSED,
    Outcome.SWAPPED: InstallOutcome.REFUSED,
}


def outcome_of(found: Outcome) -> InstallOutcome:
    """What a live check means for an installation."""
    return _FOUND.get(found, InstallOutcome.UNAVAILABLE)


WORDS: dict[InstallOutcome, Words] = {
    InstallOutcome.FORGED: Words(
        _("We cannot tell that Lightspeed sent you"),
        _(
            "This address is not signed by Lightspeed, or something in it was changed. Nothing was "
            "stored. Open your Back Office at Lightspeed and install the app from there."
        ),
    ),
    InstallOutcome.TOO_OLD: Words(
        _("This installation is too old"),
        _(
            "Lightspeed's address is good for ten minutes. Nothing was stored. Open your Back "
            "Office at Lightspeed and install the app once more."
        ),
    ),
    InstallOutcome.USED: Words(
        _("This address was used already"),
        _(
            "It works once, in the browser in which it was opened first. If you have just "
            "installed the app, all is well: look at your store. Else install it once more at "
            "Lightspeed."
        ),
    ),
    InstallOutcome.OVER: Words(
        _("There is no installation to finish"),
        _(
            "It was finished or given up, or its time is over. What we held of it is deleted. "
            "Install the app once more at Lightspeed if your store does not show it."
        ),
    ),
    InstallOutcome.CLOSED: Words(
        _("The app cannot be installed yet"),
        _("Nothing was stored. Write to us: we tell you when it can, and what works meanwhile."),
        is_repeatable=False,
    ),
    InstallOutcome.NO_STORE: Words(
        _("You have no store here yet"),
        _("Nothing is lost: we set up your store, and then you install the app once more."),
        is_repeatable=False,
    ),
    InstallOutcome.WRONG_SHOP: Words(
        _("That is another shop"),
        _(
            "You installed the app in a shop that is none of your stores here. Nothing was stored. "
            "Sign in to the Back Office of the right shop and install the app there."
        ),
    ),
    InstallOutcome.IN_USE: Words(
        _("This shop is connected already"),
        _(
            "One shop feeds one store here. Nothing was stored. If you think that this is wrong, "
            "write to us; we look into it with you."
        ),
        is_repeatable=False,
    ),
    InstallOutcome.REFUSED: Words(
        _("Lightspeed does not accept this installation"),
        _(
            "What we got does not open your shop. Nothing was stored. Remove the app in your Back "
            "Office at Lightspeed and install it once more."
        ),
    ),
    InstallOutcome.MISSING: Words(
        _("Some permissions are missing"),
        _(
            "Nothing was stored. Open the app in your Back Office at Lightspeed, approve every "
            "permission, then check again."
        ),
    ),
    InstallOutcome.LANGUAGE: Words(
        _("This language is switched off in your shop"),
        _(
            "Nothing was stored. Switch the language on in your Back Office, or install the app "
            "once more with a language that your shop uses."
        ),
    ),
    InstallOutcome.UNAVAILABLE: Words(
        _("Lightspeed does not answer"),
        _("Nothing was stored yet. What we got is kept, sealed, until you check again."),
    ),
    InstallOutcome.CANCELLED: Words(
        _("Nothing was connected"),
        _("Nothing was stored and nothing changed for your app."),
        is_repeatable=False,
    ),
    InstallOutcome.UNINSTALLED: Words(
        _("The app is uninstalled"),
        _(
            "Your shop's access is deleted here as well. To use the app again, install it once "
            "more at Lightspeed."
        ),
        is_repeatable=False,
    ),
}
