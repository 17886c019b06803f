"""Settings of the watchdog, from the environment, checked at the start."""

from datetime import date
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from starter.settings import from_environment, require_web_address


def _each(written: Any) -> Any:
    """What stands between commas."""
    return tuple(part.strip() for part in written.split(",") if part.strip()) if isinstance(written, str) else written


class WatchSettings(BaseSettings):
    """How often the watchdog looks, whom it tells, and what it is told of that nobody can ask for."""

    model_config = SettingsConfigDict(env_prefix="HOMEWARD_", extra="ignore", frozen=True)
    watch_seconds: int = Field(default=60, ge=5, le=3600, description="how often the watchdog looks")
    watch_service_url: str = Field(
        default="", description="where the watchdog finds the HTTP service; by default its public address"
    )
    watch_metrics_port: int = Field(default=0, ge=0, le=65535, description="port of the watchdog's metrics; 0: none")
    alarm_url: str = Field(default="", description="where alarms go as signed webhooks: https, or http on this machine")
    alarm_secret: SecretStr = Field(default=SecretStr(""), description="`whsec_...`, with which alarms are signed")
    alarm_emails: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="e-mail addresses that alarms go to by the SMTP server, with `,` between them"
    )
    alarm_again_hours: float = Field(default=4, gt=0, le=168, description="after how long an alarm is told again")
    heartbeat_url: str = Field(
        default="", description="what is called after each look that went well: who hears nothing there must come"
    )
    watch_certificates: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="`host:port` of certificates to watch besides the public address's and the engine's; `,` between",
    )
    expiries: Annotated[dict[str, date], NoDecode] = Field(
        default={}, description="`NAME=YYYY-MM-DD` for each key that ends and cannot be asked, with `,` between them"
    )
    warn_days: int = Field(
        default=21, ge=1, le=365, description="how long before they end certificates and keys are told of"
    )

    @field_validator("watch_service_url")
    @classmethod
    def _a_web_address(cls, url: str) -> str:
        return require_web_address(url, "http://api:8300")

    @field_validator("alarm_emails", mode="before")
    @classmethod
    def _addresses(cls, written: Any) -> Any:
        return _each(written)

    @field_validator("watch_certificates", mode="before")
    @classmethod
    def _hosts_and_ports(cls, written: Any) -> Any:
        found = _each(written)
        for one in found:
            host, _, port = one.rpartition(":")
            if not (host and port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
                raise ValueError("must be such as mail.example:465, with ',' between them")
        return found

    @field_validator("expiries", mode="before")
    @classmethod
    def _names_and_days(cls, written: Any) -> Any:
        if not isinstance(written, str):
            return written
        found: dict[str, date] = {}
        for one in _each(written):
            name, _, day = one.partition("=")
            try:
                found[name.strip()] = date.fromisoformat(day.strip())
            except ValueError:
                raise ValueError("must be such as notify=2027-03-31, with ',' between them") from None
        return found

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.alarm_url and not self.alarm_secret.get_secret_value():
            raise ValueError("alarm_secret: must be given with HOMEWARD_ALARM_URL")
        return self


def load_watch_settings() -> WatchSettings:
    """Read the settings from the environment. Raises BadInputError naming the variable."""
    return from_environment(WatchSettings)
