"""A panel with something of everything in it, and two of the staff who may do everything."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from keyvault.leases import NewToken, Scope, create_token
from keyvault.models import Alert, Backend, Credential, DutyRun, WebhookDelivery, WebhookEndpoint
from keyvault.vault.tripwires import fire
from onboarding.capacity.usage import current_day
from onboarding.models import (
    Campaign,
    Case,
    DailyPeak,
    GlassRequest,
    Merchant,
    OutgoingMail,
    Store,
    StoreNote,
    User,
    Verification,
    Walkthrough,
)
from onboarding.notices.outbox import enqueue
from onboarding.people.selectors import actor_for
from onboarding.staff.glass import services
from tests.onboarding.capacity.sales import case_of
from tests.onboarding.cast import credential, merchant, pair, person, staff_member, store
from tests.onboarding.migration.scene import plan
from tests.onboarding.staff.glass.scene import Scene


@dataclass
class Panel:
    """The rows that pages of the panel are about."""

    anna: User
    ben: User
    company: Merchant
    shop: Store
    key: Credential
    waiting: GlassRequest
    used: GlassRequest
    case: Case
    campaign: Campaign
    backend: Backend
    token: NewToken
    waiting_token: NewToken


def panel() -> Panel:
    """Something of everything, as a busy week leaves it."""
    scene = Scene(anna=staff_member("anna"), ben=staff_member("ben"))
    shop = Store.objects.get()
    for number, state in enumerate(("active", "suspended", "paused")):
        key = credential(shop, name=f"Bike App mobile {number + 2} of 4", of=pair())
        Credential.objects.filter(pk=key.pk).update(state=state)
    used = scene.approved()
    services.break_glass(request_id=used.pk, user=scene.anna)
    _history(shop, scene)
    made = plan(keys_refused=timedelta(days=30))
    campaign = Campaign.objects.create(plan=made, name="Wave 1", starts_at=timezone.now())
    backend = _work()
    return Panel(
        anna=scene.anna,
        ben=scene.ben,
        company=shop.merchant,
        shop=shop,
        key=scene.key,
        waiting=scene.ask(by=scene.ben),
        used=used,
        case=case_of(shop),
        campaign=campaign,
        backend=backend,
        token=_token(backend, by=scene.ben),
        waiting_token=_token(backend, by=scene.ben, is_waiting=True),
    )


def _token(backend: Backend, *, by: User, is_waiting: bool = False) -> NewToken:
    return create_token(
        backend_id=backend.pk,
        scopes=list(Scope),
        days=365,
        actor=actor_for(by),
        is_waiting=is_waiting,
    )


def _history(shop: Store, scene: Scene) -> None:
    now = timezone.now()
    for number, outcome in enumerate(("passed", "missing_permissions", "refused")):
        Verification.objects.create(
            store=shop,
            credential=scene.key,
            at=now - timedelta(hours=number),
            outcome=outcome,
            status=200 if outcome == "passed" else 403,
        )
    StoreNote.objects.create(
        store=shop, author=scene.ben, text="Called the owner: she makes a new key.", at=now
    )
    for number in range(6):
        Walkthrough.objects.create(store=shop, user=person(f"walker-{number}"), step=number + 1)
    Walkthrough.objects.filter(step__lt=5).update(updated_at=now - timedelta(days=2))
    Walkthrough.objects.filter(step=6).update(keys_done=1)
    DailyPeak.objects.create(
        store=shop,
        day=current_day(),
        five_minutes=570,
        five_minutes_at=now,
        hour=2000,
        hour_at=now,
        total=9000,
    )
    store(merchant("Bloem & Blad"), "A shop with a name that is rather long for a narrow window")
    fire(kind=Alert.Kind.HONEYTOKEN, subject="credential:1", facts={"by": "backend:1"})


def _work() -> Backend:
    now = timezone.now()
    for problem in ("SMTPServerDisconnected", "TimeoutError"):
        row = enqueue(recipient="anna@example.test", subject="Your key needs you", text="x")
        OutgoingMail.objects.filter(pk=row.pk).update(
            attempts=2, problem=problem, due_at=now + timedelta(minutes=5)
        )
    lost = enqueue(recipient="nobody@example.test", subject="Your key needs you", text="x")
    OutgoingMail.objects.filter(pk=lost.pk).update(failed_at=now, due_at=None, problem="OSError")
    DutyRun.objects.create(name="audit.seal", ran_at=now)
    DutyRun.objects.create(
        name="notices.mail", ran_at=now, failures=3, failed_at=now, problem="OSError"
    )
    backend = Backend.objects.create(name="Bike App backend", has_all_stores=True)
    endpoint = WebhookEndpoint.objects.create(
        backend=backend,
        url="https://app.example.test/a/rather/long/address/of/a/webhook",
        sealed_key=b"x",
    )
    WebhookDelivery.objects.create(
        endpoint=endpoint, type="credential.failing", body="{}", created_at=now
    )
    return backend
