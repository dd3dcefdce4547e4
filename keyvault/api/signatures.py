"""Requests of backends that sign: HTTP Message Signatures (RFC 9421) with Ed25519.

    Content-Digest   sha-256=:…:                              (RFC 9530; only with a body)
    Signature-Input  latchkey=("@method" "@authority" "@path" "@query" "authorization"
                     "content-digest");created=1762000000;keyid="…";nonce="…";alg="ed25519"
    Signature        latchkey=:…:

One signature, whatever its label. It covers all that the request means: the method, the whole
address (`@target-uri`, or `@authority`, `@path` and `@query`), the token, the body's digest and
the Idempotency-Key. It is good for a minute, and once.
"""

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.http import HttpRequest
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    MappingKeyResolver,
    VerifyResult,
    algorithms,
)

from keyvault import audit
from keyvault.audit import Actor
from keyvault.errors import BadSignatureError
from keyvault.leases.signing import MOST_AGE, MOST_AHEAD, Signer, signer_of, spend_nonce

ADDRESS: Final = frozenset({"@authority", "@path", "@query"})
NONCE_CHARACTERS: Final = range(8, 65)


class _Verifier(HTTPMessageVerifier):
    max_clock_skew = MOST_AHEAD


@dataclass(frozen=True, slots=True)
class _Message:
    """A request as the library reads it."""

    method: str
    url: str
    headers: dict[str, str]


def require_signature(request: HttpRequest, *, digest: str) -> None:
    """Refuses a request that its backend has not signed, when it has said that it signs.

    Args:
        request: with a body that is worth reading.
        digest: of the token that it shows.

    Raises:
        BadSignatureError: no signature, a wrong one, one that is too old or was seen before.
    """
    signer = signer_of(digest=digest)
    if signer is None:
        return
    try:
        found = _verified(request, signer=signer)
        _require_coverage(found, request=request)
        _spend(found, signer=signer)
    except BadSignatureError as error:
        audit.record_denial(
            actor=Actor(kind="backend", id=str(signer.backend_id)),
            facts={"reason": error.code},
        )
        raise


def _verified(request: HttpRequest, *, signer: Signer) -> VerifyResult:
    if "Signature" not in request.headers:
        message = "this backend signs its requests (RFC 9421); this one bears no signature"
        raise BadSignatureError(message)
    key = Ed25519PublicKey.from_public_bytes(signer.key)
    verifier = _Verifier(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(public_keys={signer.key_id: key}, private_keys={}),
    )
    try:
        (found,) = verifier.verify(
            _Message(
                method=request.method or "",
                url=request.build_absolute_uri(),
                headers=dict(request.headers.items()),
            ),
            max_age=MOST_AGE,
            body=request.body,
        )
    except (HTTPMessageSignaturesException, ValueError):
        # The library's words may repeat what was sent.
        message = "the signature does not fit this request, its time or the key on record"
        raise BadSignatureError(message) from None
    return found


def _require_coverage(found: VerifyResult, *, request: HttpRequest) -> None:
    covered = {name.strip('"') for name in found.covered_components}
    wanted = {"@method", "authorization"}
    if "@target-uri" not in covered:
        wanted |= ADDRESS
    if request.body:
        wanted.add("content-digest")
    if "Idempotency-Key" in request.headers:
        wanted.add("idempotency-key")
    if missing := sorted(wanted - covered):
        message = f"the signature must cover {', '.join(missing)}"
        raise BadSignatureError(message)


def _spend(found: VerifyResult, *, signer: Signer) -> None:
    nonce = found.nonce or ""
    if len(nonce) not in NONCE_CHARACTERS:
        message = "a signature needs a nonce of 8 to 64 characters"
        raise BadSignatureError(message)
    spend_nonce(signer=signer, nonce=nonce)
