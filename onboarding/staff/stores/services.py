"""Writing notes, and looking over a merchant's shoulder; both are on record."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from keyvault.audit import Action, record
from onboarding.models import Member, Store, StoreNote, User
from onboarding.people.selectors import actor_for
from onboarding.staff.inert import inert_main
from onboarding.stores.pages import store_page

# The same words by the same person within this time are one note, sent twice.
SENT_TWICE = timedelta(minutes=1)
PAGE = "onboarding/stores/store.html"


@transaction.atomic
def write_note(*, store: Store, author: User, text: str) -> StoreNote:
    """Keeps what somebody wants the others to know of a store.

    Args:
        store: which one.
        author: who writes.
        text: has been looked through for secrets.

    Returns:
        The note; the one that is there when the form was sent twice.
    """
    now = timezone.now()
    mine = StoreNote.objects.filter(store=store, author=author, text=text, at__gt=now - SENT_TWICE)
    if found := mine.first():
        return found
    note = StoreNote.objects.create(store=store, author=author, text=text, at=now)
    record(
        action=Action.NOTE_WRITTEN,
        actor=actor_for(author),
        subject=f"store:{store.pk}",
        facts={"note": note.pk},
    )
    return note


def page_of_merchant(*, store: Store, viewer: User) -> SafeString | None:
    """The store's page as its first owner sees it, with nothing in it that can be pressed.

    Records `store.shown` on the store's own record, where the merchant reads it.

    Args:
        store: which one.
        viewer: who of the staff looks.

    Returns:
        The page's content; None while nobody acts for the merchant.
    """
    members = Member.objects.filter(merchant=store.merchant_id).select_related("user")
    member = members.order_by("-role", "pk").first()
    if member is None:
        return None
    # Without a request: no form token, no message and no right of the viewer gets into it.
    context = store_page(user=member.user, store_id=store.pk) | {"operator": settings.OPERATOR}
    content = inert_main(render_to_string(PAGE, context))
    record(
        action=Action.STORE_SHOWN,
        actor=actor_for(viewer),
        keychain_id=store.pk,
        subject=f"store:{store.pk}",
    )
    return content
