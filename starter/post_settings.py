"""Settings of how notices get out, from the environment, checked at the start."""

import re
from datetime import time
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from starter.settings import from_environment
from workflows.messages import PostRules, QuietHours

_SPAN: Final = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)", re.ASCII)
_CLOCK: Final = re.compile(r"\d\d:\d\d", re.ASCII)
NOTIFY_URL: Final = "https://api.notifications.service.gov.uk"


class PostSettings(BaseSettings):
    """By which providers an authority's notices go out, and with how much patience.

    A provider whose settings are empty is not used; with none, notices lie in
    trays only. Times of day are London's.
    """

    model_config = SettingsConfigDict(env_prefix="HOMEWARD_", extra="ignore", frozen=True)

    notify_api_key: SecretStr = Field(default=SecretStr(""), description="GOV.UK Notify API key")
    notify_url: str = Field(default=NOTIFY_URL, description="address of GOV.UK Notify")
    notify_email_template: str = Field(default="", description="Notify template of e-mails: ((subject)), ((message))")
    notify_sms_template: str = Field(default="", description="Notify template of text messages: ((message))")
    notify_callback_token: SecretStr = Field(
        default=SecretStr(""), description="bearer token with which Notify sends delivery receipts"
    )
    smtp_host: str = Field(default="", description="e-mail server, used after Notify where both are set")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="its port")
    smtp_tls: Literal["none", "starttls", "tls"] = Field(default="starttls", description="none, starttls or tls")
    smtp_user: str = Field(default="", description="name to sign in with")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="password to sign in with")
    smtp_sender: str = Field(default="", description="address that e-mails come from")
    webhook_url: str = Field(default="", description="where signed webhooks go: https, or http on this machine")
    webhook_secret: SecretStr = Field(default=SecretStr(""), description="whsec_..., with which webhooks are signed")
    links_url: str = Field(default="", description="address of this service as people reach it; loopback by default")
    gather_seconds: int = Field(default=60, ge=0, le=900, description="how long the first notice waits for others")
    quiet_hours: str = Field(default="22:00-07:00", description="when only what cannot wait goes out; empty: never")
    digest_at: Annotated[tuple[time, ...], NoDecode] = Field(
        default=(time(8, 30),), description="times of the digest, with ',' between them; empty: no digest"
    )
    attempt_seconds: float = Field(default=30, gt=0, le=40, description="how long a provider may take over one answer")
    channel_minutes: float = Field(default=5, gt=0, le=240, description="how long one way out is tried before the next")
    silent_minutes: float = Field(default=15, gt=0, le=1440, description="how long a receipt is waited for")
    keep_trying_hours: float = Field(default=72, gt=0, le=720, description="how long an undelivered message is retried")

    @field_validator("digest_at", mode="before")
    @classmethod
    def _times(cls, written: Any) -> Any:
        if not isinstance(written, str):
            return written
        parts = [part.strip() for part in written.split(",") if part.strip()]
        if any(_CLOCK.fullmatch(part) is None for part in parts):
            raise ValueError("must be times such as 08:30, with ',' between them")
        return tuple(_time(part) for part in parts)

    @field_validator("quiet_hours")
    @classmethod
    def _span(cls, written: str) -> str:
        if written:
            _read_span(written)
        return written

    @model_validator(mode="after")
    def _whole_providers(self) -> Self:
        needs = (
            (self.notify_api_key.get_secret_value(), "notify_email_template", self._templates),
            (self.smtp_host, "smtp_sender", self.smtp_sender),
            (self.webhook_url, "webhook_secret", self.webhook_secret.get_secret_value()),
        )
        for given, field, needed in needs:
            if given and not needed:
                raise ValueError(f"{field}: must be given with its provider")
        return self

    @property
    def _templates(self) -> str:
        return self.notify_email_template or self.notify_sms_template

    @property
    def rules(self) -> PostRules:
        """The rules by which messages go out."""
        begins_ends = _read_span(self.quiet_hours) if self.quiet_hours else None
        return PostRules(
            gather_seconds=self.gather_seconds,
            quiet=QuietHours(begins=begins_ends[0], ends=begins_ends[1]) if begins_ends else None,
            digest_at=self.digest_at,
            channel_minutes=self.channel_minutes,
            silent_minutes=self.silent_minutes,
            keep_trying_hours=self.keep_trying_hours,
        )


def _time(written: str) -> time:
    try:
        return time.fromisoformat(written)
    except ValueError:
        raise ValueError("must be a time of day such as 08:30") from None


def _read_span(written: str) -> tuple[time, time]:
    found = _SPAN.fullmatch(written)
    if found is None or found[1] == found[2]:
        raise ValueError("must be written as 22:00-07:00, or be empty")
    return _time(found[1]), _time(found[2])


def load_post_settings() -> PostSettings:
    """Read the settings from the environment. Raises BadInputError naming the variable."""
    return from_environment(PostSettings)
