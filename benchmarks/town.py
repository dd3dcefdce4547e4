"""A town of shops for benchmarks of pages: written in bulk, so no secret of the crowd opens.

Thousands of stores with people, keys, checks, records and measured days, and one store on whose
pages everything that they can show is there at once. Import it after Django is set up.
"""

import secrets
import uuid
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils import timezone
from pydantic import SecretStr

from benchmarks.past import write as write_leases
from keyvault import pool, vault
from keyvault.audit import SYSTEM
from keyvault.leases import Scope, create_backend
from keyvault.models import (
    AuditEntry,
    BackendToken,
    Credential,
    Grant,
    Keychain,
    Lease,
    PoolKey,
    WrappedDek,
)
from keyvault.models.lease import microseconds
from onboarding.capacity.factors import factors_for
from onboarding.capacity.planner import SaleFigures, estimate
from onboarding.capacity.services import open_case, write_to_staff
from onboarding.capacity.usage import limits_of_one_key
from onboarding.models import (
    Case,
    DailyPeak,
    Member,
    Merchant,
    Phase,
    Plan,
    ProviderClient,
    Replacement,
    Store,
    Submission,
    User,
    Verification,
    Walkthrough,
)
from onboarding.people.services import add_member, create_merchant, create_person
from onboarding.stores.services import create_store

OWNER, AGENCY = "owner@example.test", "agency@example.test"
LIMITS = [[1, 20], [300, 300], [3600, 3000], [86400, 12000]]
GROUPS = ("content", "products", "customers", "orders", "settings", "tracking")
ALL_BOXES = {group: {"read": True, "write": True} for group in GROUPS}
ACTIONS = ("verification.passed", "credential.sealed", "member.added", "lease.granted")
AT_ONCE = 5000
# Of each store of the crowd, and of the one that is looked at.
DAYS, ENTRIES, CHECKS, LEASES_OF_ALL = 30, 20, 5, 100_000
KEYS, COLLEAGUES, OWN_ENTRIES, OWN_LEASES = 10, 20, 20_000, 2000


def build(*, stores: int) -> Store:
    """The town; returns the store that has everything, of `OWNER`. `AGENCY` has the others."""
    with transaction.atomic():
        _crowd(stores=stores - 1)
        write_leases(leases=LEASES_OF_ALL)
        owner = create_person(email=OWNER, password=SecretStr(secrets.token_hex(8)))
        company = create_merchant(name="Measured", owner=owner, actor=SYSTEM)
        for number in range(COLLEAGUES):
            colleague = create_person(email=f"colleague-{number}@example.test")
            add_member(merchant=company, user=colleague, role="member", actor=SYSTEM)
        store = create_store(merchant=company, name="Measured", app_name="App", actor=SYSTEM)
        keys = [_stored_key(store) for _ in range(KEYS)]
        _on_its_page(store=store, owner=owner, keys=keys)
        _behind_its_page(store=store, keys=keys)
        _asked(store=store, owner=owner)
    return store


def _write(rows: Iterable[Any]) -> None:
    ahead = iter(rows)
    while batch := list(islice(ahead, AT_ONCE)):
        type(batch[0]).objects.bulk_create(batch)


def _crowd(*, stores: int) -> None:
    """Every store with a person, a key and a past of its own; one agency acts for all of them."""
    now = timezone.now()
    agency = Merchant.objects.create(name="Agency")
    people = [User(email=f"person-{n}@example.test") for n in range(stores)]
    _write([*people, User(email=AGENCY)])
    _write(Member(merchant=agency, user=each) for each in User.objects.all())
    chains = [Keychain(kind="store", label=f"Store {n}") for n in range(stores)]
    _write(chains)
    _write(WrappedDek(keychain=each, kek_id="town", wrapped=b"\0" * 60) for each in chains)
    shops = [
        Store(keychain=each, merchant=agency, name=f"Store {n}", app_name="App")
        for n, each in enumerate(chains)
    ]
    _write(shops)
    keys = [_key(each.pk) for each in chains]
    _write(keys)
    windows = [[seconds, limit, 0, 0, 0, 0] for seconds, limit in LIMITS]
    _write(PoolKey(credential=key, windows=windows, headroom=12_000) for key in keys)
    _write(
        Verification(store=shop, credential=key, at=now, outcome="passed", permissions=ALL_BOXES)
        for shop, key in zip(shops, keys, strict=True)
        for _ in range(CHECKS)
    )
    _write(
        Submission(store=shop, user=person, state="stored", credential=key, expires_at=now)
        for shop, person, key in zip(shops, people, keys, strict=True)
    )
    _write(peak for shop in shops for peak in _peaks(shop, days=DAYS))
    _write(
        AuditEntry(
            at=now, action=ACTIONS[n % len(ACTIONS)], actor="system:worker", keychain_id=chain.pk
        )
        for n in range(ENTRIES)
        for chain in chains
    )


