"""The vendor's permissions in words that can be translated.

`lightspeed` is plain Python and says them in English; each of those words stands here once more.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from lightspeed.oauth.provider import Scope

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_WORDS: "Mapping[str, StrOrPromise]" = {
    "Customers": _("Customers"),
    "Orders from the app": _("Orders from the app"),
    "Products and stock": _("Products and stock"),
    "Sales": _("Sales"),
}


def scope_label(scope: Scope) -> str:
    """What a merchant reads for a permission, in the language of the page."""
    return str(_WORDS[scope.label])
