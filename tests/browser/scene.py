"""A merchant whose stores are, between them, in every state that a page can show."""

from dataclasses import dataclass, field
from datetime import timedelta

from django.http import HttpResponse
from django.utils import timezone

from keyvault.models import Credential
from onboarding.capacity.services import answer_case, write_to_merchant
from onboarding.capacity.usage import current_day
from onboarding.models import DailyPeak, Phase, Plan, Store, Submission, User, Verification
from onboarding.people.invitations import invite_person
from onboarding.stores.services import pause_key
from onboarding.submission.services import verify_credential
from simulator.running import RunningSimulator
from tests.onboarding.capacity.sales import case_of, figures, lend
from tests.onboarding.cast import (
    BY_TESTS,
    credential,
    member,
    pair,
    person,
    staff_member,
    store,
)
from tests.onboarding.oauth.desk import opened
from tests.onboarding.submission.desk import Desk, desk
from tests.onboarding.vendor import OTHER_SHOP, known_pair, pasted, without


@dataclass
class Scene:
    """What there is to look at.

    Attributes:
        pages: addresses by name.
        forms: the same for pages whose form is sent as it is, to see it complain.
    """

    pages: dict[str, str] = field(default_factory=dict)
    forms: dict[str, str] = field(default_factory=dict)


def scene(simulator: RunningSimulator) -> Scene:
    """Everything, brought about through the site itself where that is possible."""
    at = desk()
    found = Scene()
    _busy_store(found, at, simulator)
    _pasted(found, at, simulator)
    _sales(found, at)
    _walkthrough(found, at)
    _people(found, at)
    _other_stores(found, at, simulator)
    return found


def _busy_store(found: Scene, at: Desk, simulator: RunningSimulator) -> None:
    """Three keys, one in the place of another, traffic, a plan, other ways to connect."""
    for _ in range(2):
        _stored(at, known_pair(simulator))
    old = _stored(at, known_pair(simulator))
    key = _stored(at, known_pair(simulator), replaces=str(old.pk))
    now = timezone.now()
    for minutes in (2, 61, 130, 400, 800):
        lend(key, permits=min(30 * minutes, 2900), at=now - timedelta(minutes=minutes))
    for back in range(1, 30):
        DailyPeak.objects.create(
            store=at.store,
            day=current_day() - timedelta(days=back),
            five_minutes=280,
            five_minutes_at=now,
            hour=2800,
            hour_at=now,
            total=9000 + 1000 * (back % 7),
        )
    opened()
    plan = Plan.objects.create(
        name="Keys to OAuth", vendor="Lightspeed", endpoint="ecom-eu1", state="active"
    )
    Phase.objects.create(plan=plan, effect="keys_refused", starts_at=now + timedelta(days=90))
    base = f"/stores/{at.store.pk}/"
    found.pages |= {
        "store": base,
        "usage": f"{base}usage/",
        "activity": f"{base}activity/",
        "remove": f"{base}keys/{key.pk}/remove/",
        "replace": f"{at.url}?replaces={key.pk}",
        "connect": f"{base}connect/retail-r/",
    }
    found.forms["remove-wrong"] = f"{base}keys/{key.pk}/remove/"


def _stored(at: Desk, known: object, **fields: str) -> Credential:
    at.paste(**pasted(known), **fields)  # type: ignore[arg-type]
    at.press("store", at.submission())
    stored = at.submission().credential
    assert stored is not None
    return stored


def _pasted(found: Scene, at: Desk, simulator: RunningSimulator) -> None:
    """Every outcome of a check."""
    rival = desk("rival", company="Rival")
    theirs = known_pair(simulator)
    _stored(rival, theirs)
    here = known_pair(simulator)
    _stored(at, here)
    boxes = without(("orders", "write"))
    boxes["content"]["read"] = False  # type: ignore[index]
    lacking_two = known_pair(simulator)
    simulator.put_key(key=lacking_two.key.get_secret_value(), permissions=boxes)
    pairs = {
        "refused": pair(),
        "other-shop": known_pair(simulator, shop_id=OTHER_SHOP),
        "added-here": here,
        "in-use-elsewhere": theirs,
        "language": known_pair(simulator, language="fr"),
        "box-missing": lacking_two,
        "works": known_pair(simulator),
    }
    shown = {name: _result(at, at.paste(**pasted(each))) for name, each in pairs.items()}
    half = known_pair(simulator).key.get_secret_value()
    shown["half"] = _result(at, at.paste(key=half, secret="owner@example.test"))
    shown["paste-again"] = f"{shown['half']}paste/"
    simulator.add_fault(path="account/permissions", kind="500", count=1)
    shown["waiting"] = _result(at, at.paste(**pasted(known_pair(simulator))))
    simulator.add_fault(path="account/permissions", kind="500", count=1)
    shown["gave-up"] = _result(at, at.paste(**pasted(known_pair(simulator))))
    Submission.objects.filter(pk=at.submission().pk).update(state="failed")
    shown["checking"] = _result(at, at.paste(**pasted(known_pair(simulator))))
    now = timezone.now()
    Submission.objects.filter(pk=at.submission().pk).update(
        state="waiting", claimed_until=now + timedelta(hours=1), due_at=now + timedelta(hours=1)
    )
    shown["gone"] = _result(at, at.paste(**pasted(known_pair(simulator))))
    at.press("delete", at.submission())
    found.pages |= {f"result-{name}": url for name, url in shown.items()}
    found.pages["paste"] = at.url
    found.forms["paste-empty"] = at.url


