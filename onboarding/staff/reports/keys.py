"""Keys by state, and the stores whose keys have little left at the busiest moments."""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max
from django.utils.translation import gettext as _

from keyvault.models import Credential
from onboarding.capacity.planner import DAY, FIVE_MINUTES, HOUR
from onboarding.capacity.usage import current_day
from onboarding.models import DailyPeak
from onboarding.staff.key_states import STATE_TAGS
from onboarding.staff.reports.values import Bar, Report, percent

# From here on a store is at risk, and from there on it is close to being refused.
AT_RISK_PERCENT = 70
BAD_PERCENT = 90
MOST_STORES = 100
PEAKS = {FIVE_MINUTES: "five_minutes", HOUR: "hour", DAY: "total"}


def keys_by_state() -> Report:
    """All keys and connections that there are now, without decoys. One query."""
    counted = (
        Credential.objects.filter(is_honeytoken=False)
        .order_by()
        .values_list("state", "kind")
        .annotate(times=Count("pk"))
    )
    found = {(state, kind): times for state, kind, times in counted}
    rows = tuple(
        (
            str(label),
            found.get((state.value, Credential.Kind.BASIC.value), 0),
            found.get((state.value, Credential.Kind.BEARER.value), 0),
        )
        for state, (_kind, label) in STATE_TAGS.items()
    )
    return Report(
        name="keys",
        title=_("Keys by state"),
        lead=_("All keys and connections as they are now."),
        columns=(_("State"), _("API keys"), _("Connections")),
        rows=rows,
        bars=tuple(
            Bar(
                label=label,
                value=keys + connections,
                figure=str(keys + connections),
                is_bad=label == str(STATE_TAGS[Credential.State.SUSPENDED][1]),
            )
            for label, keys, connections in rows
        ),
        nothing=_("There is no key yet."),
    )


def headroom(*, since: datetime) -> Report:
    """The stores whose busiest moment came near what their keys allow together. Two queries."""
    peaks = (
        DailyPeak.objects.filter(day__gte=current_day(since))
        .order_by()
        .values("store_id", "store__name", "store__merchant__name")
        .annotate(**{f"most_{name}": Max(name) for name in PEAKS.values()})
    )
    allowed = _allowed()
    words = {FIVE_MINUTES: _("5 minutes"), HOUR: _("an hour"), DAY: _("a day")}
    lines = []
    for row in peaks.iterator():
        limits = allowed.get(row["store_id"], {})
        shares = [
            (percent(row[f"most_{name}"], limits[seconds]), seconds, row[f"most_{name}"])
            for seconds, name in PEAKS.items()
            if limits.get(seconds)
        ]
        if shares and max(shares)[0] >= AT_RISK_PERCENT:
            share, seconds, sent = max(shares)
            shop = (row["store__name"], row["store__merchant__name"])
            lines.append((share, *shop, words[seconds], sent, limits[seconds]))
    lines.sort(key=lambda line: (-line[0], line[1]))
    rows = tuple((shop, *others, share) for share, shop, *others in lines[:MOST_STORES])
    return Report(
        name="headroom",
        title=_("Headroom at risk"),
        lead=_("Stores whose busiest moment took 70 % or more of what their keys allow together."),
        columns=(
            _("Store"),
            _("Merchant"),
            _("Window"),
            _("Most requests"),
            _("Allowed"),
            _("Used, in %"),
        ),
        rows=rows,
        bars=tuple(_share_bar(row[0], int(row[-1])) for row in rows),
        nothing=_("No store came near its limits in this time."),
        full=100,
    )


def _allowed() -> dict[UUID, dict[int, int]]:
    """What the active keys of each store may send together, by the window's seconds."""
    together: dict[UUID, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    active = Credential.objects.filter(state=Credential.State.ACTIVE, is_honeytoken=False)
    for store_id, limits in active.values_list("keychain_id", "limits").iterator():
        for seconds, limit in limits:
            together[store_id][seconds] += limit
    return together


def _share_bar(label: str, share: int) -> Bar:
    return Bar(label=label, value=share, figure=_("%d %%") % share, is_bad=share >= BAD_PERCENT)
