"""The settings of how processes are watched."""

from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from starter.settings import from_environment, require_ip_address, require_web_address


class ObservingSettings(BaseSettings):
    """How processes are watched. Ports are TCP ports; 0: nothing is served."""

    model_config = SettingsConfigDict(env_prefix="HOMEWARD_", extra="ignore", frozen=True)
    log_format: Literal["json", "lines"] = Field(default="json", description="`json`, or `lines` for people to read")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="from which level on is logged"
    )
    metrics_host: str = Field(default="127.0.0.1", description="address at which metrics are served")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="port of the HTTP service's metrics; 0: none")
    worker_metrics_port: int = Field(default=0, ge=0, le=65535, description="port of a worker's metrics; 0: none")
    worker_engine_metrics_port: int = Field(
        default=0, ge=0, le=65535, description="port of the metrics of a worker's client of the engine; 0: none"
    )
    traces_url: str = Field(default="", description="where traces go, by OTLP over HTTP; by default nowhere")

    @field_validator("metrics_host")
    @classmethod
    def _an_address(cls, host: str) -> str:
        return require_ip_address(host)

    @field_validator("traces_url")
    @classmethod
    def _a_web_address(cls, url: str) -> str:
        return require_web_address(url, "https://collector.example:4318/v1/traces")


def load_observing_settings() -> ObservingSettings:
    """Read the settings from the environment. Raises BadInputError naming the variable."""
    return from_environment(ObservingSettings)
