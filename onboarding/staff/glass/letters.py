"""What people are told by mail when glass is broken, each in their own language."""

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from keyvault.models import Credential
from onboarding.models import GlassRequest, Member, Store
from onboarding.notices.letters import Letter, absolute_url, send_letter
from onboarding.staff.team.selectors import security_people


def tell_approvers(request: GlassRequest) -> None:
    """Write to everybody but the asker who may approve. One INSERT each, in the transaction."""
    for user in security_people().exclude(pk=request.asked_by_id):
        with translation.override(user.language):
            letter = asked_letter(request)
        send_letter(letter, to=user.email, language=user.language)


def tell_asker(request: GlassRequest) -> None:
    """Write to the asker that a second person has decided. One INSERT, in the transaction."""
    user = request.asked_by
    with translation.override(user.language):
        letter = decided_letter(request)
    send_letter(letter, to=user.email, language=user.language)


def tell_merchant(request: GlassRequest) -> None:
    """Write to the store's owners that their key was opened; a decoy has none."""
    store = getattr(request.credential.keychain, "store", None)
    if store is None:
        return
    owners = Member.objects.filter(merchant=store.merchant_id, role=Member.Role.OWNER)
    for member in owners.select_related("user"):
        with translation.override(member.user.language):
            letter = opened_letter(request, store=store)
        send_letter(letter, to=member.user.email, language=member.user.language)


def asked_letter(request: GlassRequest) -> Letter:
    """Asks a second person."""
    facts = {"who": request.asked_by.email, "key": str(request.credential)}
    return Letter(
        subject=_("A second person is needed: %(who)s asks to break glass") % facts,
        paragraphs=(
            _("%(who)s asks to open the secret of %(key)s.") % facts,
            _("Speak to them before you decide. Nobody is kept waiting by a mail alone."),
        ),
        action_label=_("Look at the request"),
        action_url=absolute_url(reverse("staff-glass", args=[request.pk])),
        note=_("You get this because you may approve such requests."),
    )


def decided_letter(request: GlassRequest) -> Letter:
    """Says what the second person decided."""
    facts = {"key": str(request.credential)}
    if request.state == GlassRequest.State.APPROVED and request.open_until:
        facts["until"] = date_format(localtime(request.open_until), "DATETIME_FORMAT")
        subject = _("Approved: %(key)s may be opened") % facts
        text = _("You may open it once, until %(until)s.") % facts
    else:
        subject = _("Denied: %(key)s stays closed") % facts
        text = _("The second person denied your request. Nothing was opened.")
    return Letter(
        subject=subject,
        paragraphs=(text,),
        action_label=_("See the request"),
        action_url=absolute_url(reverse("staff-glass", args=[request.pk])),
    )


def opened_letter(request: GlassRequest, *, store: Store) -> Letter:
    """Tells a merchant, and asks for a new key."""
    credential = request.credential
    facts = {
        "operator": settings.OPERATOR["name"],
        "key": str(credential),
        "store": store.name,
        "app": store.app_name,
    }
    if credential.kind == Credential.Kind.BASIC:
        address = f"{reverse('submission:paste', args=[store.pk])}?replaces={credential.pk}"
    else:
        address = reverse("store", args=[store.pk])
    return Letter(
        subject=_("Please replace a key of %(store)s: our staff opened it") % facts,
        paragraphs=(
            _("In an emergency, staff of %(operator)s opened the secret of %(key)s.") % facts,
            _("Two people had to agree to it, and it is on the record of your store."),
            _(
                "A secret that somebody has seen should not be used for long. Make a new key and "
                "put it in the place of this one; %(app)s goes on working meanwhile."
            )
            % facts,
        ),
        action_label=_("Replace the key"),
        action_url=absolute_url(address),
    )
