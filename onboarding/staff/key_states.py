"""The states of keys in the words and colours of the panel."""

from django.utils.translation import gettext_lazy as _

from keyvault.models import Credential

# Of each state the kind of its tag and its words.
STATE_TAGS = {
    Credential.State.ACTIVE: ("ok", _("Active")),
    Credential.State.PAUSED: ("neutral", _("Paused")),
    Credential.State.SUSPENDED: ("danger", _("Refused")),
    Credential.State.REPLACED: ("info", _("Replaced")),
    Credential.State.REVOKED: ("neutral", _("Removed")),
}
