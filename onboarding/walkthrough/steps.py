"""The six steps, in their order, and why each permission is asked for."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lightspeed.permissions import Access, Group, Permission
from onboarding.walkthrough.back_office import BackOfficeWords

STEP_TOTAL = 6
BEFORE_YOU_START, OPEN_DEVELOPERS, NAME_IT, TICK_BOXES, PASTE, RESULT = range(1, STEP_TOTAL + 1)
# The steps that are pages of the walkthrough itself; pasting and its result have their own.
OWN_STEPS = (BEFORE_YOU_START, OPEN_DEVELOPERS, NAME_IT, TICK_BOXES)

TITLES: dict[int, Promise] = {
    BEFORE_YOU_START: _("Before you start"),
    OPEN_DEVELOPERS: _("Open the Developers page"),
    NAME_IT: _("Give the key a name"),
    TICK_BOXES: _("Switch the key on and tick the boxes"),
    PASTE: _("Copy and paste the key"),
    RESULT: _("Check your answers"),
}

_REASONS: dict[Group, Promise] = {
    Group.CONTENT: _("Shows your pages, banners and blog in the app."),
    Group.PRODUCTS: _("Shows your products, prices and stock, and keeps them up to date."),
    Group.CUSTOMERS: _("Lets your customers sign in and change their details."),
    Group.ORDERS: _("Places the orders that customers make in the app."),
    Group.SETTINGS: _("Reads your shop's languages, taxes and payment methods."),
    Group.TRACKING: _("Tells you which sales came from the app."),
}


@dataclass(frozen=True, slots=True)
class PermissionRow:
    """One row of the table of boxes to tick.

    Attributes:
        label: the group as the Back Office writes it.
        reason: why the app needs it.
        read: whether the Read box must be ticked; likewise `write`.
    """

    label: str
    reason: Promise
    read: bool
    write: bool


def permission_rows(
    *, required: tuple[Permission, ...], words: BackOfficeWords
) -> tuple[PermissionRow, ...]:
    """List the groups in the Back Office's order with the boxes that must be ticked."""
    return tuple(
        PermissionRow(
            label=words.group(group.value),
            reason=_REASONS[group],
            read=Permission(group, Access.READ) in required,
            write=Permission(group, Access.WRITE) in required,
        )
        for group in Group
    )
