"""Notes of staff on stores, to look at and to search."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from onboarding.models import StoreNote
from onboarding.staff.rows.read_only import ReadOnlyAdmin, Section, link


@admin.register(StoreNote)
class StoreNoteAdmin(ReadOnlyAdmin[StoreNote]):
    """What staff want each other to know."""

    section = Section.PEOPLE
    note = _("What staff want each other to know of a store. They are written on its page.")
    list_display = ("at", "of_store", "by", "text")
    list_filter = ("at",)
    search_fields = ("text", "store__name", "author__email")
    search_help_text = _("A word of the note, shop, or who wrote it.")
    related = ("store", "author")
    ordering = ("-at", "-pk")
    fields = ("at", "of_store", "by", "text")

    @admin.display(description=_("store"), ordering="store__name")
    def of_store(self, note: StoreNote) -> SafeString | str:
        """Its store."""
        return link(note.store)

    @admin.display(description=_("author"), ordering="author__email")
    def by(self, note: StoreNote) -> str:
        """Who wrote it."""
        return note.author.email
