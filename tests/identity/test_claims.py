"""From claims to a principal: what a provider says, and whom that makes of somebody."""

from typing import Any

import pytest

from starter.access import AccessRole
from starter.identity.asking import NotSignedInError
from starter.identity.claims import ClaimNames, KnownSystems, person_of, system_of

PLAIN = ClaimNames()
MAPPED = ClaimNames(
    roles="realm_access.roles",
    authority="homeward.authority",
    person="upn",
    provider="provider",
    role_names={"Social workers": AccessRole.PRACTITIONER, "Duty": AccessRole.DUTY, "feeds": AccessRole.CASE_SYSTEM},
)
HOME = ClaimNames(authority="", home="invented")
ANN = {"sub": "s-1", "name": "Invented Ann", "preferred_username": "ann", "authority": "invented"}

PEOPLE: dict[str, tuple[ClaimNames, dict[str, Any], dict[str, Any] | None]] = {
    "one role": (PLAIN, {**ANN, "roles": ["manager"]}, {"roles": {"manager"}, "authority": "invented"}),
    "several": (PLAIN, {**ANN, "roles": ["manager", "auditor"]}, {"roles": {"manager", "auditor"}}),
    "unknown ones beside": (PLAIN, {**ANN, "roles": ["king", "manager", 7, None]}, {"roles": {"manager"}}),
    "a word and no list": (PLAIN, {**ANN, "roles": "duty"}, {"roles": {"duty"}}),
    "known by": (PLAIN, {**ANN, "roles": "iro"}, {"id": "person:s-1", "name": "Invented Ann", "person": "ann"}),
    "without a name": (PLAIN, {"sub": "s-1", "authority": "a", "roles": "iro"}, {"name": "s-1", "person": None}),
    "by a way to the claim": (
        MAPPED,
        {"sub": "s", "realm_access": {"roles": ["Duty"]}, "homeward": {"authority": "a"}, "upn": "u", "provider": "p"},
        {"roles": {"duty"}, "authority": "a", "person": "u", "provider": "p"},
    ),
    "by a claim that has dots in its name": (
        MAPPED,
        {"sub": "s", "realm_access.roles": ["Duty"], "homeward.authority": "a"},
        {"roles": {"duty"}, "authority": "a"},
    ),
    "our own name where names are mapped": (
        MAPPED,
        {"sub": "s", "realm_access": {"roles": ["administrator"]}, "homeward": {"authority": "a"}},
        None,
    ),
    "everybody of one authority": (HOME, {"sub": "s", "roles": "iro"}, {"authority": "invented"}),
    "no authority": (PLAIN, {"sub": "s", "roles": "iro"}, None),
    "an authority that cannot be one": (PLAIN, {**ANN, "authority": "a b", "roles": "iro"}, None),
    "several authorities": (PLAIN, {**ANN, "authority": ["a", "b"], "roles": "iro"}, None),
    "no role": (PLAIN, ANN, None),
    "an unknown role": (PLAIN, {**ANN, "roles": ["king"]}, None),
    "roles that are no roles": (PLAIN, {**ANN, "roles": {"manager": True}}, None),
    "nobody": (PLAIN, {**ANN, "sub": None, "roles": "iro"}, None),
    "an empty subject": (PLAIN, {**ANN, "sub": "", "roles": "iro"}, None),
    "a subject with what no database keeps": (PLAIN, {**ANN, "sub": "a\0", "roles": "iro"}, None),
    "a name with a line of its own": (PLAIN, {**ANN, "name": "Ann\nx", "roles": "iro"}, {"name": "ann"}),
}


@pytest.mark.parametrize("case", PEOPLE)
def test_a_person_by_claims(case: str) -> None:
    names, claims, expected = PEOPLE[case]
    if expected is None:
        with pytest.raises(NotSignedInError):
            person_of(claims, names)
        return
    found = person_of(claims, names)
    assert found.kind == "person"
    assert {name: getattr(found, name) for name in expected} == expected


ANY = KnownSystems(frozenset({"feed", "c", "object-1", "s"}))
FEED = {"sub": "object-1", "azp": "feed", "authority": "invented", "roles": ["case_system"]}

