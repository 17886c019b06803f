"""A stand-in for an OIDC provider whose keys the test holds, so that it can sign what no provider would."""

import base64
import hashlib
import json
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from tests.standins.faults import Fault
from tests.standins.http_server import Asked, HttpStandIn, Reply

CLIENT: Final = "homeward"
SYSTEM: Final = "case-system-1"
SECRET: Final = "invented secret/+"
AUDIENCE: Final = "https://homeward.invented/api"


def rsa_key(key_id: str) -> Key:
    return RSAKey.generate_key(2048, {"kid": key_id, "use": "sig"})


def ec_key(key_id: str) -> Key:
    return ECKey.generate_key("P-256", {"kid": key_id})


def ed_key(key_id: str) -> Key:
    return OKPKey.generate_key("Ed25519", {"kid": key_id})


class IssuerStandIn(HttpStandIn):
    """`keys` are published; a code redeems for the token in `codes` by whoever brings the verifier of `challenges`."""

    def __init__(self, *keys: Key) -> None:
        super().__init__()
        self.keys = list(keys)
        self.codes: dict[str, str] = {}
        self.challenges: dict[str, str] = {}
        self.more: dict[str, Any] = {}
        self.faults: dict[str, Fault] = {}

    def answer(self, asked: Asked) -> Reply:
        fault = self.faults.get(asked.path)
        if asked.path == "/.well-known/openid-configuration":
            return Reply(200, self._about(), fault)
        if asked.path == "/keys":
            return Reply(200, {"keys": [key.as_dict(private=False) for key in self.keys]}, fault)
        if asked.path == "/token":
            return self._redeem(asked)
        return Reply(404)

    def times_asked(self, path: str) -> int:
        return sum(asked.path == path for asked in self.asked)

    def _about(self) -> dict[str, Any]:
        doors = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        about: dict[str, Any] = {"issuer": self.url, **{name: self.url + path for name, path in doors.items()}}
        return {**about, "end_session_endpoint": f"{self.url}/leave?kept=1", **self.more}

    def _redeem(self, asked: Asked) -> Reply:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        code = form.get("code", "")
        token, challenge = self.codes.pop(code, None), self.challenges.pop(code, None)
        if token is None or challenge != s256(form.get("code_verifier", "")):
            return Reply(400, {"error": "invalid_grant", "error_description": "<b>words of the provider</b>"})
        return Reply(200, {"access_token": "opaque", "token_type": "Bearer", "id_token": token})

    def claims(self, now: datetime, **more: Any) -> dict[str, Any]:
        """Claims of a good token of a system; a claim that is None is left out."""
        at = int(now.timestamp())
        good: dict[str, Any] = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "subject-1",
            "client_id": SYSTEM,
            "iat": at,
            "exp": at + 300,
            "roles": ["case_system"],
            "authority": "invented",
        }
        return {name: value for name, value in (good | more).items() if value is not None}


def signed(claims: dict[str, Any], key: Key, algorithm: str = "RS256", **header: Any) -> str:
    """A token. A header that is None is left out."""
    about = {"alg": algorithm, "kid": key.kid, **header}
    given = {name: value for name, value in about.items() if value is not None}
    return jwt.encode(given, dict(claims), key, algorithms=[algorithm])


def unsigned(claims: dict[str, Any], header: dict[str, Any], signature: bytes = b"") -> str:
    """A token put together by hand."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
