"""The tokens that a provider issued to systems: a good one is believed, and none that was tampered with."""

import base64
import hmac
import warnings
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from joserfc.errors import SecurityWarning
from joserfc.jwk import Key, RSAKey
from pydantic import SecretStr

from activities.store import Store
from starter.identity.claims import ClaimNames, KnownSystems
from starter.identity.oidc import ProviderTokens
from starter.identity.provider import Client, Provider
from tests.identity.house import BEGAN, House, of_provider, opened
from tests.standins.faults import Fault
from tests.standins.issuer import AUDIENCE, CLIENT, SYSTEM, IssuerStandIn, ec_key, ed_key, rsa_key, signed, unsigned


async def me(house: House, token: str) -> httpx.Response:
    async with house.browser() as system:
        return await system.get("/v1/me", headers={"Authorization": f"Bearer {token}"})


async def test_a_good_token_is_believed(one_store: Store, issuer: IssuerStandIn, key: Key) -> None:
    async with opened(one_store, **of_provider(issuer.url)) as house:
        answer = await me(house, signed(issuer.claims(house.now), key, typ="at+jwt"))
        said = answer.json()
        assert (said["id"], said["kind"], said["authority"]) == ("system:case-system-1", "system", "invented")
        assert said["roles"] == ["case_system"]
        elsewhere = await me(house, signed(issuer.claims(house.now, authority="elsewhere"), key))
        assert elsewhere.json()["authority"] == "elsewhere", "who is of another authority is never one of ours"
        assert issuer.times_asked("/keys") == 1, "keys are kept"


def _times(**seconds: int) -> dict[str, Any]:
    return {name: int(BEGAN.timestamp()) + value for name, value in seconds.items()}


BELIEVED: dict[str, dict[str, Any]] = {
    "of several audiences": {"aud": ["other", AUDIENCE]},
    "ended within the leeway": _times(exp=-59),
    "issued within the leeway": _times(iat=59),
    "begins within the leeway": _times(nbf=59),
}
WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "of another issuer": {"iss": "https://evil.example"},
    "of no issuer": {"iss": None},
    "for another audience": {"aud": "https://other.example"},
    "for audiences without ours": {"aud": ["a", "b"]},
    "for no audience": {"aud": None},
    "ended": _times(exp=-61),
    "without an end": {"exp": None},
    "ending at no number": {"exp": "never"},
    "not begun": _times(nbf=61),
    "issued in the future": _times(iat=61),
    "issued at no time": {"iat": None},
    "of no authority": {"authority": None},
    "of no known role": {"roles": ["king"]},
    "of a person, by what nothing marks as one": {"client_id": None, "azp": CLIENT},
    "of an unknown system": {"client_id": "case-system-2"},
    "of a person": {"nonce": "n", "auth_time": 1},
}


@pytest.mark.parametrize("case", [*BELIEVED, *WRONG_CLAIMS])
async def test_what_a_token_must_say(one_store: Store, issuer: IssuerStandIn, key: Key, case: str) -> None:
    async with opened(one_store, **of_provider(issuer.url)) as house:
        answer = await me(house, signed(issuer.claims(house.now, **(BELIEVED | WRONG_CLAIMS)[case]), key))
    assert answer.status_code == (200 if case in BELIEVED else 401), answer.text
    if case in WRONG_CLAIMS:
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "evil.example" not in answer.text


async def test_with_no_system_known_no_token_is_a_systems(one_store: Store, issuer: IssuerStandIn, key: Key) -> None:
    for known, status in ({"oidc_system_clients": ""}, 401), ({"oidc_system_claim": "idtyp=app"}, 200):
        about = of_provider(issuer.url, **{"oidc_system_clients": "", **known})
        async with opened(one_store, **about) as house:
            answer = await me(house, signed(issuer.claims(house.now, idtyp="app"), key))
        assert answer.status_code == status, answer.text


def _of_another_authority(token: str, claims: dict[str, Any]) -> str:
    head, _, signature = token.split(".")
    return ".".join((head, unsigned({**claims, "authority": "elsewhere"}, {}).split(".")[1], signature))


