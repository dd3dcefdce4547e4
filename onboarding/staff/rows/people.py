"""Merchants, their stores, and the people."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from keyvault.models import Credential
from onboarding.models import Invitation, Member, Merchant, OutgoingMail, Store, User
from onboarding.staff.checks import check_again
from onboarding.staff.overview import store_overview
from onboarding.staff.pausing import pause_keys, resume_keys
from onboarding.staff.rows.read_only import ReadOnlyAdmin, Section, first_tag, link


def _number_of(rows: QuerySet[Any]) -> Coalesce:
    """How many rows a merchant has, as a column."""
    counted = rows.order_by().values("merchant").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0)


@admin.register(Store)
class StoreAdmin(ReadOnlyAdmin[Store]):
    """Shops and the apps that they feed."""

    section = Section.PEOPLE
    note = _("Shops at Lightspeed, each with the one app that it feeds.")
    list_display = ("name", "of_merchant", "app_name", "cluster", "language", "keys", "created_at")
    list_filter = ("cluster",)
    search_fields = ("name", "merchant__name", "app_name", "shop_id__exact")
    search_help_text = _("Shop, merchant, app, or Lightspeed's shop number.")
    related = ("merchant",)
    ordering = ("name", "pk")
    fields = (
        "name",
        "of_merchant",
        "app_name",
        "cluster",
        "language",
        "shop_id",
        "back_office",
        "keys",
        "identifier",
        "created_at",
    )
    actions = (check_again, pause_keys, resume_keys)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Store]:
        """Count the live keys in the same query."""
        live = Q(keychain__credentials__state__in=Credential.LIVE_STATES)
        stores = super().get_queryset(request)
        return stores.annotate(live_keys=Count("keychain__credentials", filter=live))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the keys and the last checks beneath the row."""
        return super().render_change_form(
            request, {**context, "overview": store_overview(context["original"])}, *args, **kwargs
        )

    @admin.display(description=_("merchant"), ordering="merchant__name")
    def of_merchant(self, store: Store) -> SafeString | str:
        """Its merchant."""
        return link(store.merchant)

    @admin.display(description=_("keys"), ordering="live_keys")
    def keys(self, store: Store) -> int:
        """How many keys it has."""
        return int(store.live_keys)  # type: ignore[attr-defined]  # annotated above

    @admin.display(description=_("id"))
    def identifier(self, store: Store) -> str:
        """Its id in the API."""
        return str(store.pk)


@admin.register(Merchant)
class MerchantAdmin(ReadOnlyAdmin[Merchant]):
    """Companies."""

    section = Section.PEOPLE
    note = _("Companies with one or more stores.")
    list_display = ("name", "number_of_stores", "number_of_people", "created_at")
    search_fields = ("name", "members__user__email")
    search_help_text = _("Name, or a person's e-mail address.")
    ordering = ("name", "pk")
    fields = ("name", "number_of_stores", "number_of_people", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Merchant]:
        """Count stores and people in the same query, each by itself: joined, they multiply."""
        return (
            super()
            .get_queryset(request)
            .annotate(
                store_count=_number_of(Store.objects.filter(merchant=OuterRef("pk"))),
                member_count=_number_of(Member.objects.filter(merchant=OuterRef("pk"))),
            )
        )

    @admin.display(description=_("stores"), ordering="store_count")
    def number_of_stores(self, merchant: Merchant) -> int:
        """How many stores it has."""
        return int(merchant.store_count)  # type: ignore[attr-defined]  # annotated above

    @admin.display(description=_("people"), ordering="member_count")
    def number_of_people(self, merchant: Merchant) -> int:
        """How many people act for it."""
        return int(merchant.member_count)  # type: ignore[attr-defined]  # annotated above


@admin.register(Member)
class MemberAdmin(ReadOnlyAdmin[Member]):
    """Who acts for whom."""

    section = Section.PEOPLE
    note = _("Who acts for which merchant.")
    list_display = ("person", "of_merchant", "role", "created_at")
    list_filter = ("role",)
    search_fields = ("user__email", "merchant__name")
    related = ("user", "merchant")
    ordering = ("merchant__name", "pk")
    fields = ("person", "of_merchant", "role", "created_at")

    @admin.display(description=_("person"), ordering="user__email")
    def person(self, member: Member) -> str:
        """The person."""
        return member.user.email

    @admin.display(description=_("merchant"), ordering="merchant__name")
    def of_merchant(self, member: Member) -> SafeString | str:
        """The merchant."""
        return link(member.merchant)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin[User]):
    """Accounts."""

    section = Section.PEOPLE
    note = _("Accounts that can sign in.")
    list_display = ("email", "kind", "language", "last_login", "date_joined")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email",)
    ordering = ("email",)
    fields = ("email", "kind", "language", "time_zone", "last_login", "date_joined")

    @admin.display(description=_("kind"))
    def kind(self, user: User) -> SafeString:
        """Whether it is staff's, and whether it is open."""
        return first_tag(
            (not user.is_active, "danger", _("Closed")),
            (user.is_staff, "info", _("Staff")),
            (True, "neutral", _("Merchant")),
        )


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin[Invitation]):
    """Who was invited; the links are in the mails only."""

    section = Section.PEOPLE
    note = _("Who was invited, and whether the link was used.")
    list_display = ("email", "of_merchant", "role", "state", "created_at", "expires_at")
    search_fields = ("email", "merchant__name")
    related = ("merchant",)
    hidden = ("digest",)
    ordering = ("-created_at", "pk")
    fields = ("email", "of_merchant", "role", "state", "created_at", "expires_at", "used_at")

    @admin.display(description=_("merchant"), ordering="merchant__name")
    def of_merchant(self, invitation: Invitation) -> SafeString | str:
        """The merchant."""
        return link(invitation.merchant)

    @admin.display(description=_("state"))
    def state(self, invitation: Invitation) -> SafeString:
        """Whether the link still works."""
        return first_tag(
            (invitation.used_at, "ok", _("Used")),
            (invitation.expires_at <= timezone.now(), "neutral", _("Expired")),
            (True, "info", _("Open")),
        )


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnlyAdmin[OutgoingMail]):
    """Mails by their facts; their text is sealed, and gone once they are sent."""

    section = Section.PEOPLE
    note = _("Mails of the last month: sent, waiting, given up.")
    list_display = ("subject", "recipient", "state", "attempts", "problem", "created_at", "due_at")
    search_fields = ("recipient", "subject")
    hidden = ("sealed",)
    ordering = ("-created_at", "pk")
    fields = (
        "subject",
        "recipient",
        "state",
        "attempts",
        "problem",
        "created_at",
        "due_at",
        "sent_at",
        "failed_at",
    )

    @admin.display(description=_("state"))
    def state(self, mail: OutgoingMail) -> SafeString:
        """How far it has come."""
        return first_tag(
            (mail.sent_at, "ok", _("Sent")),
            (mail.failed_at, "danger", _("Given up")),
            (mail.problem, "warning", _("Tried, waiting")),
            (True, "info", _("Waiting")),
        )
