"""Settings: from the environment, or from files if secret; each named HOMEWARD_..., checked at the start."""

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError
from temporalio.service import TLSConfig

from activities.store.urls import driven_url, is_sqlite
from starter.access import AccessRole
from starter.engine_at import EngineAt, TlsFiles, require_host_and_port, require_name_of_file
from workflows.plain_errors import BadInputError, first_error


def _own_folder() -> Path:
    return Path.home() / ".local" / "share" / "homeward"


SECRETS_DIR: Final = "HOMEWARD_SECRETS_DIR"
"""The variable that names the folder of settings that are kept in files."""

_OF_THIS_MACHINE: Final = frozenset(AccessRole) - {
    AccessRole.INTERVIEW_PROVIDER,
    AccessRole.HOST_AUTHORITY,
    AccessRole.REPORTER,
    AccessRole.CASE_SYSTEM,
}


def _each(roles: str) -> list[str]:
    return [role.strip() for role in roles.split(",")] if roles.strip() else []


def require_ip_address(host: str) -> str:
    """An IP address, however it was written. Raises ValueError."""
    try:
        return str(ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        raise ValueError("must be an IP address, such as 127.0.0.1 or 0.0.0.0") from None


def require_web_address(url: str, such_as: str) -> str:
    """An http or https address without a query, or nothing. Raises ValueError."""
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise ValueError(f"must be an address such as {such_as}")
    return url.rstrip("/")


WORKFLOWS_IN_MEMORY: Final = 1000
"""An open episode takes half a megabyte of a worker, which has a gigabyte in the plans of `deploy/`."""


class Settings(BaseSettings):
    """Where Homeward finds its engine, database and policies.

    Every setting has a default that works on one machine and leaves nothing
    open to the network. Ports are TCP ports, the engine's on the loopback address.
    """

    model_config = SettingsConfigDict(env_prefix="HOMEWARD_", extra="ignore", frozen=True)

    _tls: TLSConfig | None = PrivateAttr(default=None)
    data_dir: Path = Field(
        default_factory=_own_folder, description="folder of the embedded engine's and database's files"
    )
    engine_address: str = Field(default="", description="host:port of the Temporal server; the embedded one by default")
    engine_namespace: str = Field(default="default", description="Temporal namespace")
    engine_tls: bool | None = Field(
        default=None,
        description="whether TLS is spoken with that server; by default where one of the next is given",
    )
    engine_tls_ca: Path | None = Field(
        default=None, description="file of the authorities that its certificate may be of; the system's by default"
    )
    engine_tls_certificate: Path | None = Field(default=None, description="file of the certificate shown to it")
    engine_tls_key: Path | None = Field(default=None, description="file of that certificate's key")
    engine_tls_name: str = Field(default="", description="the name in its certificate, if not its address's")
    engine_port: int = Field(default=7233, ge=1, le=65535, description="port of the embedded Temporal server")
    engine_ui_port: int = Field(default=8233, ge=1, le=65535, description="port of the embedded Temporal web page")
    engine_ui: str = Field(
        default="", description="address of the engine's own pages; the embedded engine's by default, else none"
    )
    http_host: str = Field(
        default="127.0.0.1", description="address this service listens on; beyond loopback only with an OIDC issuer"
    )
    http_port: int = Field(default=8300, ge=1, le=65535, description="port of this service")
    database_url: str = Field(
        default="",
        repr=False,
        description="URL of a PostgreSQL database, or of an SQLite file; by default one in the data folder",
    )
    secrets_dir: Path | None = Field(
        default=None, description="folder whose files, each named as a setting, hold its value; the environment wins"
    )
    policy_dir: Path | None = Field(default=None, description="folder of an authority's own packs and calendars")
    authority: str = Field(
        default="local", pattern=r"^[A-Za-z0-9-]{1,40}$", description="the authority whose work this is"
    )
    reconcile_minutes: int = Field(
        default=15, ge=0, le=1440, description="how often rows are compared with the engine's workflows; 0: never"
    )
    reconcile_grace_seconds: float = Field(
        default=120, ge=0, le=3600, description="how old a row must be for a difference to count as one"
    )
    command_roles: str = Field(
        default="",
        description="roles of whoever gives commands, with ',' between them; by default as roles_of_commands says",
    )
    command_person: str = Field(
        default="", max_length=80, description="the directory's reference of the person who gives commands"
    )
    api_requests_a_minute: int = Field(
        default=600, ge=1, le=100_000, description="requests a minute that each client of the API may make"
    )
    glass_hours: float = Field(
        default=8,
        gt=0,
        le=72,
        description="how long the record of a restricted child is open to whoever broke the glass",
    )
    engine_patience_seconds: float = Field(
        default=10, gt=0, le=120, description="how long a command waits for the engine before it keeps what was said"
    )
    worker_alive_file: Path | None = Field(
        default=None, description="file that a worker touches every ten seconds, for whoever restarts one that hangs"
    )
    worker_workflows_in_memory: int = Field(
        default=WORKFLOWS_IN_MEMORY,
        ge=10,
        le=100_000,
        description="how many episodes and messages a worker holds in memory, at half a megabyte each",
    )
    private_receivers: bool | None = Field(
        default=None,
        description="whether events may go to this machine and inner networks; by default with the embedded engine",
    )
    events_kept_days: int = Field(
        default=400, ge=1, le=36500, description="for how long 'homeward events drop' keeps events"
    )

    @field_validator(
        "data_dir", "policy_dir", "worker_alive_file", "engine_tls_ca", "engine_tls_certificate", "engine_tls_key"
    )
    @classmethod
    def _whole_path(cls, path: Path | None) -> Path | None:
        return path.expanduser().absolute() if path else None

    @field_validator("engine_tls_ca", "engine_tls_certificate", "engine_tls_key", mode="before")
    @classmethod
    def _a_file(cls, value: object) -> object:
        return require_name_of_file(value)

    @field_validator("engine_address")
    @classmethod
    def _host_and_port(cls, address: str) -> str:
        return require_host_and_port(address)

    @field_validator("http_host")
    @classmethod
    def _an_address(cls, host: str) -> str:
        return require_ip_address(host)

    @field_validator("database_url")
    @classmethod
    def _with_its_driver(cls, url: str) -> str:
        return driven_url(url) if url else url

    @field_validator("engine_ui")
    @classmethod
    def _a_web_address(cls, url: str) -> str:
        return require_web_address(url, "https://temporal.example")

    @field_validator("command_roles")
    @classmethod
    def _known_roles(cls, roles: str) -> str:
        for role in _each(roles):
            if role not in set(AccessRole):
                raise ValueError(f"'{role}' is no role; use some of {', '.join(AccessRole)}, with ',' between them")
        return roles

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        if self.engine_port == self.engine_ui_port:
            raise ValueError("engine_ui_port: must differ from engine_port")
        if self.http_port in (self.engine_port, self.engine_ui_port):
            raise ValueError("http_port: must differ from engine_port and engine_ui_port")
        return self

    @model_validator(mode="after")
    def _tls_can_be_spoken(self) -> Self:
        files = TlsFiles(self.engine_tls_ca, self.engine_tls_certificate, self.engine_tls_key, self.engine_tls_name)
        speaks = self.engine_tls if self.engine_tls is not None else files != TlsFiles()
        if speaks and not self.engine_address:
            raise ValueError("engine_tls: the embedded engine speaks none; set HOMEWARD_ENGINE_ADDRESS, or no TLS")
        self._tls = files.read() if speaks else None
        return self

    @property
    def local_host(self) -> str:
        """The address at which this service is reached on this machine."""
        any_address = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on
        return any_address.get(self.http_host, self.http_host)

    @property
    def roles_of_commands(self) -> frozenset[AccessRole]:
        """The roles of whoever gives commands.

        Where none are set: on an SQLite file, which is of one machine and whoever
        can open it, all that people of the authority have; on any other database
        the operator's, who sees no child.
        """
        if self.command_roles:
            return frozenset(AccessRole(role) for role in _each(self.command_roles))
        return _OF_THIS_MACHINE if is_sqlite(self.database) else frozenset({AccessRole.OPERATOR})

    @property
    def links(self) -> str:
        """Where this service is reached on this machine."""
        host = f"[{self.local_host}]" if ":" in self.local_host else self.local_host
        return f"http://{host}:{self.http_port}"

    @property
    def sends_inwards(self) -> bool:
        """Whether events may be sent to this machine and inner networks."""
        return self.private_receivers if self.private_receivers is not None else not self.engine_address

    @property
    def engine_pages(self) -> str:
        """Where the engine's own pages are; empty when nobody said."""
        return self.engine_ui or ("" if self.engine_address else f"http://127.0.0.1:{self.engine_ui_port}")

    @property
    def engine(self) -> EngineAt:
        """Where the engine is; the files of its TLS as they were when these settings were read."""
        return EngineAt(self.engine_address or f"127.0.0.1:{self.engine_port}", self._tls)

    @property
    def engine_tls_pair(self) -> tuple[Path, Path] | None:
        """The files of the certificate that is shown to the engine, and of its key; None where none is."""
        certificate, key = self.engine_tls_certificate, self.engine_tls_key
        return (certificate, key) if certificate and key else None

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of the database."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'homeward.sqlite'}"


SomeSettings = TypeVar("SomeSettings", bound=BaseSettings)


def secrets_folder() -> Path | None:
    """The folder of settings that are kept in files, or None. Raises BadInputError when there is no such folder."""
    named = [value for name, value in os.environ.items() if name.upper() == SECRETS_DIR and value]
    if not named:
        return None
    folder = Path(named[0]).expanduser()
    if not folder.is_dir():
        raise BadInputError(f"{SECRETS_DIR}: {folder} is no folder")
    return folder


def from_environment(kind: type[SomeSettings]) -> SomeSettings:
    """Read settings of a kind from the environment and the secrets' files. Raises BadInputError naming the variable."""
    folder = secrets_folder()
    try:
        return kind(_secrets_dir=folder)
    except ValidationError as error:
        field, sentence = first_error(error)
        if not field and ": " in sentence:
            field, _, sentence = sentence.partition(": ")
        raise BadInputError(f"HOMEWARD_{field.upper()}: {sentence}") from None
    except SettingsError as error:
        cause = error.__cause__
        why = f"{cause.filename}: {cause.strerror}" if isinstance(cause, OSError) else f"{folder}: not text in UTF-8"
        raise BadInputError(f"{SECRETS_DIR}: {why}") from None


def load_settings() -> Settings:
    """Read the settings. Raises BadInputError naming the variable."""
    return from_environment(Settings)
