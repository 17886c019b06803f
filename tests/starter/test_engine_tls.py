"""Settings for speaking TLS with the engine: what cannot work is refused at the start, by the setting's name."""

from pathlib import Path

import pytest

from starter.settings import load_settings
from tests.standins.certificate import made
from workflows.plain_errors import BadInputError

BAD: dict[str, tuple[dict[str, str], str]] = {
    "the embedded engine": ({"TLS": "yes"}, "HOMEWARD_ENGINE_TLS: the embedded engine speaks none"),
    "a certificate alone": (
        {"ADDRESS": "e:7233", "TLS_CERTIFICATE": "{certificate}"},
        "HOMEWARD_ENGINE_TLS_KEY: must be given together with engine_tls_certificate",
    ),
    "a key alone": (
        {"ADDRESS": "e:7233", "TLS_KEY": "{key}"},
        "HOMEWARD_ENGINE_TLS_KEY: must be given together with engine_tls_certificate",
    ),
    "no such file": (
        {"ADDRESS": "e:7233", "TLS_CA": "{folder}/none.pem"},
        "HOMEWARD_ENGINE_TLS_CA: {folder}/none.pem cannot be read: No such file or directory",
    ),
    "a key for a certificate": (
        {"ADDRESS": "e:7233", "TLS_CA": "{key}"},
        "HOMEWARD_ENGINE_TLS_CA: {key} must hold certificates in PEM",
    ),
    "a certificate for a key": (
        {"ADDRESS": "e:7233", "TLS_CERTIFICATE": "{certificate}", "TLS_KEY": "{certificate}"},
        "HOMEWARD_ENGINE_TLS_KEY: {certificate} must hold a key without a passphrase in PEM",
    ),
    "another certificate's key": (
        {"ADDRESS": "e:7233", "TLS_CERTIFICATE": "{certificate}", "TLS_KEY": "{other}"},
        "HOMEWARD_ENGINE_TLS_KEY: must be the key of engine_tls_certificate",
    ),
    "what a key's file holds": (
        {"ADDRESS": "e:7233", "TLS_KEY": "-----BEGIN INVENTED KEY-----\nc2VjcmV0"},
        "HOMEWARD_ENGINE_TLS_KEY: must be the name of a file, and not what it holds",
    ),
    "no port": ({"ADDRESS": "engine.example"}, "HOMEWARD_ENGINE_ADDRESS: must be host:port"),
    "a port that is none": ({"ADDRESS": "engine.example:99999"}, "HOMEWARD_ENGINE_ADDRESS: must be host:port"),
    "a web address": ({"ADDRESS": "https://engine.example:7233"}, "HOMEWARD_ENGINE_ADDRESS: must be host:port"),
}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    one = made(tmp_path, "homeward.invented.example")
    other = str(made(tmp_path, "other.invented.example").key_file)
    return {
        "certificate": str(one.certificate_file),
        "key": str(one.key_file),
        "other": other,
        "folder": str(tmp_path),
    }


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_work_is_refused_by_name(case: str, files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    settings, line = BAD[case]
    for name, value in settings.items():
        monkeypatch.setenv(f"HOMEWARD_ENGINE_{name}", value.format(**files))
    with pytest.raises(BadInputError) as refused:
        load_settings()
    assert str(refused.value).startswith(line.format(**files))
    assert "\n" not in str(refused.value)
    assert "c2VjcmV0" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "spoken"),
    [
        (dict[str, str](), False),
        ({"ADDRESS": "e:7233"}, False),
        ({"ADDRESS": "e:7233", "TLS": "yes"}, True),
        ({"ADDRESS": "e:7233", "TLS_CA": "{certificate}"}, True),
        ({"ADDRESS": "e:7233", "TLS_NAME": "e"}, True),
        ({"ADDRESS": "e:7233", "TLS_NAME": "e", "TLS": "no"}, False),
        ({"ADDRESS": "[::1]:7233", "TLS_CA": "", "TLS_KEY": ""}, False),
    ],
)
def test_tls_is_spoken_when_anything_says_so(
    settings: dict[str, str], spoken: bool, files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"HOMEWARD_ENGINE_{name}", value.format(**files))
    engine = load_settings().engine
    assert (engine.tls is not None) is spoken
    assert str(engine) == settings.get("ADDRESS", "127.0.0.1:7233")


def test_files_are_read_once(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEWARD_ENGINE_ADDRESS", "e:7233")
    monkeypatch.setenv("HOMEWARD_ENGINE_TLS_CA", files["certificate"])
    settings = load_settings()
    Path(files["certificate"]).unlink()
    assert settings.engine.tls is not None
