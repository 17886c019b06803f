"""The settings of who may come in: each mistake is refused at the start, by name, and repeats no secret."""

import pytest

from starter.access import AccessRole
from starter.identity.claims import KnownSystems
from starter.identity.settings import load_identity_settings
from starter.settings import load_settings
from workflows.plain_errors import BadInputError

PROVIDER = {
    "HOMEWARD_OIDC_ISSUER": "https://issuer.example",
    "HOMEWARD_OIDC_CLIENT_ID": "homeward",
    "HOMEWARD_OIDC_AUDIENCE": "api",
}
OPEN = {**PROVIDER, "HOMEWARD_HTTP_HOST": "0.0.0.0", "HOMEWARD_PUBLIC_URL": "https://homeward.example/"}  # noqa: S104

WRONG: dict[str, tuple[dict[str, str], str]] = {
    "beyond loopback": (
        {"HOMEWARD_HTTP_HOST": "0.0.0.0"},  # noqa: S104
        "HOMEWARD_HTTP_HOST: must be 127.0.0.1 while local accounts are in use; "
        "to listen beyond this machine, set HOMEWARD_OIDC_ISSUER",
    ),
    "beyond loopback, v6": ({"HOMEWARD_HTTP_HOST": "::"}, "HOMEWARD_HTTP_HOST: must be 127.0.0.1"),
    "a machine's name": ({"HOMEWARD_HTTP_HOST": "homeward.example"}, "HOMEWARD_HTTP_HOST: must be an IP address"),
    "nobody's public address": (
        {**PROVIDER, "HOMEWARD_HTTP_HOST": "10.0.0.1"},
        "HOMEWARD_PUBLIC_URL: must be given when HOMEWARD_HTTP_HOST is not loopback",
    ),
    "a public address of local accounts": (
        {"HOMEWARD_PUBLIC_URL": "https://homeward.example"},
        "HOMEWARD_PUBLIC_URL: must be a loopback address while local accounts are in use",
    ),
    "an open public address": ({**PROVIDER, "HOMEWARD_PUBLIC_URL": "http://homeward.example"}, "HOMEWARD_PUBLIC_URL:"),
    "a public path": (
        {**PROVIDER, "HOMEWARD_PUBLIC_URL": "https://h.example/x"},
        "HOMEWARD_PUBLIC_URL: must be an",
    ),
    "an open issuer": ({**PROVIDER, "HOMEWARD_OIDC_ISSUER": "http://issuer.example"}, "HOMEWARD_OIDC_ISSUER: must be"),
    "an issuer with a password": (
        {**PROVIDER, "HOMEWARD_OIDC_ISSUER": "https://u:hidden@i.example"},
        "HOMEWARD_OIDC_I",
    ),
    "no client": (
        {"HOMEWARD_OIDC_ISSUER": "https://issuer.example"},
        "HOMEWARD_OIDC_CLIENT_ID: must be given with HOMEWARD_OIDC_ISSUER",
    ),
    "no audience": (
        {**PROVIDER, "HOMEWARD_OIDC_AUDIENCE": ""},
        "HOMEWARD_OIDC_AUDIENCE: must be given with HOMEWARD_OIDC_ISSUER",
    ),
    "no issuer": ({"HOMEWARD_OIDC_CLIENT_ID": "x"}, "HOMEWARD_OIDC_ISSUER: must be given with the other settings"),
    "systems without an issuer": ({"HOMEWARD_OIDC_SYSTEM_CLIENTS": "x"}, "HOMEWARD_OIDC_ISSUER: must be given with"),
    "a system's claim without an issuer": (
        {"HOMEWARD_OIDC_SYSTEM_CLAIM": "idtyp=app"},
        "HOMEWARD_OIDC_ISSUER: must be given with",
    ),
    "a system without a name": (
        {**PROVIDER, "HOMEWARD_OIDC_SYSTEM_CLIENTS": "feed,,hidden"},
        "HOMEWARD_OIDC_SYSTEM_CLIENTS: must be client ids of at most 200 characters, with ',' between them",
    ),
    "a system's endless name": (
        {**PROVIDER, "HOMEWARD_OIDC_SYSTEM_CLIENTS": "hidden" * 50},
        "HOMEWARD_OIDC_SYSTEM_CLIENTS: must be client ids",
    ),
    "people's client as a system": (
        {**PROVIDER, "HOMEWARD_OIDC_SYSTEM_CLIENTS": "feed, homeward"},
        "HOMEWARD_OIDC_SYSTEM_CLIENTS: must be without HOMEWARD_OIDC_CLIENT_ID, with which people sign in",
    ),
    **{
        f"a system's claim as '{written}'": (
            {**PROVIDER, "HOMEWARD_OIDC_SYSTEM_CLAIM": written},
            "HOMEWARD_OIDC_SYSTEM_CLAIM: must be a claim and its value with '=' between them, such as idtyp=app",
        )
        for written in ("hidden", "hidden=", "=hidden", "idtyp = hidden")
    },
    "names that are no JSON": ({"HOMEWARD_OIDC_ROLE_NAMES": "{hidden"}, "HOMEWARD_OIDC_ROLE_NAMES: must be a JSON obj"),
    "names of no role": (
        {"HOMEWARD_OIDC_ROLE_NAMES": '{"hidden": "king"}'},
        "HOMEWARD_OIDC_ROLE_NAMES: must be a JSON",
    ),
    "names of lists": ({"HOMEWARD_OIDC_ROLE_NAMES": '{"a": ["duty"]}'}, "HOMEWARD_OIDC_ROLE_NAMES: must be a"),
    "names in a list": ({"HOMEWARD_OIDC_ROLE_NAMES": "[]"}, "HOMEWARD_OIDC_ROLE_NAMES: must be a"),
    "no claim for roles": ({"HOMEWARD_OIDC_ROLES_CLAIM": ""}, "HOMEWARD_OIDC_ROLES_CLAIM:"),
    "any proxy": ({"HOMEWARD_TRUSTED_PROXIES": "*"}, "HOMEWARD_TRUSTED_PROXIES: must be IP addresses or networks"),
    "a session without end": ({"HOMEWARD_SESSION_HOURS": "1000"}, "HOMEWARD_SESSION_HOURS: input should be less"),
    "no session": ({"HOMEWARD_SESSION_IDLE_MINUTES": "0"}, "HOMEWARD_SESSION_IDLE_MINUTES: input should be greater"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_is_refused_by_name(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given, words = WRONG[case]
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadInputError) as refused:
        load_identity_settings(load_settings())
    assert str(refused.value).startswith(words)
    assert "hidden" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_with_a_provider_other_machines_are_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        **OPEN,
        "HOMEWARD_OIDC_CLIENT_SECRET": "hidden",
        "HOMEWARD_OIDC_ROLE_NAMES": '{"Duty team": "duty"}',
        "HOMEWARD_OIDC_SYSTEM_CLIENTS": "feed, case-system",
        "HOMEWARD_OIDC_SYSTEM_CLAIM": "about.kind=a=b",
        "HOMEWARD_TRUSTED_PROXIES": "10.0.0.5, 10.1.0.0/16",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    found = load_identity_settings(settings)
    assert found.uses_provider
    assert found.public_url == "https://homeward.example"
    assert found.oidc_role_names == {"Duty team": AccessRole.DUTY}
    assert found.known_systems == KnownSystems(frozenset({"feed", "case-system"}), ("about.kind", "a=b"))
    assert found.trusted_proxies == ("10.0.0.5", "10.1.0.0/16")
    assert settings.links == "http://127.0.0.1:8300"
    assert "hidden" not in repr(found)


def test_nothing_set_is_local_accounts_on_this_machine() -> None:
    settings = load_settings()
    assert not load_identity_settings(settings).uses_provider
    assert settings.http_host == "127.0.0.1"
