"""A story of one authority that says everything the API can be told, each thing once or several times."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from tests.api.callers import key
from tests.starter.exports import export

SECRET: Final = "SECRET-NORTH"
"""A word in everything that the authority says of itself and of its children."""

Context = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """One request. `values` fill the path from what was learnt before, `keep` names what is learnt from the answer."""

    method: str
    path: str
    body: Callable[[Context], Any] = lambda _: {}
    values: dict[str, str] = field(default_factory=dict[str, str])
    keep: dict[str, Callable[[Any], Any]] = field(default_factory=dict[str, Callable[[Any], Any]])
    csv: bool = False
    waits: bool = False

    @property
    def route(self) -> tuple[str, str]:
        return self.method, self.path


def ago(context: Context, hours: float) -> str:
    return (context["now"] - timedelta(hours=hours)).isoformat()


def ahead(context: Context, hours: float) -> str:
    return ago(context, -hours)


def said(**what: Any) -> Callable[[Context], Any]:
    return lambda _: what


def fact(kind: str, hours: float, **details: str) -> Callable[[Context], Any]:
    return lambda context: {"kind": kind, "at": ago(context, hours), "note": SECRET, "details": details}


def form(kind: str, **changes: Any) -> dict[str, Any]:
    """The example of a form, with some of it otherwise."""
    written: dict[str, Any] = json.loads((FORMS / f"{kind}-form.json").read_text(encoding="utf-8"))
    return written | changes


def report(reference: str, **child: Any) -> Callable[[Context], Any]:
    about = {"reference": reference, "looked_after": True, "allocated": True, "out_of_area": False, **child}
    return lambda context: {"child": about, "reported": ago(context, 30), "police_reference": f"{SECRET}-P"}


PROVIDER: Final = f"{SECRET}-PROVIDER"
FORMS: Final = Path(__file__).parents[2] / "examples" / "intake"
EPISODE: Final = {"episode_id": "episode"}
CHILD: Final = f"{SECRET}-CHILD"
ME: Final = f"{SECRET}-ME"
OTHER: Final = f"{SECRET}-OTHER"
HOOK: Final = f"{SECRET}-HOOK".lower()
FACTS: Final = "/v1/episodes/{episode_id}/facts"
TASK: Final = "/v1/episodes/{episode_id}/tasks/{duty}"

STORY: Final = (
    Step("PUT", "/v1/directory/people/{reference}", said(name=f"{SECRET} me"), {"reference": "me"}),
    Step("PUT", "/v1/directory/people/{reference}", said(name=f"{SECRET} other"), {"reference": "other"}),
    Step("POST", "/v1/directory/holders", said(role="senior_leader", person=ME, scope="authority")),
    Step("POST", "/v1/directory/holders", said(role="social_worker", person=ME, scope="child", **{"for": CHILD})),
    Step("POST", "/v1/directory/holders", said(role="iro", person=OTHER, scope="authority")),
    Step("PUT", "/v1/directory/teams/{child}", said(team=f"{SECRET} team"), {"child": "child"}),
    Step(
        "POST",
        "/v1/directory/rota",
        lambda c: {"role": "duty_manager", "person": ME, "from": ago(c, 1), "until": ahead(c, 12)},
    ),
    Step("POST", "/v1/directory/leave", lambda c: {"person": OTHER, "from": ahead(c, 99), "until": ahead(c, 120)}),
    Step(
        "PUT",
        "/v1/directory-files/{kind}",
        lambda _: f"child,team\n{CHILD}-2,{SECRET} team\n",
        {"kind": "kind"},
        csv=True,
    ),
    Step("POST", "/v1/directory/checks"),
    Step(
        "POST",
        "/v1/webhooks",
        said(name=HOOK, url="https://hook.invented.example/"),
        keep={"hook": lambda answer: answer["id"]},
    ),
    Step(
        "POST",
        "/v1/webhooks",
        said(name=f"{HOOK}-spare", url="https://hook.invented.example/"),
        keep={"spare": lambda answer: answer["id"]},
    ),
    Step("PATCH", "/v1/webhooks/{name}", said(state="paused"), {"name": "hook"}),
    Step("POST", "/v1/webhooks/{name}/secret", values={"name": "hook"}),
    Step("POST", "/v1/webhooks/{name}/test", values={"name": "hook"}),
    Step("POST", "/v1/webhooks/{name}/dead-letters/resend", values={"name": "hook"}),
    Step("POST", "/v1/stuck/deeds", said(deed="resend_events", subject=HOOK)),
    Step("POST", "/v1/stuck/batches", said(deed="resend_events", kind="events_dead")),
    Step(
        "POST",
        "/v1/children/{reference}/records/{kind}",
        said(interview_strategy=SECRET),
        {"reference": "child", "kind": "record"},
    ),
    Step(
        "POST",
        "/v1/episodes",
        report(CHILD),
        keep={"episode": lambda answer: answer["episode_id"], "said": lambda answer: answer["id"]},
        waits=True,
    ),
    Step("POST", FACTS, fact("last_seen", 31, place=SECRET), EPISODE),
    Step("POST", FACTS, fact("returned", 3, place=SECRET), EPISODE, waits=True),
    Step("POST", FACTS, fact("referred", 2, to=PROVIDER), EPISODE, waits=True),
    Step(
        "POST",
        "/v1/forms/home",
        lambda _: form("home", child={"reference": f"{CHILD}-FORM", "names": SECRET, "born": "2011-05-14"}),
        waits=True,
    ),
    Step("POST", "/v1/forms/police", lambda _: form("police"), waits=True),
    Step(
        "POST",
        "/v1/intakes",
        lambda _: export({"PersonID": f"{CHILD}-ROW"}),
        keep={"intake": lambda answer: answer["id"]},
        csv=True,
        waits=True,
    ),
    Step("POST", f"{TASK}/take", said(note=SECRET), {**EPISODE, "duty": "duty"}, waits=True),
    Step("POST", f"{TASK}/notes", said(note=SECRET), {**EPISODE, "duty": "duty"}),
    Step("POST", f"{TASK}/hand-over", said(to=OTHER), {**EPISODE, "duty": "duty"}, waits=True),
    Step("POST", f"{TASK}/give-back", values={**EPISODE, "duty": "duty"}, waits=True),
    Step("POST", f"{TASK}/done", said(details={"channel": "telephone"}), {**EPISODE, "duty": "duty"}, waits=True),
    Step(
        "POST",
        "/v1/referrals/{referral_id}/answers",
        lambda c: {"answer": "accepted", "at": ago(c, 1)},
        {"referral_id": "referral"},
        waits=True,
    ),
    Step("POST", "/v1/trays/{person}/answers", lambda c: {"notices": c["notices"]}, {"person": "person"}, waits=True),
    Step(
        "POST",
        "/v1/episodes",
        report(CHILD),
        keep={"duplicate": lambda answer: answer["episode_id"]},
        waits=True,
    ),
    Step(
        "POST",
        "/v1/episodes/{episode_id}/merging",
        lambda c: {"into": c["episode"], "reason": SECRET},
        {"episode_id": "duplicate"},
        waits=True,
    ),
    Step("POST", "/v1/episodes", report(f"{CHILD}-CLOSE", restricted=True), keep={"close": lambda a: a["episode_id"]}),
    Step(
        "POST",
        "/v1/episodes/{episode_id}/break-glass",
        said(reason=f"{SECRET} must be found tonight"),
        {"episode_id": "close"},
    ),
    Step("POST", "/v1/plans", lambda c: {"child": {}, "as_of": ago(c, 0), "facts": []}),
    Step("POST", "/v1/reconcile"),
    Step(
        "POST",
        "/v1/directory/holders/releases",
        said(role="iro", person=OTHER, scope="authority"),
    ),
    Step("DELETE", "/v1/webhooks/{name}", values={"name": "spare"}),
)

REOPENING: Final = Step(
    "POST", "/v1/episodes/{episode_id}/reopening", said(reason=SECRET), {"episode_id": "closed"}, waits=True
)
"""What only a closed episode is told; closing takes weeks, so it is not part of the story."""


def beginning() -> Context:
    """What is known before the story begins."""
    return {
        "now": datetime.now(UTC),
        "me": ME,
        "other": OTHER,
        "child": CHILD,
        "kind": "teams",
        "record": "safety_plan",
        "duty": "rhi_offer",
        "person": "me",
    }


def filled(path: str, values: dict[str, str], context: Context) -> str:
    for name, known in values.items():
        path = path.replace(f"{{{name}}}", str(context[known]))
    return path


async def take(client: httpx.AsyncClient, step: Step, context: Context, times: int) -> httpx.Response:
    """Send one request, so many times under one key; the last answer."""
    same, body = {**key(), "Homeward-Reason": "an invented reason"}, step.body(context)
    sent: dict[str, Any] = {"content": body, "headers": {**same, "Content-Type": "text/csv"}} if step.csv else {}
    if not sent:
        sent = {"headers": same} if step.method == "DELETE" else {"json": body, "headers": same}
    answers = [await client.request(step.method, filled(step.path, step.values, context), **sent) for _ in range(times)]
    if answers[0].is_success:
        context.update({name: read(answers[0].json()) for name, read in step.keep.items()})
    return answers[-1]
