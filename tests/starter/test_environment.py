"""Settings come from the environment or from secrets' files; a misspelt name is refused before anything begins."""

from collections.abc import Callable
from pathlib import Path

import pytest

import worker
from starter import service
from starter.cli.main import run
from starter.environment import NAMES, require_known_names
from starter.identity.settings import IdentitySettings
from starter.post_settings import load_post_settings
from starter.settings import from_environment, load_settings
from workflows.plain_errors import BadInputError

DATABASE = "postgresql://invented:pa55word@127.0.0.1:9/homeward"


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setenv("HOMEWARD_SECRETS_DIR", str(folder))
    return folder


def test_what_is_secret_is_read_from_files(secrets: Path) -> None:
    (secrets / "HOMEWARD_DATABASE_URL").write_text(f"{DATABASE}\n", encoding="utf-8")
    (secrets / "homeward_notify_api_key").write_text("invented-key", encoding="utf-8")
    (secrets / "HOMEWARD_OIDC_ISSUER").write_text("https://sign-in.invented.example", encoding="utf-8")
    (secrets / "HOMEWARD_OIDC_CLIENT_ID").write_text("homeward", encoding="utf-8")
    (secrets / "HOMEWARD_OIDC_AUDIENCE").write_text("homeward-api", encoding="utf-8")
    (secrets / "HOMEWARD_OIDC_CLIENT_SECRET").write_text("invented secret", encoding="utf-8")
    (secrets / "somebody-elses").write_text("no concern of ours", encoding="utf-8")
    require_known_names()
    assert load_settings().database == DATABASE.replace("postgresql", "postgresql+psycopg", 1)
    with pytest.raises(BadInputError, match="HOMEWARD_NOTIFY_EMAIL_TEMPLATE: must be given with its provider"):
        load_post_settings()
    assert from_environment(IdentitySettings).oidc_client_secret.get_secret_value() == "invented secret"


def test_a_mount_of_kubernetes_is_read(secrets: Path) -> None:
    (secrets / "..2026_11_28").mkdir()
    (secrets / "..2026_11_28" / "HOMEWARD_AUTHORITY").write_text("invented-town", encoding="utf-8")
    (secrets / "..data").symlink_to("..2026_11_28")
    (secrets / "HOMEWARD_AUTHORITY").symlink_to("..data/HOMEWARD_AUTHORITY")
    require_known_names()
    assert load_settings().authority == "invented-town"


def test_the_environment_wins_over_a_file(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (secrets / "HOMEWARD_AUTHORITY").write_text("one-town", encoding="utf-8")
    monkeypatch.setenv("HOMEWARD_AUTHORITY", "another-town")
    assert load_settings().authority == "another-town"


def _folder(secrets: Path) -> None:
    (secrets / "HOMEWARD_DATABASE_URL").mkdir()


def _from_elsewhere(secrets: Path) -> None:
    (secrets.parent / "elsewhere").write_text(DATABASE, encoding="utf-8")
    (secrets / "HOMEWARD_DATABASE_URL").symlink_to(secrets.parent / "elsewhere")


def _misspelt(secrets: Path) -> None:
    (secrets / "HOMEWARD_DATABASE_URI").write_text(DATABASE, encoding="utf-8")


A_FILE = "HOMEWARD_SECRETS_DIR: HOMEWARD_DATABASE_URL must be a file of that folder, with the setting's value in it"
MISSPELT = "HOMEWARD_SECRETS_DIR: HOMEWARD_DATABASE_URI: is no setting of Homeward; did you mean HOMEWARD_DATABASE_URL?"


@pytest.mark.parametrize(
    ("puts", "line"), [(_folder, A_FILE), (_from_elsewhere, A_FILE), (_misspelt, MISSPELT)]
)  # fmt: skip
def test_a_secret_that_would_be_passed_over_is_refused(secrets: Path, puts: Callable[[Path], None], line: str) -> None:
    puts(secrets)
    with pytest.raises(BadInputError) as refused:
        require_known_names()
    assert str(refused.value) == line


def test_secrets_that_cannot_be_read_are_one_line_without_their_words(secrets: Path) -> None:
    (secrets / "HOMEWARD_DATABASE_URL").write_bytes(b"pa55word\xff")
    with pytest.raises(BadInputError) as refused:
        load_settings()
    assert str(refused.value) == f"HOMEWARD_SECRETS_DIR: {secrets}: not text in UTF-8"


def test_a_folder_of_secrets_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("homeward_secrets_dir", str(tmp_path / "nowhere"))
    for reads in (require_known_names, load_settings, load_post_settings):
        with pytest.raises(BadInputError, match=r"HOMEWARD_SECRETS_DIR: .*nowhere is no folder"):
            reads()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("HOMEWARD_OIDC_ISUER", "did you mean HOMEWARD_OIDC_ISSUER?"),
        ("HOMEWARD_DATABASE", "did you mean HOMEWARD_DATABASE_URL?"),
        ("homeward_http_prt", "did you mean HOMEWARD_HTTP_PORT?"),
        ("HOMEWARD_ZZZQ", "'Settings' in the README names them all"),
    ],
)
def test_a_misspelt_variable_is_refused_by_every_way_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, hint: str
) -> None:
    monkeypatch.setenv(name, "anything")
    line = f"{name}: is no setting of Homeward; {hint}\n"
    for ways_in, said in (
        (lambda: run(["access"]), f"homeward: {line}"),
        (worker.main, f"homeward worker: {line}"),
        (service.main, f"homeward serve: {line}"),
    ):
        assert ways_in() == 2
        assert capsys.readouterr().err == said


def test_any_spelling_that_is_read_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES - {"HOMEWARD_SECRETS_DIR"}:
        monkeypatch.setenv(name.lower(), "")
    require_known_names()
