"""The examples of intake are what they are said to be: each kind of mess has its verdict."""

from datetime import UTC, datetime
from pathlib import Path

from starter.intake.mapping_files import find_mapping
from starter.intake.table import decoded, read_bytes, read_export

FOLDER = Path(__file__).parent.parent.parent / "examples" / "intake"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_each_line_of_the_example_has_the_verdict_that_its_remark_asks_for() -> None:
    mapping = find_mapping(str(FOLDER / "my-town.yaml"))
    verdicts = read_export(decoded(read_bytes(FOLDER / "export.csv"), mapping), mapping, NOW)
    assert [(v.verdict, (v.why or "").partition(";")[0]) for v in verdicts] == [
        ("taken_with_note", ""),
        ("taken_with_note", ""),
        ("taken_with_note", ""),
        ("refused", "What: an unknown code"),
        ("refused", "Gone: there is no such day"),
        ("refused", "Back: the end lies before the start"),
        ("refused", "Client: must be given, so that the child's episodes can be told to be one child's"),
        ("refused", "the same row as line 2"),
    ]
    day_only = {v.line: v.report.known_to_day for v in verdicts if v.report and v.report.known_to_day}
    assert day_only == {3: ("last_seen", "reported"), 4: ("located", "returned")}
