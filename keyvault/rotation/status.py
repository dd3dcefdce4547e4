"""What keys there are, how old they are, how much they are used, and what stands on them."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max

from keyvault.audit import signing
from keyvault.envelope import NONCES_WARN
from keyvault.kek.provider import KekState
from keyvault.models import AuditCheckpoint, AuditPending, KekUse, Keychain, WrappedDek
from keyvault.vault.altered import altered_rows, sound
from keyvault.vault.custody import (
    active_provider,
    configured_providers,
    current_keyring,
    require_keyring,
)


@dataclass(frozen=True, slots=True)
class KekStatus:
    """One KEK.

    Attributes:
        id: its id.
        state: where it is in its life, or "unknown" when no provider holds it.
        created_at: when it was made, if its provider tells.
        wraps: how often it has wrapped.
        deks: how many DEKs stand on it.
    """

    id: str
    state: str
    created_at: datetime | None
    wraps: int
    deks: int


@dataclass(frozen=True, slots=True)
class SigningKeyStatus:
    """One signing key of the keyring.

    Attributes:
        id: its id.
        state: "active" or "decrypt-only", which for a signing key means that it only verifies.
        created_at: when it was made.
        public_key: the raw key in hex.
        fingerprint: of the public key, for comparing by eye.
    """

    id: str
    state: str
    created_at: datetime
    public_key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Status:
    """The keys of this installation.

    Attributes:
        provider: which one wraps new DEKs.
        keks: every KEK that a provider holds or a DEK names.
        signing: the signing keys.
        keychains: how many there are.
        shredded: how many of them were shredded.
        most_seals: the most records that one DEK has sealed.
        deks_to_replace: DEKs that have sealed 2^28 records or more.
        deks_on_old_keks: DEKs that `rewrap` would move.
        checkpoints: how many there are.
        unsealed: audit entries that wait for their checkpoint.
        altered: rows of these tables that cannot be read, each in a sentence; not counted above.
    """

    provider: str
    keks: list[KekStatus]
    signing: list[SigningKeyStatus]
    keychains: int
    shredded: int
    most_seals: int
    deks_to_replace: int
    deks_on_old_keks: int
    checkpoints: int
    unsealed: int
    altered: list[str]

    @property
    def unknown_keks(self) -> list[str]:
        """KEKs that DEKs name but nobody holds; those DEKs cannot be unwrapped."""
        return [kek.id for kek in self.keks if kek.state == "unknown" and kek.deks]


def read_status() -> Status:
    """Reads the state of all keys. About twelve queries, and a call to a remote provider.

    Raises:
        KeyringError, KekUnavailableError: the keys cannot be listed.
    """
    require_keyring()
    active = active_provider().active_id()
    deks = sound(WrappedDek.objects.all())
    return Status(
        provider=active_provider().name,
        keks=_keks(),
        signing=_signing_keys(),
        keychains=Keychain.objects.count(),
        shredded=Keychain.objects.exclude(shredded_at=None).count(),
        most_seals=deks.aggregate(most=Max("seals"))["most"] or 0,
        deks_to_replace=deks.filter(seals__gte=NONCES_WARN).count(),
        deks_on_old_keks=deks.exclude(kek_id=active).count(),
        checkpoints=AuditCheckpoint.objects.count(),
        unsealed=AuditPending.objects.count(),
        altered=[row for table in (Keychain, WrappedDek, KekUse) for row in altered_rows(table)],
    )


def _keks() -> list[KekStatus]:
    deks = sound(WrappedDek.objects.all())
    counted = deks.values_list("kek_id").annotate(deks=Count("*"))
    standing = dict(counted.values_list("kek_id", "deks"))
    uses = dict(sound(KekUse.objects.all()).values_list("kek_id", "wraps"))
    held = {kek.id: kek for provider in configured_providers() for kek in provider.keks()}
    return [
        KekStatus(
            id=kek_id,
            state=held[kek_id].state.value if kek_id in held else "unknown",
            created_at=held[kek_id].created_at if kek_id in held else None,
            wraps=uses.get(kek_id, 0),
            deks=standing.get(kek_id, 0),
        )
        for kek_id in [*held, *sorted(set(standing) - set(held))]
    ]


def _signing_keys() -> list[SigningKeyStatus]:
    public = signing.public_keys()
    return [
        SigningKeyStatus(
            id=key.id,
            state=key.state.value,
            created_at=key.created_at,
            public_key=public[key.id].hex(),
            fingerprint=signing.public_fingerprint(public[key.id]),
        )
        for key in current_keyring().signing
        if key.state is not KekState.DESTROYED
    ]
