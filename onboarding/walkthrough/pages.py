"""What the pages of the walkthrough have in common, those of `onboarding.submission` included."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import get_language

from onboarding.models import Store, Walkthrough
from onboarding.walkthrough import selectors, steps
from onboarding.walkthrough.back_office import DEFAULT_LANGUAGE, back_office_words
from onboarding.walkthrough.visitors import Visitor


def page_context(
    request: HttpRequest,
    *,
    visitor: Visitor,
    walkthrough: Walkthrough | None,
    step: int,
    **more: Any,
) -> dict[str, Any]:
    """What every page of the walkthrough shows, pages 5 and 6 included."""
    language = words_language(request, walkthrough)
    words = back_office_words(language)
    store = visitor.store
    number, total = _key_numbers(store, walkthrough)
    return {
        "store": store,
        "home_url": visitor.home_url,
        "is_guest": visitor.hand_over is not None,
        "walkthrough": walkthrough,
        "step": step,
        "step_total": steps.STEP_TOTAL,
        "step_title": steps.TITLES[step],
        "words": words,
        "other_words": "en" if language == "nl" else "nl",
        "key_number": number,
        "key_total": total,
        "suggested_name": selectors.suggested_name(store=store, number=number, total=total),
        "permission_rows": steps.permission_rows(
            required=selectors.required_permissions(), words=words
        ),
        **more,
    }


def _key_numbers(store: Store, walkthrough: Walkthrough | None) -> tuple[int, int]:
    if walkthrough is not None:
        return walkthrough.key_number, walkthrough.key_total
    number = selectors.live_key_count(store=store) + 1
    return number, number


def words_language(request: HttpRequest, walkthrough: Walkthrough | None) -> str:
    """The Back Office's language: as just chosen, as answered, else the page's own."""
    answered = walkthrough.answers.get("words") if walkthrough else None
    chosen = request.POST.get("words") or request.GET.get("words") or answered
    return back_office_words(chosen or get_language() or DEFAULT_LANGUAGE).language
