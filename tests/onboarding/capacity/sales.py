"""A merchant before a sale: figures, cases, and traffic of the past."""

import re
import secrets
from datetime import datetime, timedelta

from django.utils import timezone

from keyvault.leases.backends import Scope, create_backend
from keyvault.models import BackendToken, Credential, Lease
from keyvault.models.lease import microseconds
from onboarding.capacity.planner import DEFAULT_FACTORS, SaleFigures, estimate
from onboarding.capacity.services import open_case
from onboarding.models import Case, Store, User
from tests.onboarding.cast import BY_TESTS
from tests.onboarding.submission.desk import Desk

FIGURES = SaleFigures(visitors=5000, orders=200, app_percent=40)
LIMITS = [(1, 20), (300, 300), (3600, 3000), (86400, 12000)]


def sale_day(*, days: int = 30) -> str:
    return (timezone.localdate() + timedelta(days=days)).isoformat()


def figures(**changes: str) -> dict[str, str]:
    return {
        "sale_on": sale_day(),
        "visitors": "5000",
        "orders": "200",
        "app_percent": "40",
        "hour_visitors": "",
        **changes,
    }


def sale_url(at: Desk) -> str:
    return f"/stores/{at.store.pk}/sale/"


def case_url(at: Desk, case: Case) -> str:
    return f"{sale_url(at)}cases/{case.pk}/"


def owner_of(store: Store) -> User:
    return store.merchant.members.get(role="owner").user


def case_of(store: Store, *, days: int = 30, sale: SaleFigures = FIGURES, text: str = "") -> Case:
    """A case that the store's owner opened."""
    return open_case(
        store=store,
        user=owner_of(store),
        sale_on=timezone.localdate() + timedelta(days=days),
        figures=sale,
        factors=DEFAULT_FACTORS,
        planned=estimate(figures=sale, limits=LIMITS),
        text=text,
    )


def lend(credential: Credential, *, permits: int, at: datetime) -> None:
    """A lease of a backend as the pool writes it."""
    if not BackendToken.objects.exists():
        create_backend(
            name=f"app {secrets.token_hex(3)}",
            scopes=list(Scope),
            stores=None,
            days=1,
            actor=BY_TESTS,
        )
    at_us = microseconds(at)
    Lease.objects.create(
        key=credential.pool_key,
        token=BackendToken.objects.earliest("pk"),
        permits=permits,
        counted=permits,
        granted_us=at_us,
        use_by_us=at_us + 2_000_000,
        expires_us=at_us + 9_000_000,
    )


def form_id_in(page: str) -> str:
    """The hidden number of a form."""
    found = re.search(r'name="(?:\w+-)?form_id" value="([0-9a-f-]+)"', page)
    assert found
    return found[1]
