"""Every language is complete, and says nothing that its source does not."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.dates import MONTHS, MONTHS_3, WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import override

from tests.onboarding.catalogue import catalogue, messages_of_code, messages_of_templates

TRANSLATED = [code for code, _ in settings.LANGUAGES if code != "en"]
_PLACES = re.compile(r"%\(\w+\)s|%[sd]|\{\w+\}")
_TAGS = re.compile(r"</?\w+")


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_untranslated(language: str) -> None:
    known = catalogue(language)
    messages = [*messages_of_templates(), *messages_of_code()]
    assert len(messages) > 500
    missing = sorted({f"{where}: {text}" for where, text in messages if not known.get(text)})
    assert not missing, f"{len(missing)} messages; run makemessages:\n" + "\n".join(missing[:40])


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_places_and_tags_of_its_source(language: str) -> None:
    for source, text in catalogue(language).items():
        if not source:
            continue
        assert set(_PLACES.findall(text)) <= set(_PLACES.findall(source)), source
        assert sorted(_TAGS.findall(text)) == sorted(_TAGS.findall(source)), source


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_compiled_file_holds_what_the_readable_one_says(language: str) -> None:
    folder = Path(settings.BASE_DIR) / "locale" / language / "LC_MESSAGES"
    readable = (folder / "django.po").read_text(encoding="utf-8")
    compiled = catalogue(language)
    assert readable.count("\nmsgid ") == len({source for source in compiled if source}) + 1
    assert "fuzzy" not in readable
    assert "#~" not in readable


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_word_of_ours_stands_in_for_a_month_or_a_day(language: str) -> None:
    """Django asks our catalogue first: a label "May" would become the month's name."""
    names = [*MONTHS.values(), *WEEKDAYS.values(), *MONTHS_3.values(), *WEEKDAYS_ABBR.values()]
    with override("en"):
        ours = set(catalogue(language)) & {str(name) for name in names}
    assert not ours
