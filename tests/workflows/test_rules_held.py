"""A worker holds each pack once, however many episodes live by it, and never one for another."""

from datetime import UTC, datetime

from tests.workflows.builders import policies
from workflows.contracts import Rules, RulesAsked

NOW = datetime(2026, 6, 12, 12, tzinfo=UTC)


def written() -> str:
    return policies().rules(RulesAsked(policy="homeward", version=None, since=NOW, now=NOW)).model_dump_json()


def test_equal_packs_are_one_object_and_others_are_not() -> None:
    one, same = Rules.model_validate_json(written()), Rules.model_validate_json(written())
    assert one.pack is same.pack
    changed = one.pack.model_copy(update={"title": "Another town's"})
    other = Rules.model_validate_json(Rules(pack=changed, calendar=one.calendar).model_dump_json())
    assert other.pack == changed
    assert one.pack != changed
    assert Rules.model_validate_json(written()).pack == one.pack