def _result(at: Desk, _page: HttpResponse) -> str:
    return f"{at.url}{at.submission().pk}/"


def _sales(found: Scene, at: Desk) -> None:
    base = f"/stores/{at.store.pk}/sale/"
    asked = case_of(at.store, days=30, text="A newsletter goes out at eight. <b>Really</b>.")
    answered = case_of(at.store, days=40)
    staff = staff_member("answerer")
    write_to_merchant(case=answered, staff=staff, text="Until when does it last?", form_id=None)
    answer_case(case=answered, staff=staff, recommended_keys=9, text="Nine will do.")
    found.pages |= {
        "sale": base,
        "sale-plan": f"{base}?" + "&".join(f"{name}={text}" for name, text in figures().items()),
        "case-asked": f"{base}cases/{asked.pk}/",
        "case-answered": f"{base}cases/{answered.pk}/",
    }
    found.pages["sale-errors"] = f"{base}?visitors=many&orders=-3&app_percent=400"
    found.forms["case-empty"] = f"{base}cases/{asked.pk}/"


def _walkthrough(found: Scene, at: Desk) -> None:
    base = f"/stores/{at.store.pk}/walkthrough/"
    at.client.post(f"{base}1/", {"owner": "yes", "plan": "yes", "keys_wanted": "3"})
    for step in (2, 3, 4):
        at.client.post(f"{base}{step}/")
    found.pages |= {f"step-{step}": f"{base}{step}/" for step in (1, 2, 3, 4)}
    found.pages |= {
        name: f"{base}{name}/" for name in ("permissions", "someone-else", "no-api-access")
    }
    found.forms["step-1-errors"] = (
        f"/stores/{store(at.store.merchant, 'Unbegun').pk}/walkthrough/1/"
    )


def _people(found: Scene, at: Desk) -> None:
    colleague = member(at.store.merchant, person("a-colleague-with-a-rather-long-name"))
    owner = User.objects.get(email="owner@example.test")
    invite_person(merchant=at.store.merchant, email="invited@example.test", invited_by=owner)
    people = f"/merchants/{at.store.merchant_id}/people/"
    found.pages |= {
        "people": people,
        "people-remove": f"{people}{colleague.pk}/remove/",
        "account": "/accounts/",
        "sessions": "/accounts/sessions/",
        "notifications": "/accounts/notifications/",
        "email": "/accounts/email/",
        "password": "/accounts/password/change/",
        "second-step": "/accounts/2fa/",
        "help": "/help/",
        "nowhere": "/nowhere/",
    }
    found.forms |= {"people-errors": people, "password-errors": "/accounts/password/change/"}


def _other_stores(found: Scene, at: Desk, simulator: RunningSimulator) -> None:
    """Stores that are broken or want something, each in its own way."""
    company = at.store.merchant
    empty = store(company, "Empty")
    closed = store(company, "Closed to new keys")
    Store.objects.filter(pk=closed.pk).update(cluster="us1")
    plan = Plan.objects.create(name="Farewell", vendor="Lightspeed", endpoint="ecom-us1")
    Plan.objects.filter(pk=plan.pk).update(state="active")
    now = timezone.now()
    Phase.objects.create(plan=plan, effect="no_new_keys", starts_at=now, started_at=now)
    refused, paused, unticked = (store(company, f"Shop {n}") for n in range(3))
    Credential.objects.filter(pk=credential(refused).pk).update(state="suspended")
    pause_key(credential=credential(paused), actor=BY_TESTS)
    weak = known_pair(simulator, lacking=("orders", "write"))
    verify_credential(credential=credential(unticked, of=weak), actor=BY_TESTS)
    assert Verification.objects.filter(store=unticked, outcome="missing_permissions").exists()
    found.pages |= {
        "stores": "/stores/",
        "store-empty": f"/stores/{empty.pk}/",
        "store-refused": f"/stores/{refused.pk}/",
        "store-paused": f"/stores/{paused.pk}/",
        "store-unticked": f"/stores/{unticked.pk}/",
        "activity-empty": f"/stores/{empty.pk}/activity/",
        "usage-empty": f"/stores/{empty.pk}/usage/",
        "sale-empty": f"/stores/{empty.pk}/sale/",
        "walkthrough-closed": f"/stores/{closed.pk}/walkthrough/",
    }
