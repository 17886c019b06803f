"""Settings of who may come in, from the environment, checked at the start."""

import json
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Final, Self, cast

import httpx
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from activities.channels.web import checked_url
from starter.access import AccessRole
from starter.identity.claims import LONGEST, KnownSystems
from starter.identity.origin import is_loopback
from starter.identity.sessions import SessionLimits
from starter.settings import Settings, from_environment
from workflows.plain_errors import BadInputError

_OF_A_PROVIDER: Final = ("oidc_client_id", "oidc_audience")


class IdentitySettings(BaseSettings):
    """Who vouches for people and systems: a provider that speaks OpenID Connect, or without one local accounts.

    A claim may be named by the way to it, such as `realm_access.roles`.
    """

    model_config = SettingsConfigDict(env_prefix="HOMEWARD_", extra="ignore", frozen=True, hide_input_in_errors=True)

    public_url: str = Field(default="", description="address at which people reach this service; loopback by default")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="addresses of proxies whose X-Forwarded headers are believed, with ',' between them"
    )
    session_idle_minutes: int = Field(default=30, ge=1, le=1440, description="how long a session lives unused")
    session_hours: int = Field(default=10, ge=1, le=168, description="how long a session lives at most")
    oidc_issuer: str = Field(default="", description="issuer of the OIDC provider; empty: local accounts")
    oidc_client_id: str = Field(default="", description="this service's client id at the provider")
    oidc_client_secret: SecretStr = Field(default=SecretStr(""), description="its secret; empty: a public client")
    oidc_audience: str = Field(default="", description="audience of the tokens that systems bring")
    oidc_system_clients: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(), description="client ids of the systems whose tokens are taken, with ',' between them"
    )
    oidc_system_claim: str = Field(
        default="", description="claim that each system's token must have, as CLAIM=VALUE; with no clients either: none"
    )
    oidc_roles_claim: str = Field(default="roles", min_length=1, description="claim with somebody's roles or groups")
    oidc_authority_claim: str = Field(
        default="authority", description="claim with the authority; empty: everybody is of HOMEWARD_AUTHORITY"
    )
    oidc_person_claim: str = Field(
        default="preferred_username", description="claim with the directory's reference of a person; empty: none"
    )
    oidc_provider_claim: str = Field(default="", description="claim with the interview provider; empty: none")
    oidc_role_names: Annotated[Mapping[str, AccessRole], NoDecode] = Field(
        default={}, description="JSON object from the provider's names of roles or groups to Homeward's"
    )

    @field_validator("public_url", "oidc_issuer")
    @classmethod
    def _a_safe_url(cls, url: str) -> str:
        return checked_url(url) if url else url

    @field_validator("public_url")
    @classmethod
    def _an_origin(cls, url: str) -> str:
        parsed = httpx.URL(url)
        if parsed.path not in ("", "/") or parsed.query or parsed.fragment:
            raise ValueError("must be an address without a path, such as https://homeward.example")
        return url.rstrip("/")

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _addresses(cls, written: Any) -> Any:
        if not isinstance(written, str):
            return written
        parts = tuple(part.strip() for part in written.split(",") if part.strip())
        try:
            return tuple(str(ip_network(part) if "/" in part else ip_address(part)) for part in parts)
        except ValueError:
            raise ValueError("must be IP addresses or networks, such as 10.0.0.5, with ',' between them") from None

    @field_validator("oidc_system_clients", mode="before")
    @classmethod
    def _clients(cls, written: Any) -> Any:
        if not isinstance(written, str):
            return written
        clients = [client.strip() for client in written.split(",")] if written.strip() else []
        if not all(0 < len(client) <= LONGEST and client.isprintable() for client in clients):
            raise ValueError(f"must be client ids of at most {LONGEST} characters, with ',' between them")
        return frozenset(clients)

    @field_validator("oidc_system_claim")
    @classmethod
    def _claim_and_value(cls, written: str) -> str:
        name, equals, value = written.partition("=")
        if written and not (equals and name.strip() == name and name and value.strip() == value and value):
            raise ValueError("must be a claim and its value with '=' between them, such as idtyp=app")
        return written

    @field_validator("oidc_role_names", mode="before")
    @classmethod
    def _names(cls, written: Any) -> Any:
        if not isinstance(written, str):
            return written
        wrong = ValueError(f"must be a JSON object from the provider's names to some of {', '.join(AccessRole)}")
        try:
            names: object = json.loads(written or "{}")
        except ValueError:
            raise wrong from None
        if not isinstance(names, dict):
            raise wrong
        given = cast("dict[str, object]", names)
        if any(role not in tuple(AccessRole) for role in given.values()):
            raise wrong
        return given

    @model_validator(mode="after")
    def _whole_provider(self) -> Self:
        for field in _OF_A_PROVIDER:
            given = bool(getattr(self, field))
            if given and not self.oidc_issuer:
                raise ValueError("oidc_issuer: must be given with the other settings of a provider")
            if self.oidc_issuer and not given:
                raise ValueError(f"{field}: must be given with HOMEWARD_OIDC_ISSUER")
        if (self.oidc_system_clients or self.oidc_system_claim) and not self.oidc_issuer:
            raise ValueError("oidc_issuer: must be given with the other settings of a provider")
        if self.oidc_client_id in self.oidc_system_clients:
            raise ValueError("oidc_system_clients: must be without HOMEWARD_OIDC_CLIENT_ID, with which people sign in")
        return self

    @property
    def known_systems(self) -> KnownSystems:
        """By what a provider's token is known as a system's."""
        name, _, value = self.oidc_system_claim.partition("=")
        return KnownSystems(self.oidc_system_clients, (name, value) if name else None)

    @property
    def uses_provider(self) -> bool:
        """Whether a provider vouches for people and systems, and not local accounts."""
        return bool(self.oidc_issuer)

    @property
    def limits(self) -> SessionLimits:
        """How long a session lives."""
        return SessionLimits(timedelta(minutes=self.session_idle_minutes), timedelta(hours=self.session_hours))


def load_identity_settings(settings: Settings) -> IdentitySettings:
    """Read the settings from the environment. Raises BadInputError naming the variable.

    Local accounts are for one machine: with them the service listens on
    loopback, and is reached there.
    """
    found = from_environment(IdentitySettings)
    beyond = not ip_address(settings.http_host).is_loopback
    if beyond and not found.uses_provider:
        raise BadInputError(
            "HOMEWARD_HTTP_HOST: must be 127.0.0.1 while local accounts are in use; "
            "to listen beyond this machine, set HOMEWARD_OIDC_ISSUER"
        )
    if beyond and not found.public_url:
        raise BadInputError("HOMEWARD_PUBLIC_URL: must be given when HOMEWARD_HTTP_HOST is not loopback")
    if found.public_url and not found.uses_provider and not is_loopback(httpx.URL(found.public_url).host):
        raise BadInputError("HOMEWARD_PUBLIC_URL: must be a loopback address while local accounts are in use")
    return found
