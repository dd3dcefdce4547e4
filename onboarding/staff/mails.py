"""Looking at letters as they are sent, in each language, with made-up names."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from keyvault.models import Credential
from onboarding.migration.letters import deadline_letter
from onboarding.models import Invitation, Merchant, Phase, Plan, Store
from onboarding.notices.key_letters import Change, Condition, key_letter
from onboarding.notices.letters import Letter, absolute_url, render_letter
from onboarding.oauth.letters import uninstalled_letter
from onboarding.people.invitations import invitation_letter
from onboarding.people.letters import EVENTS, REQUESTS, account_letter
from onboarding.staff.digest import digest_letter
from onboarding.staff.pages import show, staff_page
from onboarding.staff.queue import work_queue

PERMISSION = "onboarding.view_outgoingmail"


def _account(name: str) -> Callable[[], Letter]:
    link = absolute_url("/made-up-link/")
    context = {"password_reset_url": link, "activate_url": link}
    return lambda: account_letter(name=name, context=context)


def _invitation() -> Letter:
    merchant = Merchant(name="Bloem & Blad")
    invitation = Invitation(
        merchant=merchant, email="anna@example.test", expires_at=timezone.now() + timedelta(days=7)
    )
    return invitation_letter(invitation, token="made-up-token")  # noqa: S106  # opens nothing


def _store() -> Store:
    return Store(
        keychain_id=UUID(int=0),
        merchant=Merchant(name="Bloem & Blad"),
        name="Bloem & Blad Utrecht",
        app_name="Bloem App",
    )


def _keys(condition: Condition) -> Callable[[], Letter]:
    key = Credential(name="Bloem App mobile", last_four="4f2a")
    change = Change(key=key, condition=condition, before=Condition.WORKS)
    is_broken = condition == Condition.REFUSED

    def letter() -> Letter:
        language = get_language() or settings.LANGUAGE_CODE
        return key_letter(store=_store(), changes=[change], is_broken=is_broken, language=language)

    return letter


def _deadline() -> Letter:
    plan = Plan(name="Farewell", vendor="Lightspeed")
    phase = Phase(plan=plan, starts_at=timezone.now() + timedelta(days=7))
    language = get_language() or settings.LANGUAGE_CODE
    return deadline_letter(phase=phase, store=_store(), language=language)


def _uninstalled() -> Letter:
    language = get_language() or settings.LANGUAGE_CODE
    return uninstalled_letter(store=_store(), goes_on=False, language=language)


# By a name for the address; letters of further features are added here.
SAMPLES: dict[str, Callable[[], Letter]] = {
    "invitation": _invitation,
    "keys-refused": _keys(Condition.REFUSED),
    "keys-lacking": _keys(Condition.LACKING),
    "keys-work-again": _keys(Condition.WORKS),
    "deadline": _deadline,
    "uninstalled": _uninstalled,
    "digest": lambda: digest_letter(work_queue(now=timezone.now())),
    **{
        name.replace("/email/", "-").replace("_", "-"): _account(name)
        for name in (*REQUESTS, *EVENTS)
    },
}


@staff_page(PERMISSION)
@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    """List the letters that this site sends."""
    rows = [{"name": name, "subject": sample().subject} for name, sample in SAMPLES.items()]
    context = {"rows": rows, "languages": settings.LANGUAGES}
    return show(request, template="mails.html", title=_("Mails"), context=context)


@staff_page(PERMISSION)
@require_safe
def mail(request: HttpRequest, name: str, language: str) -> HttpResponse:
    """Show one letter as text, with a link to its HTML."""
    letter = _letter(name, language=language)
    rendered = render_letter(letter, language=language)
    context = {"name": name, "language": language, "rendered": rendered}
    return show(request, template="mail.html", title=rendered.subject, context=context)


@staff_page(PERMISSION)
@require_safe
def mail_html(request: HttpRequest, name: str, language: str) -> HttpResponse:
    """Show one letter's HTML by itself, as a mail program would."""
    letter = _letter(name, language=language)
    nonce = str(getattr(request, "csp_nonce", ""))
    return HttpResponse(render_letter(letter, language=language, nonce=nonce).html)


def _letter(name: str, *, language: str) -> Letter:
    if name not in SAMPLES or language not in dict(settings.LANGUAGES):
        raise Http404
    with translation.override(language):
        return SAMPLES[name]()
