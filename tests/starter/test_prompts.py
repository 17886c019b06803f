"""Prompts: shown beside what is owed or after what happened, to the children they are for; and the coverage page."""

import ast
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from starter.coverage import CONFLICTS, OBLIGATIONS, Answer, coverage
from starter.prompts import prompts_now
from tests.workflows.builders import CHILD, calendar, pack
from tests.workflows.test_protocol_clocks import NEARLY_18, ZERO, said
from workflows.clocks import plan
from workflows.fact_kinds import FactKind
from workflows.facts import Child, Known

ROOT = Path(__file__).parent.parent.parent
HOSTED = CHILD.model_copy(update={"hosted": True})


def shown(facts: str, child: Child = CHILD, hours: float = 1) -> set[str]:
    now = ZERO + timedelta(hours=hours)
    known = Known(said(facts), now)
    clocks = plan(known.facts, child, pack(), calendar(), now)
    return {prompt_id for prompt_id, _ in prompts_now(pack(), clocks, known, child)}


@pytest.mark.parametrize(
    ("facts", "child", "hours", "there", "not_there"),
    [
        ("noticed@0", CHILD, 1, {"before_the_police", "trusted_three"}, {"rhi_opening", "hosted"}),
        ("reported@0", CHILD, 0.5, {"return_plan"}, {"strategy_agenda", "rhi_topics"}),
        ("reported@0", CHILD, 25, {"strategy_agenda", "exploitation_signs"}, set[str]()),
        (
            "reported@0; returned@1",
            CHILD,
            2,
            {"rhi_opening", "rhi_topics", "consents", "prevention_check"},
            {"refusal"},
        ),
        ("reported@0; returned@1; rhi_completed@2", CHILD, 3, {"feedback"}, {"rhi_opening"}),
        ("reported@0; returned@1; rhi_declined@2", CHILD, 3, {"refusal"}, {"rhi_opening"}),
        ("repeat_reached@0 rule=repeated", CHILD, 1, {"planning_agenda"}, {"safety_plan_parts"}),
        ("meeting_held@0 meeting=planning", CHILD, 1, {"safety_plan_parts"}, {"planning_agenda"}),
        ("authority_told@0", HOSTED, 1, {"hosted", "contact_point"}, set[str]()),
        ("described@0 setting=foster; reported@0", NEARLY_18, 1, {"sixteen"}, set[str]()),
        ("described@0 setting=foster; reported@0", CHILD, 1, set[str](), {"sixteen"}),
        ("reported@0; response_challenged@0", CHILD, 1, {"challenge_steps"}, {"inappropriate_report"}),
        ("reported@0; placement_moved@0", CHILD, 1, {"placement_out_of_area"}, set[str]()),
        ("reported@0; categorised@0.5 category=away view=police", CHILD, 1, {"categories"}, set[str]()),
        ("described@0 court_order=yes; reported@0", CHILD, 1, {"absconded"}, {"hospital"}),
        ("described@0 setting=hospital; reported@0", CHILD, 1, {"hospital"}, {"absconded"}),
        ("lost_on_activity@0", CHILD, 1, {"external_activity"}, set[str]()),
    ],
)
def test_a_prompt_is_shown_where_it_belongs(
    facts: str, child: Child, hours: float, there: set[str], not_there: set[str]
) -> None:
    found = shown(facts, child, hours)
    assert there <= found
    assert not not_there & found


@pytest.mark.parametrize("number", [*OBLIGATIONS, *CONFLICTS])
def test_every_obligation_and_conflict_has_its_answer(number: str) -> None:
    answer = next(one for one in coverage() if one.id == number)
    for place in answer.where:
        assert place in _places() or (ROOT / place).is_file(), f"{number}: there is no {place}"
    if answer.test:
        path, _, name = answer.test.partition("::")
        assert name in _tests_in(ROOT / path), f"{number}: there is no test {answer.test}"


@pytest.mark.parametrize("answer", coverage(), ids=lambda answer: answer.id)
def test_what_is_said_to_be_a_clock_or_prompt_is_one_that_names_the_obligation(answer: Answer) -> None:
    clocks = [pack().clocks[place] for place in answer.where if place in pack().clocks]
    prompts = [pack().prompts[place] for place in answer.where if place in pack().prompts]
    repeats = [pack().repeats[place] for place in answer.where if place in pack().repeats]
    if "clock" in answer.handled_by and answer.id.startswith("O"):
        assert any(answer.id in rule.obligations for rule in clocks), f"no clock of its names {answer.id}"
    if "prompt" in answer.handled_by and answer.id.startswith("O"):
        assert any(answer.id in rule.obligations for rule in prompts), f"no prompt of its names {answer.id}"
    if "task" in answer.handled_by:
        assert any(rule.task for rule in clocks)
    if "rung" in answer.handled_by and answer.id != "O14":
        assert any(rung.escalates or rung.needs_ack for rule in clocks for rung in rule.ladder)
    assert clocks or prompts or repeats or answer.handled_by != ("clock",)


def test_no_answer_is_for_nothing_that_is_asked() -> None:
    assert [one.id for one in coverage()] == [*OBLIGATIONS, *CONFLICTS]


def _places() -> set[str]:
    return {*pack().clocks, *pack().prompts, *pack().repeats, *FactKind}


@cache
def _tests_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
