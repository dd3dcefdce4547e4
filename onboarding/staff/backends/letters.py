"""What people of the security role are told by mail about tokens, each in their own language."""

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from keyvault.models import BackendToken
from onboarding.models import User
from onboarding.notices.letters import Letter, absolute_url, send_letter
from onboarding.staff.team.selectors import security_people


def tell_approvers(token: BackendToken, *, asker: User) -> None:
    """Write to everybody but the asker who may decide. One INSERT each, in the transaction."""
    for user in security_people().exclude(pk=asker.pk):
        with translation.override(user.language):
            letter = asked_letter(token, who=asker.email)
        send_letter(letter, to=user.email, language=user.language)


def tell_asker(token: BackendToken, *, asker: User, is_approved: bool) -> None:
    """Write to the asker that a second person has decided. One INSERT, in the transaction."""
    with translation.override(asker.language):
        letter = decided_letter(token, is_approved=is_approved)
    send_letter(letter, to=asker.email, language=asker.language)


def asked_letter(token: BackendToken, *, who: str) -> Letter:
    """Asks a second person."""
    facts = {"who": who, "backend": token.backend.name}
    return Letter(
        subject=_("A second person is needed: %(who)s asks for a token of %(backend)s") % facts,
        paragraphs=(
            _("%(who)s has made a token with which %(backend)s can borrow keys.") % facts,
            _("It opens nothing until you say so. Speak to them before you decide."),
        ),
        action_label=_("Look at the token"),
        action_url=absolute_url(reverse("staff-token-decide", args=[token.pk])),
        note=_("You get this because you may decide on such tokens."),
    )


def decided_letter(token: BackendToken, *, is_approved: bool) -> Letter:
    """Says what the second person decided."""
    facts = {"backend": token.backend.name, "token": str(token)}
    if is_approved:
        subject = _("The new token of %(backend)s works") % facts
        text = _("A second person has spoken for %(token)s. It works from now on.") % facts
    else:
        subject = _("The new token of %(backend)s was turned down") % facts
        text = _("A second person has turned %(token)s down. It never opened anything.") % facts
    return Letter(
        subject=subject,
        paragraphs=(text,),
        action_label=_("See the backend"),
        action_url=absolute_url(reverse("admin:keyvault_backend_change", args=[token.backend_id])),
    )
