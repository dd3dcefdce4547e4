"""One renewal: what is written when, and what each accident leaves behind."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from keyvault import vault
from keyvault.audit import SYSTEM, entries_for
from keyvault.errors import TamperedSecretError
from keyvault.models import AuditEntry, Credential, Grant, ProviderBreaker
from keyvault.renewal import renew
from keyvault.renewal.breaker import THRESHOLD
from keyvault.renewal.claims import claim_grant, claimable_grant, open_refresh
from keyvault.renewal.renewing import Outcome, commit_pair
from keyvault.vault import AccessTokenSecret
from keyvault.vault.holds import hold, let_go
from tests.keyvault.renewal.vendor import FakeVendor, KilledError, age, claimed, connected

pytestmark = pytest.mark.django_db

State = Grant.State


def token_of(credential: Credential) -> str:
    row = vault.openable_credentials(keychain_id=credential.keychain_id).get(pk=credential.pk)
    secret = vault.open_credential(credential=row, actor=SYSTEM)
    assert isinstance(secret, AccessTokenSecret)
    return secret.access_token.get_secret_value()


def refresh_of(credential: Credential) -> str:
    grant = Grant.objects.select_related("credential").get(pk=credential.pk)
    return open_refresh(grant).get_secret_value()


def grant_of(credential: Credential) -> Grant:
    return Grant.objects.get(pk=credential.pk)


def actions(credential: Credential) -> list[str]:
    found = entries_for(keychain_id=credential.keychain_id)
    return [each.action for each in found if each.action.startswith("grant.")][::-1]


def let_claim_run_out(credential: Credential) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Grant.objects.filter(pk=credential.pk).update(claimed_until=past)


def test_a_renewal_puts_the_next_pair_in_place(vendor: FakeVendor) -> None:
    credential = connected()
    before = token_of(credential), refresh_of(credential)
    age(credential, to="expired")
    assert renew(credential_id=credential.pk) is Outcome.RENEWED
    grant = grant_of(credential)
    assert token_of(credential) != before[0]
    assert refresh_of(credential) != before[1]
    assert refresh_of(credential) in vendor.live
    assert (grant.generation, grant.intent_at, grant.claimed_until) == (2, None, None)
    assert grant.due_at is not None
    assert timezone.now() < grant.due_at < grant.access_expires_at
    credential.refresh_from_db()
    assert credential.valid_until is not None
    assert credential.valid_until < grant.access_expires_at
    assert actions(credential) == ["grant.connected", "grant.renewed"]


def test_the_intent_is_durable_before_the_vendor_is_asked(vendor: FakeVendor) -> None:
    credential = connected()
    seen: list[Grant] = []
    vendor.during.append(lambda: seen.append(grant_of(credential)))
    renew(credential_id=credential.pk)
    assert seen[0].intent_at is not None
    assert seen[0].claimed_until is not None


def test_who_comes_second_does_not_ask(vendor: FakeVendor) -> None:
    credential = connected()
    seen: list[Outcome] = []
    vendor.during.append(lambda: seen.append(renew(credential_id=credential.pk)))
    assert renew(credential_id=credential.pk) is Outcome.RENEWED
    assert seen == [Outcome.BUSY]
    assert vendor.calls == 1


def test_a_claim_outlives_the_call(vendor: FakeVendor) -> None:
    credential = connected()
    now = timezone.now()
    claim = claimed(credential, now=now)
    assert claim is not None
    assert claim.grant.claimed_until is not None
    assert claim.grant.claimed_until - now > timedelta(seconds=30)
    assert "refresh-" not in repr(claim)


def test_of_two_that_claim_at_once_one_wins(vendor: FakeVendor) -> None:
    credential = connected()
    winners: list[object] = []

    def overtake(execute: Any, sql: str, *rest: Any) -> Any:
        if "keyvault_wrappeddek" in sql and not winners:
            winners.append(None)
            winners.append(claimed(credential))
        return execute(sql, *rest)

    with connection.execute_wrapper(overtake):
        assert claimed(credential) is None
    assert winners[1] is not None


def test_a_grant_that_is_replaced_meanwhile_is_not_claimed(vendor: FakeVendor) -> None:
    credential = connected()
    now = timezone.now()
    grant = claimable_grant(credential_id=credential.pk, now=now)
    assert grant is not None
    Grant.objects.filter(pk=credential.pk).update(state=State.ENDED)
    assert claim_grant(grant=grant, now=now) is None


def test_who_looked_before_another_asked_in_vain_does_not_show_the_token_again(
    vendor: FakeVendor,
) -> None:
    vendor.single_use = True
    credential = connected()
    now = timezone.now()
    grant = claimable_grant(credential_id=credential.pk, now=now)
    assert grant is not None
    vendor.accidents = ["lost"]
    assert renew(credential_id=credential.pk) is Outcome.UNKNOWN
    assert claim_grant(grant=grant, now=now) is None


@pytest.mark.parametrize("state", [State.LOST, State.ENDED])
def test_a_grant_that_is_over_is_not_claimed(state: str) -> None:
    credential = connected()
    Grant.objects.filter(pk=credential.pk).update(state=state)
    assert renew(credential_id=credential.pk) is Outcome.BUSY


def test_a_credential_without_a_grant_is_left_alone() -> None:
    assert renew(credential_id=connected().keychain_id) is Outcome.BUSY


def test_an_outage_leaves_the_valid_token_in_place(vendor: FakeVendor) -> None:
    credential = connected()
    before = token_of(credential)
    vendor.accidents = ["down"]
    assert renew(credential_id=credential.pk) is Outcome.FAILED
    grant = grant_of(credential)
    assert (grant.state, grant.problem, grant.intent_at) == (State.ACTIVE, "unavailable", None)
    assert token_of(credential) == before
    credential.refresh_from_db()
    assert credential.state == Credential.State.ACTIVE
    assert renew(credential_id=credential.pk) is Outcome.RENEWED
    assert grant_of(credential).problem == ""


def test_a_vendor_that_names_a_time_is_not_asked_sooner(vendor: FakeVendor) -> None:
    credential = connected()
    vendor.accidents = ["busy"]
    renew(credential_id=credential.pk)
    due_at = grant_of(credential).due_at
    assert due_at is not None
    assert due_at > timezone.now() + timedelta(seconds=590)


def test_a_lost_answer_is_asked_again_where_the_old_token_still_lives(vendor: FakeVendor) -> None:
    credential = connected()
    vendor.accidents = ["lost"]
    assert renew(credential_id=credential.pk) is Outcome.FAILED
    assert renew(credential_id=credential.pk) is Outcome.RENEWED


def test_a_lost_answer_of_a_single_use_token_is_unknown_until_expiry(vendor: FakeVendor) -> None:
    vendor.single_use = True
    credential = connected()
    vendor.accidents = ["lost"]
    assert renew(credential_id=credential.pk) is Outcome.UNKNOWN
    grant = grant_of(credential)
    assert grant.state == State.UNKNOWN
    assert grant.due_at is not None
    assert grant.due_at >= grant.access_expires_at
    # Nobody shows the old token while the access token lives.
    assert renew(credential_id=credential.pk) is Outcome.UNKNOWN
    assert vendor.calls == 1
    # Then once; the vendor refuses it, and consent is needed.
    age(credential, to="expired")
    assert renew(credential_id=credential.pk) is Outcome.LOST
    assert vendor.calls == 2
    assert renew(credential_id=credential.pk) is Outcome.BUSY
    assert actions(credential) == ["grant.connected", "grant.unknown", "grant.lost"]


def test_an_unknown_outcome_can_turn_out_well(vendor: FakeVendor) -> None:
    vendor.single_use = True
    credential = connected()
    vendor.accidents = ["lost"]
    token = refresh_of(credential)
    renew(credential_id=credential.pk)
    vendor.live.add(token)
    age(credential, to="expired")
    assert renew(credential_id=credential.pk) is Outcome.RENEWED
    assert grant_of(credential).state == State.ACTIVE


def test_a_crash_before_the_commit_costs_nothing_where_the_old_token_lives(
    vendor: FakeVendor,
) -> None:
    credential = connected()
    vendor.accidents = ["killed"]
    with pytest.raises(KilledError):
        renew(credential_id=credential.pk)
    assert grant_of(credential).intent_at is not None
    assert renew(credential_id=credential.pk) is Outcome.BUSY
    let_claim_run_out(credential)
    assert renew(credential_id=credential.pk) is Outcome.RENEWED
    assert actions(credential) == ["grant.connected", "grant.unknown", "grant.renewed"]


def test_a_crash_with_a_single_use_token_is_told_and_waits_for_expiry(vendor: FakeVendor) -> None:
    vendor.single_use = True
    credential = connected()
    vendor.accidents = ["killed"]
    with pytest.raises(KilledError):
        renew(credential_id=credential.pk)
    let_claim_run_out(credential)
    assert renew(credential_id=credential.pk) is Outcome.UNKNOWN
    assert vendor.calls == 1
    assert grant_of(credential).problem == "left-over"
    age(credential, to="expired")
    assert renew(credential_id=credential.pk) is Outcome.LOST


def test_a_valid_pair_that_comes_late_is_kept(vendor: FakeVendor) -> None:
    credential = connected()
    claim = claimed(credential)
    assert claim is not None
    let_claim_run_out(credential)
    other = claimed(credential)
    assert other is not None
    late = vendor.pair()
    assert commit_pair(claim=claim, pair=late) is Outcome.RENEWED
    assert refresh_of(credential) == late.refresh_token.get_secret_value()
    # The other one's claim still stands; its own pair comes second and is dropped.
    assert grant_of(credential).claimed_until is not None
    assert commit_pair(claim=other, pair=vendor.pair()) is Outcome.BUSY
    assert refresh_of(credential) == late.refresh_token.get_secret_value()


def test_a_refusal_is_believed_only_when_nobody_renewed_meanwhile(vendor: FakeVendor) -> None:
    credential = connected()

    def overtake() -> None:
        let_claim_run_out(credential)
        claim = claimed(credential)
        assert claim is not None
        commit_pair(claim=claim, pair=vendor.pair())

    vendor.during.append(overtake)
    vendor.accidents = ["refused"]
    assert renew(credential_id=credential.pk) is Outcome.BUSY
    assert grant_of(credential).state == State.ACTIVE


def test_a_refused_grant_serves_its_last_token_and_needs_consent(vendor: FakeVendor) -> None:
    credential = connected()
    vendor.live.clear()
    before = token_of(credential)
    assert renew(credential_id=credential.pk) is Outcome.LOST
    grant = grant_of(credential)
    assert (grant.state, bytes(grant.sealed_refresh)) == (State.LOST, b"")
    credential.refresh_from_db()
    assert grant.due_at == credential.valid_until
    assert credential.state == Credential.State.ACTIVE
    assert token_of(credential) == before


def test_a_renewal_brings_a_suspended_credential_back(vendor: FakeVendor) -> None:
    credential = connected()
    vault.set_state(
        credential_id=credential.pk,
        keychain_id=credential.keychain_id,
        to=Credential.State.SUSPENDED,
        actor=SYSTEM,
        reason="vendor-refused",
    )
    renew(credential_id=credential.pk)
    credential.refresh_from_db()
    assert credential.state == Credential.State.ACTIVE


def test_a_credential_that_is_held_back_is_renewed_and_stays_so(vendor: FakeVendor) -> None:
    credential = connected()
    hold(credential=credential, reason="rehearsal", actor=SYSTEM)
    assert renew(credential_id=credential.pk) is Outcome.RENEWED
    credential.refresh_from_db()
    assert credential.state == Credential.State.SUSPENDED
    let_go(credential_ids=[credential.pk], reason="rehearsal", actor=SYSTEM)
    credential.refresh_from_db()
    assert credential.state == Credential.State.ACTIVE


def test_scopes_that_change_are_noted(vendor: FakeVendor) -> None:
    credential = connected()
    vendor.scopes = ("sales:read", "sales:write")
    renew(credential_id=credential.pk)
    assert grant_of(credential).scope_names == vendor.scopes
    assert actions(credential)[-1] == "grant.changed"
    vendor.scopes = ()
    renew(credential_id=credential.pk)
    assert grant_of(credential).scope_names == ("sales:read", "sales:write")


def test_the_breaker_leaves_a_vendor_alone_and_lets_one_try(vendor: FakeVendor) -> None:
    first, second = connected(), connected(account="100002")
    vendor.accidents = ["down"] * THRESHOLD
    for _ in range(THRESHOLD):
        assert renew(credential_id=first.pk) is Outcome.FAILED
    age(second, to="due")
    assert renew(credential_id=second.pk) is Outcome.PAUSED
    due_at = grant_of(second).due_at
    assert due_at is not None
    assert due_at > timezone.now()
    assert vendor.calls == THRESHOLD
    later = timezone.now() + timedelta(seconds=11)
    seen: list[Outcome] = []
    vendor.during.append(lambda: seen.append(renew(credential_id=first.pk, now=later)))
    assert renew(credential_id=second.pk, now=later) is Outcome.RENEWED
    assert seen == [Outcome.PAUSED]
    assert ProviderBreaker.objects.get().open_until is None
    assert renew(credential_id=first.pk) is Outcome.RENEWED


def test_a_refresh_token_opens_only_in_its_own_generation() -> None:
    credential = connected()
    Grant.objects.filter(pk=credential.pk).update(generation=7)
    with pytest.raises(TamperedSecretError):
        renew(credential_id=credential.pk)
    assert grant_of(credential).claimed_until is None


def test_no_token_stands_in_a_column_or_an_entry(vendor: FakeVendor) -> None:
    credential = connected()
    renew(credential_id=credential.pk)
    tokens = [token_of(credential), refresh_of(credential)]
    rows = [Grant.objects.filter(pk=credential.pk).values().get()]
    rows += [Credential.objects.filter(pk=credential.pk).values().get()]
    rows += list(AuditEntry.objects.values())
    for token in tokens:
        assert token not in repr(rows)