SYSTEMS: dict[str, tuple[ClaimNames, dict[str, Any], dict[str, Any] | None]] = {
    "by azp": (PLAIN, FEED, {"id": "system:feed", "roles": {"case_system"}, "authority": "invented", "person": None}),
    "by client_id first": (PLAIN, {**FEED, "client_id": "c"}, {"id": "system:c", "name": "c"}),
    "by sub": (PLAIN, {**FEED, "azp": None}, {"id": "system:object-1"}),
    "a service account's name is nobody's in the directory": (
        PLAIN,
        {**FEED, "preferred_username": "service-account-feed"},
        {"person": None},
    ),
    "mapped": (
        MAPPED,
        {"sub": "s", "realm_access": {"roles": ["feeds"]}, "homeward": {"authority": "a"}, "provider": "p"},
        {"roles": {"case_system"}, "provider": "p"},
    ),
    "nobody": (PLAIN, {"authority": "a", "roles": ["case_system"]}, None),
    "no authority": (PLAIN, {**FEED, "authority": None}, None),
    "no role": (PLAIN, {**FEED, "roles": []}, None),
    **{
        f"a person's, by {claim}": (PLAIN, {**FEED, claim: "x"}, None)
        for claim in ("nonce", "at_hash", "c_hash", "auth_time", "sid", "session_state", "scp")
    },
}


@pytest.mark.parametrize("case", SYSTEMS)
def test_a_system_by_claims(case: str) -> None:
    names, claims, expected = SYSTEMS[case]
    if expected is None:
        with pytest.raises(NotSignedInError):
            system_of(claims, names, ANY)
        return
    found = system_of(claims, names, ANY)
    assert found.kind == "system"
    assert {name: getattr(found, name) for name in expected} == expected


LISTED, MARKED = KnownSystems(frozenset({"feed"})), KnownSystems(claim=("kind", "app"))
BOTH = KnownSystems(frozenset({"feed"}), ("kind", "app"))

KNOWN: dict[str, tuple[KnownSystems, dict[str, Any], bool]] = {
    "none is known": (KnownSystems(), {}, False),
    "none is known, whatever the token says": (KnownSystems(), {"idtyp": "app", "gty": "client-credentials"}, False),
    "listed": (LISTED, {}, True),
    "another client": (LISTED, {"azp": "pages"}, False),
    "another client whose person is called as the system is": (LISTED, {"azp": "pages", "sub": "feed"}, False),
    "another client beside": (LISTED, {"client_id": "pages"}, False),
    "a person, of no client": (LISTED, {"azp": None}, False),
    "marked": (MARKED, {"kind": "app"}, True),
    "marked among others": (MARKED, {"kind": ["x", "app"]}, True),
    "marked as another": (MARKED, {"kind": "user"}, False),
    "marked in part": (MARKED, {"kind": "apps"}, False),
    "not marked": (MARKED, {}, False),
    "marked deeper": (KnownSystems(claim=("about.system", "true")), {"about": {"system": True}}, True),
    "marked as none": (KnownSystems(claim=("about.system", "true")), {"about": {"system": False}}, False),
    "listed and marked": (BOTH, {"kind": "app"}, True),
    "listed only": (BOTH, {}, False),
    "marked only": (BOTH, {"kind": "app", "azp": "pages"}, False),
    "a person's, of a client that is listed": (LISTED, {"sid": "x"}, False),
}


@pytest.mark.parametrize("case", KNOWN)
def test_a_token_is_a_systems_only_when_the_system_is_known(case: str) -> None:
    systems, more, believed = KNOWN[case]
    if believed:
        assert system_of({**FEED, **more}, PLAIN, systems).id == "system:feed"
        return
    with pytest.raises(NotSignedInError):
        system_of({**FEED, **more}, PLAIN, systems)


def test_a_person_and_a_system_of_one_name_are_two() -> None:
    claims = {"sub": "same", "authority": "a", "roles": ["reporter"]}
    assert person_of(claims, PLAIN).id != system_of(claims, PLAIN, KnownSystems(frozenset({"same"}))).id
