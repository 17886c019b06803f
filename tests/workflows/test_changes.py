"""Which changes of what is open a version begins: those whose turn has come, and no other."""

import pytest

from workflows import changes
from workflows.changes import Change


@pytest.mark.parametrize(
    ("name", "change", "begun"),
    [
        ("begun", Change("0.5.0", "0.6.0"), True),
        ("known", Change("0.5.0", None), False),
        ("unknown", None, False),
    ],
)
def test_a_change_is_begun_by_the_version_whose_turn_it_is(
    monkeypatch: pytest.MonkeyPatch, name: str, change: Change | None, begun: bool
) -> None:
    monkeypatch.setattr(changes, "CHANGES", {name: change} if change else {})
    assert changes.begins(name) is begun
