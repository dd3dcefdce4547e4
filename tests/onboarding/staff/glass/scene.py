"""A key of a merchant, two security officers, and the key pair of one of them."""

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from django.http import HttpResponse

from keyvault.models import Credential
from keyvault.vault import ApiKeySecret
from onboarding.models import GlassRequest, User
from onboarding.staff.glass import services
from tests.onboarding.cast import confirmed, credential, merchant, officer, pair, person, store

REASON = "The vendor asks for the key of incident 4711."


@dataclass
class Scene:
    """What each test of broken glass begins with."""

    secret: ApiKeySecret = field(default_factory=pair)
    private_key: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    anna: User = field(default_factory=lambda: officer("anna"))
    ben: User = field(default_factory=lambda: officer("ben"))
    key: Credential = field(init=False)

    def __post_init__(self) -> None:
        shop = store(merchant(owner=person("owner")))
        self.key = credential(shop, of=self.secret)

    @property
    def public_key(self) -> bytes:
        return self.private_key.public_key().public_bytes_raw()

    def ask(self, *, by: User | None = None, request_id: UUID | None = None) -> GlassRequest:
        return services.ask(
            request_id=request_id or uuid4(),
            credential=self.key,
            reason=REASON,
            public_key=self.public_key,
            user=by or self.anna,
        )

    def approved(self) -> GlassRequest:
        return services.approve(request_id=self.ask().pk, user=self.ben)

    def form(self, **changes: str) -> dict[str, str]:
        public = base64.b64encode(self.public_key).decode()
        return {"form_id": str(uuid4()), "reason": REASON, "public_key": public, **changes}

    def post(self, request: GlassRequest, path: str, *, by: User, **form: str) -> HttpResponse:
        return confirmed(by).post(f"/staff/glass/{request.pk}/{path}/", form, follow=True)

    def unsealed(self, sealed: str, *, info: str) -> dict[str, str]:
        suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
        return json.loads(suite.decrypt(base64.b64decode(sealed), self.private_key, info.encode()))


def later(request: GlassRequest, **times: datetime) -> None:
    """Move the times of a request."""
    GlassRequest.objects.filter(pk=request.pk).update(**times)
