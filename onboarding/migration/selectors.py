"""Who is affected by a plan, and what holds now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from keyvault.models import Credential
from onboarding.models import Campaign, Phase, Plan, Recipient, Store, WaitingMerchant

Effect = Phase.Effect


@dataclass(frozen=True, slots=True)
class DryRun:
    """One phase of a plan and what it will do.

    Attributes:
        phase: the row.
        stores: the stores that hold a key which it concerns, by name; those that have moved
            already are not among them.
        is_overdue: its time has passed: it starts at once when the plan is put into effect.
    """

    phase: Phase
    stores: list[Store]
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class Banner:
    """What a store's page says of a plan.

    Attributes:
        plan: which.
        refused_at: when the store's key stops working; None: no date is known.
        is_refused: that has come.
        provider: where to go; empty: not open yet.
    """

    plan: Plan
    refused_at: datetime | None
    is_refused: bool
    provider: str


@dataclass(frozen=True, slots=True)
class Funnel:
    """How far the stores of a campaign have come."""

    meant: int
    told: int
    opened: int
    authorised: int
    verified: int


def phase_of(*, plan: Plan, effect: str) -> Phase | None:
    """The phase of a plan that has this effect. One query."""
    return Phase.objects.select_related("plan").filter(plan=plan, effect=effect).first()


def affected_credentials(plan: Plan) -> QuerySet[Credential]:
    """The live credentials that a plan is about."""
    return Credential.objects.filter(_is_about(plan), state__in=Credential.LIVE_STATES)


def is_to_reconnect() -> Q:
    """Which credentials an active plan ends that has a way to go. One query."""
    found = Q(pk__in=())
    for plan in Plan.objects.filter(state=Plan.State.ACTIVE).exclude(provider=""):
        found |= _is_about(plan)
    return found


def _is_about(plan: Plan) -> Q:
    mine = Q(endpoint=plan.endpoint) | Q(endpoint__startswith=f"{plan.endpoint}/")
    return mine & Q(kind=plan.kind)


def affected_stores(plan: Plan) -> QuerySet[Store]:
    """The stores that hold a live credential which a plan is about, by name."""
    held = affected_credentials(plan).filter(keychain_id=OuterRef("pk"))
    return Store.objects.filter(Exists(held)).select_related("merchant").order_by("name", "pk")


def dry_run(*, plan: Plan, now: datetime) -> list[DryRun]:
    """What each phase of a plan will do to whom, by date; nothing is changed."""
    stores = list(affected_stores(plan))
    phases = Phase.objects.filter(plan=plan).select_related("plan")
    return [
        DryRun(
            phase=phase,
            stores=stores if phase.effect != Effect.REFRESH_REQUIRED else [],
            is_overdue=phase.started_at is None and phase.starts_at <= now,
        )
        for phase in phases
    ]


def banner_among(credentials: Iterable[Credential]) -> Banner | None:
    """What the page of a store with these live credentials says of an active plan. One query."""
    refused = Phase.objects.filter(plan=OuterRef("pk"), effect=Effect.KEYS_REFUSED)
    plans = Plan.objects.filter(state=Plan.State.ACTIVE).annotate(
        refused_at=Subquery(refused.values("starts_at")[:1]),
        refused_since=Subquery(refused.values("started_at")[:1]),
    )
    held = list(credentials)
    for plan in plans:
        if any(_is_affected(credential, plan) for credential in held):
            return Banner(
                plan=plan,
                refused_at=plan.refused_at,
                is_refused=plan.refused_since is not None,
                provider=plan.provider,
            )
    return None


def _is_affected(credential: Credential, plan: Plan) -> bool:
    """As `affected_credentials` has it."""
    return credential.kind == plan.kind and credential.endpoint.partition("/")[0] == plan.endpoint


def cohort(campaign: Campaign) -> QuerySet[Store]:
    """The stores that a campaign means: affected by its plan, and within its filters."""
    stores = affected_stores(campaign.plan)
    if campaign.only_stores:
        stores = stores.filter(pk__in=campaign.only_stores)
    if campaign.platform:
        stores = stores.filter(platform=campaign.platform)
    if campaign.language:
        stores = stores.filter(merchant__members__user__language=campaign.language)
    return stores.distinct()


def funnel_of(campaign: Campaign) -> Funnel:
    """How far the stores of a campaign have come. One query."""
    counts = Recipient.objects.filter(campaign=campaign).aggregate(
        meant=Count("pk"),
        told=Count("told_at"),
        opened=Count("opened_at"),
        authorised=Count("authorised_at"),
        verified=Count("verified_at"),
    )
    return Funnel(**counts)


def still_to_move(campaign: Campaign) -> QuerySet[Recipient]:
    """The stores of a campaign that have not moved yet, who came furthest first."""
    rows = Recipient.objects.filter(campaign=campaign, verified_at=None)
    return rows.select_related("store__merchant").order_by(
        F("authorised_at").desc(nulls_last=True),
        F("opened_at").desc(nulls_last=True),
        "store__name",
    )


def place_in_line(waiting: WaitingMerchant) -> int:
    """The place of somebody who waits, from 1 on. One query."""
    before = WaitingMerchant.objects.filter(
        provider=waiting.provider, state=WaitingMerchant.State.WAITING, pk__lt=waiting.pk
    )
    return before.count() + 1
