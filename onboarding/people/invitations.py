"""Inviting people by a link: single use, seven days, bound to one address.

Only the SHA-256 of a link's token is kept; the link itself is in the mail and nowhere else.
"""

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from pydantic import SecretStr

from keyvault.audit import Action, Actor
from onboarding.errors import (
    AccountExistsError,
    AlreadyMemberError,
    InvitationClosedError,
    OtherAddressError,
)
from onboarding.models import Invitation, Member, Merchant, User
from onboarding.notices.letters import Letter, absolute_url, send_letter
from onboarding.people.selectors import actor_for, digest_of, invitation_behind
from onboarding.people.services import add_member, create_person, record_for_stores

LIFETIME = timedelta(days=7)
TOKEN_BYTES = 32


@transaction.atomic
def invite_person(
    *,
    merchant: Merchant,
    email: str,
    role: str = Member.Role.MEMBER,
    language: str = "en",
    invited_by: User,
) -> Invitation:
    """Invites somebody to act for a merchant; the mail goes when the transaction commits.

    An open invitation of the same address is replaced: its link stops working. Locks the merchant's
    row, so that of two at the same moment the later replaces the earlier.

    Args:
        merchant: for whom.
        email: to whom; the link works for this address only.
        role: a value of Member.Role.
        language: of the mail, a code of settings.LANGUAGES.
        invited_by: named in the mail; an owner, or somebody of the staff.

    Returns:
        The invitation; the link is in the mail and nowhere else.

    Raises:
        AlreadyMemberError: the address belongs to a member already.
    """
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)
    email = email.lower()
    if merchant.members.filter(user__email__iexact=email).exists():
        raise AlreadyMemberError
    merchant.invitations.filter(email=email, used_at=None).delete()
    token = secrets.token_urlsafe(TOKEN_BYTES)
    invitation = Invitation.objects.create(
        merchant=merchant,
        email=email,
        role=role,
        language=language,
        digest=digest_of(token),
        invited_by=invited_by,
        expires_at=timezone.now() + LIFETIME,
    )
    record_for_stores(
        action=Action.MEMBER_INVITED,
        merchant=merchant,
        actor=actor_for(invited_by),
        subject=f"invitation:{invitation.pk}",
        facts={"role": role},
    )
    with translation.override(language):
        letter = invitation_letter(invitation, token=token)
    send_letter(letter, to=email, language=language)
    return invitation


@transaction.atomic
def accept_invitation(*, token: str, user: User) -> Member:
    """Lets the signed-in person act for the merchant that invited them.

    Args:
        token: of the link.
        user: who is signed in.

    Returns:
        The membership.

    Raises:
        InvitationClosedError: used, withdrawn or expired, perhaps a moment ago.
        OtherAddressError: the invitation is for another address.
        AlreadyMemberError: the person was added in another way meanwhile.
    """
    invitation = invitation_behind(token)
    if invitation.email != user.email.lower():
        raise OtherAddressError
    _use(invitation)
    return add_member(
        merchant=invitation.merchant, user=user, role=invitation.role, actor=actor_for(user)
    )


@transaction.atomic
def accept_as_new_person(*, token: str, password: SecretStr) -> User:
    """Makes the account of an invited address, and lets it act for the merchant.

    The address counts as verified: the link came by mail to it.

    Args:
        token: of the link.
        password: checked against settings.AUTH_PASSWORD_VALIDATORS already.

    Returns:
        The account.

    Raises:
        InvitationClosedError: used, withdrawn or expired, perhaps a moment ago.
        AccountExistsError: the address has an account; its owner signs in.
    """
    invitation = invitation_behind(token)
    if has_account(invitation):
        raise AccountExistsError
    _use(invitation)
    user = create_person(email=invitation.email, password=password, language=invitation.language)
    add_member(merchant=invitation.merchant, user=user, role=invitation.role, actor=actor_for(user))
    return user


@transaction.atomic
def withdraw_invitation(*, invitation: Invitation, actor: Actor) -> None:
    """Makes an invitation's link stop working.

    Args:
        invitation: an open one.
        actor: who takes it back; recorded for each store of the merchant.
    """
    record_for_stores(
        action=Action.MEMBER_UNINVITED,
        merchant=invitation.merchant,
        actor=actor,
        subject=f"invitation:{invitation.pk}",
        facts={"role": invitation.role},
    )
    invitation.delete()


def has_account(invitation: Invitation) -> bool:
    """Whether the invited address can sign in; only the bearer of the link may be told."""
    return User.objects.filter(email__iexact=invitation.email).exists()


def invitation_letter(invitation: Invitation, *, token: str) -> Letter:
    """The mail that holds the link, in the language that is active."""
    operator = settings.OPERATOR["name"]
    names = {"merchant": invitation.merchant.name, "operator": operator}
    return Letter(
        subject=_("Connect %(merchant)s to %(operator)s") % names,
        paragraphs=(
            _("You are invited to look after the keys of %(merchant)s.") % names,
            _("It takes about ten minutes, and you need your Lightspeed Back Office for it."),
        ),
        action_label=_("Accept the invitation"),
        action_url=absolute_url(reverse("invitation", args=[token])),
        note=_("The link works once, for seven days, and for this address only."),
    )


def _use(invitation: Invitation) -> None:
    """Spend the link; of two windows one wins."""
    now = timezone.now()
    open_rows = Invitation.objects.filter(pk=invitation.pk, used_at=None, expires_at__gt=now)
    if not open_rows.update(used_at=now):
        raise InvitationClosedError
