"""Credentials (masked), and what leads to them: drafts, submissions, checks."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from keyvault.models import Credential, Draft, Keychain
from keyvault.vault import short_fingerprint
from onboarding.models import Submission, Verification
from onboarding.staff.checks import check_again
from onboarding.staff.key_states import STATE_TAGS
from onboarding.staff.outcome_words import outcome_words
from onboarding.staff.pausing import pause_keys, resume_keys
from onboarding.staff.rows.read_only import ReadOnlyAdmin, Section, link, tag


def _store_link(keychain: Keychain) -> SafeString | str:
    return link(getattr(keychain, "store", None))


@admin.register(Credential)
class CredentialAdmin(ReadOnlyAdmin[Credential]):
    """Stored keys: what tells one from another, and nothing that opens anything."""

    section = Section.KEYS
    note = _("Stored keys. Nobody can read them here.")
    list_display = (
        "name_of",
        "store",
        "last_four",
        "short",
        "state_tag",
        "checked_at",
        "last_used_at",
    )
    list_filter = ("state", "kind", "endpoint")
    search_fields = ("name", "last_four__exact", "keychain__store__name")
    search_help_text = _("Name, shop, last four characters, or fingerprint (a1b2-c3d4).")
    related = ("keychain__store",)
    hidden = ("sealed",)
    ordering = ("-created_at", "pk")
    fields = (
        "name_of",
        "store",
        "kind",
        "last_four",
        "short",
        "state_tag",
        "endpoint",
        "language",
        "limits",
        "checked_at",
        "last_used_at",
        "created_at",
        "id",
    )
    actions = (check_again, pause_keys, resume_keys)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Credential], search_term: str
    ) -> tuple[QuerySet[Credential], bool]:
        """Find fingerprints too, as people write them."""
        found, has_duplicates = super().get_search_results(request, queryset, search_term)
        digits = search_term.replace("-", "").lower()
        if len(digits) == 8 and set(digits) <= set("0123456789abcdef"):  # noqa: PLR2004  # as shown
            found = queryset.filter(
                Q(fingerprint__startswith=digits) | Q(pk__in=found.values("pk"))
            )
        return found, has_duplicates

    @admin.display(description=_("name"), ordering="name")
    def name_of(self, credential: Credential) -> str:
        """Its name."""
        return credential.name or str(_("API key"))

    @admin.display(description=_("store"), ordering="keychain__store__name")
    def store(self, credential: Credential) -> SafeString | str:
        """Its store."""
        return _store_link(credential.keychain)

    @admin.display(description=_("fingerprint"))
    def short(self, credential: Credential) -> str:
        """The start of its fingerprint."""
        return short_fingerprint(credential.fingerprint)

    @admin.display(description=_("state"), ordering="state")
    def state_tag(self, credential: Credential) -> SafeString:
        """Its state."""
        kind, label = STATE_TAGS[Credential.State(credential.state)]
        return tag(kind=kind, label=label)


@admin.register(Draft)
class DraftAdmin(ReadOnlyAdmin[Draft]):
    """Pairs that wait for their check."""

    section = Section.KEYS
    note = _("Pasted pairs that have not passed their check yet.")
    list_display = ("last_four", "store", "created_at", "expires_at")
    search_fields = ("last_four__exact", "keychain__store__name")
    related = ("keychain__store",)
    hidden = ("sealed",)
    ordering = ("-created_at", "pk")
    fields = ("last_four", "store", "created_at", "expires_at", "id")

    @admin.display(description=_("store"))
    def store(self, draft: Draft) -> SafeString | str:
        """Its store."""
        return _store_link(draft.keychain)


@admin.register(Submission)
class SubmissionAdmin(ReadOnlyAdmin[Submission]):
    """Pastes, and what became of them."""

    section = Section.KEYS
    note = _("What people pasted, and what became of it.")
    list_display = ("of_store", "person", "name", "state", "created_at", "due_at")
    list_filter = ("state", "cluster")
    search_fields = ("store__name", "user__email", "name")
    related = ("store", "user", "credential")
    hidden = ("credential__sealed",)
    ordering = ("-created_at", "pk")
    fields = (
        "of_store",
        "person",
        "name",
        "state",
        "cluster",
        "language",
        "findings",
        "of_credential",
        "created_at",
        "expires_at",
        "due_at",
        "attempts",
        "id",
    )

    @admin.display(description=_("store"), ordering="store__name")
    def of_store(self, submission: Submission) -> str:
        """Its store."""
        return submission.store.name

    @admin.display(description=_("person"), ordering="user__email")
    def person(self, submission: Submission) -> str:
        """Who pasted."""
        return submission.user.email

    @admin.display(description=_("stored as"))
    def of_credential(self, submission: Submission) -> SafeString | str:
        """The key that it became."""
        return link(submission.credential)


@admin.register(Verification)
class VerificationAdmin(ReadOnlyAdmin[Verification]):
    """Live checks."""

    section = Section.KEYS
    note = _("Live checks: what Lightspeed answered.")
    list_display = ("at", "of_store", "key", "outcome_tag", "status")
    list_filter = ("outcome", "at")
    search_fields = ("store__name",)
    related = ("store", "credential")
    hidden = ("credential__sealed",)
    ordering = ("-at", "pk")
    fields = (
        "at",
        "of_store",
        "key",
        "outcome_tag",
        "status",
        "problem",
        "cluster",
        "language",
        "permissions",
        "shop_id",
        "shop_name",
        "limits",
        "retry_at",
    )

    @admin.display(description=_("store"), ordering="store__name")
    def of_store(self, verification: Verification) -> SafeString | str:
        """Its store."""
        return link(verification.store)

    @admin.display(description=_("key"))
    def key(self, verification: Verification) -> SafeString | str:
        """The stored key that was checked."""
        return link(verification.credential)

    @admin.display(description=_("outcome"), ordering="outcome")
    def outcome_tag(self, verification: Verification) -> SafeString:
        """What came out."""
        kind = "ok" if verification.outcome == "passed" else "warning"
        return tag(kind=kind, label=outcome_words(verification.outcome))
