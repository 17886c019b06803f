"""Policies as pages to read, two of them compared, and a story planned: when everything would fall due, and why."""

from typing import Annotated, Any, Final

import yaml
from fastapi import APIRouter, Path, Query, Response

from activities.policies import Policies, UnknownPolicyError
from starter.access import Permission
from starter.api.asking import AskedBy, needs
from starter.api.problems import Problem, ProblemError
from starter.console.asking import PostedBy, console_router
from starter.console.episode.kinds import title_of
from starter.console.navigation import POLICY
from starter.console.pages import drawn_in_page, page
from starter.console.report_words import SETTING_WORDS
from starter.console.story import MOST_HAPPENINGS, Story, story_of, story_to_begin_with
from starter.picture import draw_timeline
from starter.policy_changes import changes
from starter.policy_diff import Difference, differences
from starter.policy_page import INTERVIEWER_VERDICTS, clock_in_words
from starter.scenarios import plan_scenario, read_scenario
from workflows.fact_kinds import ABOUT_TASKS, FACTS, RULINGS, FactKind
from workflows.facts import Known
from workflows.plain_errors import BadInputError
from workflows.policy import Pack
from workflows.vocabulary import HOLDS_EITHER_WAY, HOLDS_WHEN_SAID, ROLE_WORDS, Setting

Name = Annotated[str, Path(max_length=60)]
NameAsked = Annotated[str | None, Query(max_length=60)]

_STRENGTHS: Final = ("must", "where_possible", "local")
_NOT_PLANNED: Final = (
    *RULINGS,
    *ABOUT_TASKS,
    FactKind.ACKNOWLEDGED,
    FactKind.REPEAT_REACHED,
    FactKind.POLICY_CHANGED,
    FactKind.REOPENED,
    FactKind.MERGED,
    FactKind.WITHDRAWN,
)
"""What people do to a record: a story that is planned tells of the child."""


def router_of(policies: Policies) -> APIRouter:
    """The pages of policies."""
    router = console_router()

    def pack_of(name: str) -> Pack:
        try:
            return policies.pack(name)
        except UnknownPolicyError:
            raise ProblemError(Problem.NOT_FOUND) from None

    @router.get(POLICY.path)
    @needs(Permission.READ_POLICIES)
    async def index(asked: AskedBy) -> Response:
        """The policies there are."""
        packs = [pack_of(name) for name in policies.names()]
        return page(asked, "policies.html.j2", POLICY.id, packs=packs, titles=dict(_titled(policies)))

    @router.get(f"{POLICY.path}/compare")
    @needs(Permission.READ_POLICIES)
    async def compare(asked: AskedBy, first: NameAsked = None, second: NameAsked = None) -> Response:
        """What one policy asks for otherwise than another."""
        names = list(policies.names())
        chosen = (first or names[0], second or names[-1])
        mine, other = pack_of(chosen[0]), pack_of(chosen[1])
        return page(
            asked,
            "policies_compared.html.j2",
            POLICY.id,
            policies=_titled(policies),
            first=mine,
            second=other,
            changes=changes(mine, other),
            as_written=[_as_written(one) for one in differences(mine, other)],
        )

    @router.get(f"{POLICY.path}/plan")
    @needs(Permission.PLAN)
    async def ask(asked: AskedBy) -> Response:
        """The form of a story, begun with an invented one."""
        return _planner(policies, asked, story_to_begin_with(asked.now))

    @router.post(f"{POLICY.path}/plan")
    @needs(Permission.PLAN)
    async def plan(asked: AskedBy, posted: PostedBy) -> Response:
        """When everything falls due in a story. It changes nothing and keeps nothing."""
        story = story_of(posted)
        if posted.one("more"):
            return _planner(policies, asked, story.with_more_rows())
        return _planner(policies, asked, story, **_planned(policies, story))

    @router.get(f"{POLICY.path}/{{name}}")
    @needs(Permission.READ_POLICIES)
    async def one(asked: AskedBy, name: Name) -> Response:
        """A policy, whole."""
        pack = pack_of(name)
        clocks = [clock_in_words(pack, clock_id) for clock_id in pack.clocks]
        said: dict[str, Any] = {
            "role_words": ROLE_WORDS,
            "verdicts": INTERVIEWER_VERDICTS,
            "titles": dict(_titled(policies)),
        }
        by_strength = {one: [c for c in clocks if c.strength == one.replace("_", " ")] for one in _STRENGTHS}
        return page(asked, "policy.html.j2", POLICY.id, pack=pack, by_strength=by_strength, **said)

    return router


def _planner(policies: Policies, asked: AskedBy, story: Story, **planned: Any) -> Response:
    shown = {"clocks": None, "picture": None, "title": None, "version": None} | planned
    return page(
        asked,
        "policy_plan.html.j2",
        POLICY.id,
        status=422 if story.mistakes else 200,
        story=story,
        most=MOST_HAPPENINGS,
        policies=_titled(policies),
        settings=[("", "Not known"), *((one.value, SETTING_WORDS[one]) for one in Setting)],
        either_way=HOLDS_EITHER_WAY,
        when_said=HOLDS_WHEN_SAID,
        kinds={kind.value: title_of(kind) for kind in FACTS if kind not in _NOT_PLANNED},
        **shown,
    )


def _planned(policies: Policies, story: Story) -> dict[str, Any]:
    """The clocks of a story and their picture; nothing when it cannot be planned, whose mistakes then say why."""
    if story.mistakes:
        return {}
    try:
        scenario = read_scenario(story.as_scenario())
        planned = plan_scenario(scenario, policies)
    except BadInputError as error:
        story.take(error)
        return {}
    known = Known(scenario.facts, scenario.as_of)
    by_due = sorted(planned.clocks, key=lambda one: (one.due is None, one.due or scenario.as_of, one.title))
    picture = drawn_in_page(draw_timeline(planned.clocks, known, "When everything falls due"))
    title = policies.pack(planned.policy).title
    return {"clocks": by_due, "picture": picture, "title": title, "version": planned.version, "as_of": scenario.as_of}


def _titled(policies: Policies) -> list[tuple[str, str]]:
    return [(name, policies.pack(name).title) for name in policies.names()]


def _as_written(found: Difference) -> dict[str, str]:
    """A difference as the packs' files have it: where, and what each says there."""
    return {
        "where": ".".join(part for part in (found.part, found.name, found.field) if part),
        "change": found.change,
        "first": _as_text(found.first),
        "second": _as_text(found.second),
    }


def _as_text(said: Any) -> str:
    if said is None:
        return ""
    if isinstance(said, str | int | float | bool):
        return str(said)
    return yaml.safe_dump(said, allow_unicode=True, sort_keys=False, width=60).strip()