def _with_a_shared_secret(key: Key, claims: dict[str, Any]) -> str:
    """HS256, with the public key, which everybody knows, as if it were a secret."""
    assert isinstance(key, RSAKey)
    signed_part = unsigned(claims, {"alg": "HS256", "kid": key.kid}).rpartition(".")[0]
    digest = hmac.digest(key.as_pem(private=False), signed_part.encode(), "sha256")
    return f"{signed_part}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


TAMPERED: dict[str, Callable[[dict[str, Any], Key], str]] = {
    "none": lambda claims, key: unsigned(claims, {"alg": "none", "kid": key.kid}),
    "None": lambda claims, key: unsigned(claims, {"alg": "None", "kid": key.kid}),
    "no algorithm": lambda claims, key: unsigned(claims, {"kid": key.kid}, b"x"),
    "no signature": lambda claims, key: signed(claims, key).rpartition(".")[0] + ".",
    "another authority": lambda claims, key: _of_another_authority(signed(claims, key), claims),
    "HS256 with the public key": lambda claims, key: _with_a_shared_secret(key, claims),
    "RS512": lambda claims, key: signed(claims, key, "RS512"),
    "an unknown key's id": lambda claims, _: signed(claims, STRANGER),
    "a stranger's key under a known id": lambda claims, key: signed(claims, STRANGER, kid=key.kid),
    "a key in the header": lambda claims, _: signed(claims, STRANGER, jwk=STRANGER.as_dict(private=False)),
    "an address of keys in the header": lambda claims, _: signed(claims, STRANGER, jku="https://evil.example/keys"),
    "another type": lambda claims, key: signed(claims, key, typ="logout+jwt"),
    "what must be understood and is not": lambda claims, key: unsigned(
        claims, {"alg": "RS256", "kid": key.kid, "crit": ["b64"], "b64": False}, b"x"
    ),
    "nonsense": lambda _claims, _key: "a.b.c",
    "two parts": lambda _claims, _key: "a.b",
    "an endless header": lambda _claims, _key: base64.urlsafe_b64encode(b"[" * 6000).decode() + ".e30.x",
}
STRANGER = rsa_key("stranger")


@pytest.mark.parametrize("case", TAMPERED)
async def test_no_token_that_was_tampered_with_is_believed(
    one_store: Store, issuer: IssuerStandIn, key: Key, case: str
) -> None:
    async with opened(one_store, **of_provider(issuer.url)) as house:
        token = TAMPERED[case](issuer.claims(house.now), key)
        answer = await me(house, token)
        assert answer.status_code == 401
        assert "evil.example" not in answer.text
        assert token not in answer.text
        assert (await me(house, signed(issuer.claims(house.now), key))).status_code == 200, (
            "a good one is, all the same"
        )


@pytest.mark.parametrize(
    ("made", "algorithm", "believed"),
    [
        (rsa_key("k"), "RS256", True),
        (rsa_key("k"), "PS256", True),
        (ec_key("k"), "ES256", True),
        (ed_key("k"), "EdDSA", True),
        (ed_key("k"), "Ed25519", True),
        (rsa_key("k"), "PS512", False),
    ],
)
async def test_the_ways_of_signing_that_are_taken(one_store: Store, made: Key, algorithm: str, believed: bool) -> None:
    with IssuerStandIn(made) as issuer:
        async with opened(one_store, **of_provider(issuer.url)) as house:
            # joserfc warns of the name EdDSA when it signs; what is believed is what is asked here.
            with warnings.catch_warnings(action="ignore", category=SecurityWarning):
                token = signed(issuer.claims(house.now), made, algorithm)
            assert (await me(house, token)).status_code == (200 if believed else 401)


async def test_without_a_key_id_the_only_key_is_meant(one_store: Store, issuer: IssuerStandIn, key: Key) -> None:
    async with opened(one_store, **of_provider(issuer.url)) as house:
        token = signed(issuer.claims(house.now), key, kid=None)
        assert (await me(house, token)).status_code == 200
        issuer.keys = [key, rsa_key("key-2")]
        house.later(hours=1)
        token = signed(issuer.claims(house.now), key, kid=None)
        assert (await me(house, token)).status_code == 401, "of two keys either could be meant"