def _key(keychain_id: uuid.UUID, **fields: object) -> Credential:
    """A row that nobody opens."""
    return Credential(
        keychain_id=keychain_id,
        **{
            "name": "App mobile",
            "endpoint": "ecom-eu1",
            "language": "en",
            "fingerprint": secrets.token_hex(32),
            "last_four": "1a2b",
            "sealed": b"\0" * 100,
            "limits": LIMITS,
            **fields,
        },
    )


def _peaks(store: Store, *, days: int) -> list[DailyPeak]:
    now = timezone.now()
    return [
        DailyPeak(
            store=store,
            day=(now - timedelta(days=back)).date(),
            five_minutes=100,
            five_minutes_at=now,
            hour=900,
            hour_at=now,
            total=4000 + back,
        )
        for back in range(1, days + 1)
    ]


def _stored_key(store: Store) -> Credential:
    """A real one, through the vault and the pool."""
    pair = vault.ApiKeySecret(SecretStr(secrets.token_hex(16)), SecretStr(secrets.token_hex(16)))
    credential = vault.store_credential(
        keychain_id=store.pk,
        draft_id=None,
        secret=pair,
        name="App mobile",
        endpoint="ecom-eu1",
        language="en",
        limits=[(seconds, limit) for seconds, limit in LIMITS],
        actor=SYSTEM,
    )
    pool.seed(credential_id=credential.pk, request_times=[])
    return credential


def _on_its_page(*, store: Store, owner: User, keys: list[Credential]) -> None:
    """A replacement, a connection, a plan, a pasted pair, a walkthrough that was stopped."""
    now = timezone.now()
    later = now + timedelta(hours=20)
    old = _key(store.pk, state="replaced")
    token = _key(store.pk, kind="bearer", endpoint="retail-r", valid_until=later)
    _write([old, token])
    Replacement.objects.create(store=store, old=old, new=keys[0], at=now, retires_at=later)
    Grant.objects.create(
        credential=token,
        provider="retail-r",
        account="4711",
        sealed_refresh=b"\0" * 100,
        access_expires_at=later,
        renewed_at=now,
    )
    for name in ("retail-r", "retail-x"):
        ProviderClient.objects.create(provider=name, client_id="town", sealed_secret=b"\0" * 60)
    plan = Plan.objects.create(
        name="Farewell",
        vendor="Lightspeed",
        endpoint="ecom-eu1",
        provider="retail-r",
        state="active",
    )
    Phase.objects.create(plan=plan, effect="keys_refused", starts_at=now + timedelta(days=90))
    waiting = Submission.objects.create(
        store=store, user=owner, state="failed", draft_id=uuid.uuid4(), expires_at=later
    )
    for credential, submission in ((None, waiting), *((key, None) for key in keys)):
        lacking = {**ALL_BOXES, "orders": {"read": True, "write": False}}
        Verification.objects.create(
            store=store,
            credential=credential,
            submission=submission,
            at=now,
            outcome="missing_permissions" if submission else "passed",
            permissions=lacking if submission else ALL_BOXES,
        )
    Walkthrough.objects.create(store=store, user=owner, step=5, keys_wanted=2)


def _behind_its_page(*, store: Store, keys: list[Credential]) -> None:
    """What happened: by colleagues, a backend and a guest, and with keys that are gone."""
    create_backend(name="app", scopes=list(Scope), stores=None, days=1, actor=SYSTEM)
    token = BackendToken.objects.get()
    now, now_us = timezone.now(), microseconds(timezone.now())
    pool_keys = list(PoolKey.objects.filter(credential__in=keys))
    _write(
        Lease(
            key=pool_keys[n % len(pool_keys)],
            token=token,
            permits=20,
            counted=20,
            granted_us=at_us,
            use_by_us=at_us,
            expires_us=at_us,
            settled_us=at_us,
        )
        for n in range(OWN_LEASES)
        for at_us in [now_us - n * 40_000_000]
    )
    _write(_peaks(store, days=DAYS))
    gone = [_key(store.pk, state="revoked", sealed=b"") for _ in range(5)]
    _write(gone)
    people = User.objects.filter(memberships__merchant=store.merchant_id).values_list(
        "pk", flat=True
    )
    actors = [f"backend:{token.backend_id}", f"person:hand-over-{uuid.uuid4()}"]
    actors += [f"person:{pk}" for pk in people]
    _write(
        AuditEntry(
            at=now,
            action=ACTIONS[n % len(ACTIONS)],
            actor=actors[n % len(actors)],
            keychain_id=store.pk,
            subject=f"credential:{(gone + keys)[n % (len(gone) + len(keys))].pk}",
        )
        for n in range(OWN_ENTRIES)
    )


def _asked(*, store: Store, owner: User) -> Case:
    figures = SaleFigures(visitors=5000, orders=200, app_percent=40)
    factors = factors_for(store)
    case = open_case(
        store=store,
        user=owner,
        sale_on=timezone.localdate() + timedelta(days=20),
        figures=figures,
        factors=factors,
        planned=estimate(figures=figures, limits=limits_of_one_key(store=store), factors=factors),
    )
    for number in range(20):
        write_to_staff(case=case, user=owner, text=f"Message {number}", form_id=uuid.uuid4())
    return case
