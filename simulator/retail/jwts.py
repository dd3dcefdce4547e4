"""Access tokens of R-Series: RS256 JWTs whose key stands at `/.well-known/jwks`."""

import base64
import json
import secrets
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

_EXPONENT = 65_537
_BITS = 2_048


def unpadded(data: bytes) -> str:
    """Give base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """Signs with a key of its own, made at the first use."""

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_BITS)

    def sign(self, claims: dict[str, object]) -> str:
        """Give a JWT with these claims and a number of its own."""
        head = unpadded(json.dumps({"typ": "JWT", "alg": "RS256", "kid": "sim"}).encode())
        body = unpadded(json.dumps({**claims, "jti": secrets.token_hex(16)}).encode())
        signed = f"{head}.{body}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), SHA256())
        return f"{signed}.{unpadded(signature)}"

    def jwks(self) -> dict[str, object]:
        """Give the public key as a JWK set."""
        numbers = self._key.public_key().public_numbers()
        return {
            "keys": [
                {
                    "kty": "RSA",
                    "use": "sig",
                    "alg": "RS256",
                    "kid": "sim",
                    "n": unpadded(numbers.n.to_bytes(_BITS // 8, "big")),
                    "e": unpadded(numbers.e.to_bytes(3, "big")),
                }
            ]
        }