async def test_a_new_key_is_fetched_when_it_is_met_and_not_at_every_invented_one(
    one_store: Store, issuer: IssuerStandIn, key: Key
) -> None:
    new = rsa_key("key-2")
    async with opened(one_store, **of_provider(issuer.url)) as house:
        assert (await me(house, signed(issuer.claims(house.now), key))).status_code == 200
        issuer.keys = [key, new]
        assert (await me(house, signed(issuer.claims(house.now), new))).status_code == 401, "asked just before"
        house.later(minutes=1)
        assert (await me(house, signed(issuer.claims(house.now), new))).status_code == 200
        for _ in range(5):
            assert (await me(house, signed(issuer.claims(house.now), STRANGER))).status_code == 401
        assert issuer.times_asked("/keys") == 2
        house.later(hours=1)
        issuer.keys = [new]
        assert (await me(house, signed(issuer.claims(house.now), key))).status_code == 401, "a key that was withdrawn"


async def test_while_the_issuer_is_away_what_it_said_is_believed(
    one_store: Store, issuer: IssuerStandIn, key: Key
) -> None:
    async with opened(one_store, **of_provider(issuer.url)) as house:
        await me(house, signed(issuer.claims(house.now), key))
        issuer.down()
        house.later(hours=5)
        assert (await me(house, signed(issuer.claims(house.now), key))).status_code == 200
        issuer.up()


@pytest.mark.parametrize("ending", ["down", "silence", "another issuer", "an open door"])
async def test_a_token_cannot_be_judged_before_the_issuer_has_ever_answered(
    one_store: Store, issuer: IssuerStandIn, key: Key, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("starter.identity.provider._ANSWER_SECONDS", 0.2)
    async with opened(one_store, **of_provider(issuer.url)) as house:
        token = signed(issuer.claims(house.now), key)
        if ending == "down":
            issuer.down()
        elif ending == "silence":
            issuer.faults["/.well-known/openid-configuration"] = Fault(ending="silence")
        elif ending == "another issuer":
            issuer.more["issuer"] = "https://evil.example"
        else:
            issuer.more["jwks_uri"] = "http://evil.example/keys"
        answer = await me(house, token)
        assert (answer.status_code, answer.json()["type"]) == (503, "/v1/problems/issuer-away")
        assert answer.headers["retry-after"]
        asked = len(issuer.asked)
        assert (await me(house, token)).status_code == 503
        assert len(issuer.asked) == asked, "not asked again at once"
        if ending == "down":
            issuer.up()
        issuer.more.clear()
        issuer.faults.clear()
        monkeypatch.undo()
        house.later(seconds=10)
        assert (await me(house, token)).status_code == 200


async def test_what_the_keys_hold_besides_is_passed_over(issuer: IssuerStandIn, key: Key) -> None:
    provider = Provider(issuer.url, Client("homeward", SecretStr(""), "http://127.0.0.1/signed-in"))
    encrypting = rsa_key("enc").as_dict(private=False) | {"use": "enc"}
    odd: list[Any] = [{"kty": "AKP", "kid": "odd"}, {"kty": "RSA", "kid": "broken"}, "nonsense", encrypting]
    real = issuer.answer

    def answer(asked: Any) -> Any:
        reply = real(asked)
        if asked.path == "/keys":
            reply.body["keys"] += odd
        return reply

    issuer.answer = answer  # type: ignore[method-assign]
    tokens = ProviderTokens(provider, ClaimNames(), AUDIENCE, KnownSystems(frozenset({SYSTEM})))
    known = await tokens.principal_of_token(signed(issuer.claims(BEGAN), key), BEGAN)
    assert known.id == "system:case-system-1"
    assert await provider.find_key("enc", lambda one: one.get("use") == "sig", BEGAN + timedelta(hours=1)) is None
