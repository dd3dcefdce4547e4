"""Backends, their tokens (never the digest), and what they borrowed."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from keyvault.leases.signing import Signer
from keyvault.models import Backend, BackendToken, Lease
from keyvault.models.lease import moment
from onboarding.people.requests import person_of
from onboarding.staff.backends.selectors import backend_view, line_of, token_state
from onboarding.staff.rows.read_only import ReadOnlyAdmin, Section, link, tag, when


@admin.register(Backend)
class BackendAdmin(ReadOnlyAdmin[Backend]):
    """Programs that borrow keys."""

    section = Section.BACKENDS
    note = _("Programs that borrow keys.")
    list_display = ("name", "state", "has_all_stores", "sealed", "signed", "created_at")
    list_filter = ("is_active",)
    search_fields = ("name",)
    ordering = ("name",)
    fields = (
        "name",
        "state",
        "has_all_stores",
        "networks",
        "sealed",
        "signed",
        "signing_key_id",
        "created_at",
        "id",
    )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the tokens and the stores beneath the row."""
        backend, reader = context["original"], person_of(request)
        shown = backend_view(backend=backend, reader=reader, now=timezone.now())
        return super().render_change_form(request, {**context, "shown": shown}, *args, **kwargs)

    @admin.display(description=_("state"), ordering="is_active")
    def state(self, backend: Backend) -> SafeString:
        """Whether it may borrow."""
        if backend.is_active:
            return tag(kind="ok", label=_("Active"))
        return tag(kind="neutral", label=_("Closed"))

    @admin.display(description=_("gets keys sealed"), boolean=True)
    def sealed(self, backend: Backend) -> bool:
        """Whether what it is lent is sealed to a key of its own."""
        return backend.public_key is not None

    @admin.display(description=_("signs requests"), boolean=True)
    def signed(self, backend: Backend) -> bool:
        """Whether its requests must be signed."""
        return backend.signing_key is not None

    @admin.display(description=_("signing key"))
    def signing_key_id(self, backend: Backend) -> str:
        """The name of the key in its signatures."""
        key = backend.signing_key
        return "" if key is None else Signer(backend_id=backend.pk, key=bytes(key)).key_id


@admin.register(BackendToken)
class BackendTokenAdmin(ReadOnlyAdmin[BackendToken]):
    """Tokens by their first characters."""

    section = Section.BACKENDS
    note = _("Tokens by their first characters; the rest is kept by nobody here.")
    list_display = (
        "prefix",
        "of_backend",
        "scopes",
        "state",
        "created_at",
        "last_used_at",
        "ends",
    )
    search_fields = ("prefix__startswith", "backend__name")
    related = ("backend",)
    hidden = ("digest",)
    ordering = ("-created_at", "pk")
    fields = (
        "prefix",
        "of_backend",
        "scopes",
        "state",
        "created_at",
        "last_used_at",
        "ends",
        "revoked_at",
    )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Lead whoever may decide on it there."""
        token, reader = context["original"], person_of(request)
        line = line_of(token, reader=reader, now=timezone.now())
        return super().render_change_form(request, {**context, "line": line}, *args, **kwargs)

    @admin.display(description=_("backend"), ordering="backend__name")
    def of_backend(self, token: BackendToken) -> SafeString | str:
        """Its backend."""
        return link(token.backend)

    @admin.display(description=_("state"))
    def state(self, token: BackendToken) -> SafeString:
        """Whether it still opens the door."""
        kind, label = token_state(token, now=timezone.now())
        return tag(kind=kind, label=label)

    @admin.display(description=_("Ends"), ordering="expires_at")
    def ends(self, token: BackendToken) -> str:
        """When it ends; while it waits for a second person, how long it will live."""
        days = token.waiting_days
        if days is None:
            return when(token.expires_at)
        later = ngettext("%(counter)s day later", "%(counter)s days later", days)
        return later % {"counter": days}


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin[Lease]):
    """Loans of keys, the latest first."""

    section = Section.BACKENDS
    note = _("Which backend borrowed which key, with how many permits.")
    list_display = ("granted_at", "store", "key_name", "backend", "permits", "counted", "result")
    list_filter = ("is_batch", "outcome")
    related = ("key__credential__keychain__store", "token__backend")
    hidden = ("key__credential__sealed", "token__digest", "key__windows")
    ordering = ("-granted_us", "pk")
    fields = (
        "granted_at",
        "store",
        "key_name",
        "backend",
        "permits",
        "counted",
        "is_batch",
        "use_by",
        "expires_at",
        "settled_at",
        "outcome",
        "id",
    )

    @admin.display(description=_("granted"), ordering="granted_us")
    def granted_at(self, lease: Lease) -> str:
        """When it was granted."""
        return when(moment(lease.granted_us))

    @admin.display(description=_("store"))
    def store(self, lease: Lease) -> SafeString | str:
        """Whose key."""
        return link(getattr(lease.key.credential.keychain, "store", None))

    @admin.display(description=_("key"))
    def key_name(self, lease: Lease) -> SafeString | str:
        """Which key."""
        return link(lease.key.credential)

    @admin.display(description=_("backend"))
    def backend(self, lease: Lease) -> SafeString | str:
        """Who borrowed; our own checks borrow for nobody."""
        return link(lease.token.backend) if lease.token else str(_("our own check"))

    @admin.display(description=_("use by"))
    def use_by(self, lease: Lease) -> str:
        """The last moment to send a request."""
        return when(moment(lease.use_by_us))

    @admin.display(description=_("expires"))
    def expires_at(self, lease: Lease) -> str:
        """The last moment to settle."""
        return when(moment(lease.expires_us))

    @admin.display(description=_("settled"))
    def settled_at(self, lease: Lease) -> str:
        """When it was settled."""
        return when(moment(lease.settled_us)) if lease.settled_us is not None else ""

    @admin.display(description=_("outcome"))
    def result(self, lease: Lease) -> SafeString:
        """How it ended."""
        if not lease.outcome:
            return tag(kind="neutral", label=_("not settled"))
        return tag(kind="ok" if lease.outcome == "ok" else "warning", label=lease.outcome)
