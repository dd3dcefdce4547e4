"""What the store's page shows, for the merchant and for staff who look over their shoulder."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import get_language

from onboarding.capacity.planner import HOUR
from onboarding.migration.selectors import banner_among
from onboarding.models import Store, User
from onboarding.oauth.providers import open_providers_beside
from onboarding.oauth.selectors import connections_among, unconnected
from onboarding.stores import selectors
from onboarding.stores.activity import recent_activity
from onboarding.stores.answers import answer
from onboarding.stores.charts import Chart, usage_chart
from onboarding.submission.selectors import open_submissions
from onboarding.walkthrough.back_office import DEFAULT_LANGUAGE, back_office_words

RECENT_LINES = 8


def store_page(*, user: User, store_id: UUID) -> dict[str, Any]:
    """Whether the app works, the store's keys, and what happened lately, as this person sees it.

    Raises:
        UnknownRecordError: no such store, or another merchant's.
    """
    store = selectors.store_for_its_page(user=user, store_id=store_id)
    words = back_office_words(get_language() or DEFAULT_LANGUAGE)
    credentials = selectors.live_credentials(store=store)
    keys = selectors.key_lines(credentials=credentials, words=words)
    connections = connections_among(credentials, now=timezone.now())
    waiting = list(open_submissions(store=store))
    banner = banner_among(credentials)
    return {
        "store": store,
        "keys": keys,
        "connections": connections,
        "banner": banner,
        "providers": unconnected(open_providers_beside(store), connections),
        "answer": answer(keys=keys, connections=connections, waiting=waiting, banner=banner),
        "waiting": waiting,
        "chart": _chart_of(store, keys),
        "activity": recent_activity(store=store, limit=RECENT_LINES, viewer=user, keys=keys),
    }


def _chart_of(store: Store, keys: list[selectors.KeyLine]) -> Chart | None:
    """The last day's chart, once a backend has used a key."""
    if not any(line.last_used_at for line in keys):
        return None
    return usage_chart(store=store, seconds=HOUR, limits=selectors.limits_of(keys))
