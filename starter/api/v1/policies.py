"""Policies: which there are, one of them, how two differ, and when everything falls due in a scenario."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from activities.policies import Policies, UnknownPolicyError
from starter.access import Permission
from starter.api.asking import asked_router, needs
from starter.api.problems import Problem, ProblemError
from starter.policy_diff import Difference, differences
from starter.policy_page import as_page
from starter.scenarios import Earlier, Planned, plan_scenario, read_scenario
from workflows.facts import Child
from workflows.instants import Instant
from workflows.policy import Pack

Name = Annotated[str, Path(max_length=60, description="a policy's name")]
Version = Annotated[str | None, Query(pattern=r"^\d{4}\.\d+$", description="a version; the latest without")]


class PolicyNamed(BaseModel):
    """A policy in the list."""

    policy: str = Field(description="its name")
    version: str = Field(description="its latest version")
    title: str = Field(description="what it is, in words")
    extends: list[str] = Field(description="the policies that it extends")
    floor: bool = Field(description="whether others may not loosen it")
    clocks: int = Field(description="how many clocks it has")


class ScenarioSaid(BaseModel):
    """A story to plan: a child's circumstances and facts, up to a moment. Nothing of it is kept."""

    model_config = ConfigDict(extra="forbid")
    title: str = Field(default="Untitled scenario", max_length=200, description="what the story is called")
    policy: str = Field(default="homeward", max_length=60, description="the policy to plan by")
    child: Child
    as_of: Instant = Field(description="up to when the story is known, RFC 3339 with an offset")
    earlier: list[Earlier] = Field(
        default_factory=list[Earlier], max_length=50, description="earlier episodes of the same child"
    )
    facts: list[dict[str, Any]] = Field(max_length=500, description="facts, each with `kind`, `at` and its details")


def router_of(policies: Policies) -> APIRouter:
    """The routes of policies and plans."""
    router = asked_router("policies")

    def pack_of(name: str, version: str | None) -> Pack:
        try:
            return policies.pack(name, version)
        except UnknownPolicyError:
            raise ProblemError(Problem.NOT_FOUND) from None

    @router.get("/policies", operation_id="list_policies")
    @needs(Permission.READ_POLICIES)
    async def index() -> list[PolicyNamed]:
        """The policies there are, each in its latest version."""
        packs = [policies.pack(name) for name in policies.names()]
        return [
            PolicyNamed(
                policy=pack.policy,
                version=pack.version,
                title=pack.title,
                extends=list(pack.extends),
                floor=pack.floor,
                clocks=len(pack.clocks),
            )
            for pack in packs
        ]

    @router.get("/policies/{name}", operation_id="show_policy")
    @needs(Permission.READ_POLICIES)
    async def one(name: Name, version: Version = None) -> Pack:
        """A policy, whole: its clocks, ladders, wording and sources."""
        return pack_of(name, version)

    @router.get("/policies/{name}/page", operation_id="show_policy_page", response_class=PlainTextResponse)
    @needs(Permission.READ_POLICIES)
    async def page(name: Name, version: Version = None) -> PlainTextResponse:
        """A policy as a page in Markdown."""
        return PlainTextResponse(as_page(pack_of(name, version)), media_type="text/markdown")

    @router.get("/policies/{name}/differences", operation_id="compare_policies")
    @needs(Permission.READ_POLICIES)
    async def compare(
        name: Name,
        to: Annotated[str, Query(max_length=60, description="the other policy")],
        version: Version = None,
        to_version: Version = None,
    ) -> list[Difference]:
        """What another policy asks for otherwise than this one."""
        return list(differences(pack_of(name, version), pack_of(to, to_version)))

    @router.post("/plans", operation_id="plan_scenario")
    @needs(Permission.PLAN)
    async def plan(said: ScenarioSaid) -> Planned:
        """When everything falls due in a story, and why. It changes nothing and keeps nothing."""
        return plan_scenario(read_scenario(said.model_dump(mode="json", exclude_unset=True)), policies)

    return router
