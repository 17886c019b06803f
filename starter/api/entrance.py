"""How anybody comes in, put together from the settings: by a provider, or by local accounts."""

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter

from activities.store import Store
from starter.api import local_sign_in, oidc_sign_in
from starter.api.sign_in_pages import Doors
from starter.identity.accounts import LocalAccounts
from starter.identity.asking import Identity
from starter.identity.claims import ClaimNames
from starter.identity.known import Clock, KnownIdentity
from starter.identity.oidc import ProviderSignIn, ProviderTokens
from starter.identity.origin import Whereabouts
from starter.identity.provider import Client, Provider
from starter.identity.secrets import Passwords
from starter.identity.sessions import Sessions
from starter.identity.settings import IdentitySettings
from starter.settings import Settings

OPEN_AT_THE_ENTRANCE: Final = frozenset({"/sign-in", "/signed-in", "/sign-out", "/signed-out", "/token"})
"""Where somebody comes in, who until then is nobody."""


@dataclass(frozen=True)
class Entrance:
    """Who asks; the routes that are open to all, by which somebody comes in; whether only this machine is answered."""

    identity: Identity
    router: APIRouter
    this_machine_only: bool


def entrance(
    settings: Settings, about: IdentitySettings, store: Store, clock: Clock, passwords: Passwords | None = None
) -> Entrance:
    """The way in that the settings name. `clock` tells the present; `passwords` are those of local accounts."""
    whereabouts = Whereabouts(about.public_url, settings.links)
    sessions = Sessions(store, about.limits, local=not about.uses_provider)
    doors = Doors(sessions, whereabouts)
    if not about.uses_provider:
        accounts = LocalAccounts(store, settings.authority, passwords or Passwords())
        identity = KnownIdentity(accounts, sessions, whereabouts, clock)
        return Entrance(identity, local_sign_in.router_of(accounts, doors, clock), this_machine_only=True)
    names = claim_names(settings, about)
    provider = provider_of(settings, about)
    tokens = ProviderTokens(provider, names, about.oidc_audience, about.known_systems)
    signing_in = ProviderSignIn(provider, names, store)
    return Entrance(
        KnownIdentity(tokens, sessions, whereabouts, clock),
        oidc_sign_in.router_of(signing_in, provider, doors, clock),
        this_machine_only=False,
    )


def provider_of(settings: Settings, about: IdentitySettings) -> Provider:
    """The provider that the settings name."""
    comes_back_to = f"{about.public_url or settings.links}/signed-in"
    return Provider(about.oidc_issuer, Client(about.oidc_client_id, about.oidc_client_secret, comes_back_to))


def claim_names(settings: Settings, about: IdentitySettings) -> ClaimNames:
    """Which claims say what, as the settings name them."""
    return ClaimNames(
        roles=about.oidc_roles_claim,
        authority=about.oidc_authority_claim,
        person=about.oidc_person_claim,
        provider=about.oidc_provider_claim,
        role_names=about.oidc_role_names,
        home=settings.authority,
    )
