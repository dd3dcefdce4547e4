"""Names of tables, headings of columns and outcomes come from the code, not from a page."""

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, override

from lightspeed.result import Outcome
from onboarding.models import Submission, User, Verification
from onboarding.staff.rows.read_only import ReadOnlyAdmin
from onboarding.submission.outcomes import OwnOutcome
from tests.onboarding.cast import merchant, person, signed_in, staff_member, store
from tests.onboarding.catalogue import catalogue

TABLES = [each for each in admin.site._registry.values() if isinstance(each, ReadOnlyAdmin)]


def words_of_tables() -> set[str]:
    found = {outcome.replace("_", " ") for outcome in (*Outcome, *OwnOutcome)}
    for table in TABLES:
        columns = {each.name: each for each in table.opts.concrete_fields}
        shown = {*table.list_display, *(table.fields or ()), *table.list_filter} & set(columns)
        found |= {str(table.opts.verbose_name), str(table.opts.verbose_name_plural)}
        found |= {str(columns[name].verbose_name) for name in shown}
    return found


@pytest.mark.parametrize("language", ["nl", "de", "fr"])
def test_every_word_of_a_table_is_translated(language: str) -> None:
    with override("en"):
        words = words_of_tables()
    assert len(words) > 100
    with override(language):
        # What Django's own tables are called, Django translates.
        missing = {word for word in words - set(catalogue(language)) if gettext(word) == word}
    assert not missing


@pytest.mark.django_db
def test_a_table_speaks_the_language_of_the_page() -> None:
    shop = store(merchant("Bike Shop", owner=person("owner")))
    Verification.objects.create(store=shop, at=timezone.now(), outcome="language_inactive")
    Submission.objects.create(
        store=shop, user=User.objects.get(), state="deleted", expires_at=timezone.now()
    )
    staff = staff_member()
    User.objects.filter(pk=staff.pk).update(language="nl")
    client = signed_in(staff)
    pages = {
        "verification_changelist": ("<h1>Controles</h1>", "Tijdstip", "taal niet actief"),
        "submission_changelist": ("Geplakte sleutels", "Aan de beurt", "verwijderd of verlopen"),
    }
    for name, words in pages.items():
        page = client.get(reverse(f"admin:onboarding_{name}")).content.decode()
        assert not [word for word in words if word not in page]
    row = Verification.objects.get()
    page = client.get(reverse("admin:onboarding_verification_change", args=[row.pk]))
    assert "Opnieuw om" in page.content.decode()
    assert "Uitgaande mails" in client.get(reverse("admin:index")).content.decode()
