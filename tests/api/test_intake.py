"""Intake, forms and referrals over HTTP: one authority's, done once, gone on with after a crash."""

import asyncio
import stat
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from sqlalchemy import func, select

from activities.store import Store, StoreUnavailableError
from activities.store.inbox import InboxItem
from activities.store.tables import InboxTable
from starter.access import AccessRole
from starter.api.guard import LARGEST_FILE
from starter.beginning import first_input
from starter.intake.beside import Beside, Ordered
from starter.intake.runs import Export, IntakeRuns
from starter.referrals import BECOMES, referral_id
from tests.api.callers import ELSEWHERE, HERE, Service, key
from tests.starter.exports import ENDED, MAPPING, NOW, export
from tests.starter.exports_at_length import long_export
from tests.starter.test_intake_forms import HOME, POLICE, changed
from tests.starter.test_intake_runs import Engine
from tests.starter.test_referrals import BACK, HANDED, OURS, an_episode

CSV = {"Content-Type": "text/csv"}
FILE = export({}, {**ENDED, "PersonID": "X-INVENTED-2"}, {"Start Date": "31/02/2026"})


def beside_of(service: Service) -> Beside:
    return cast("Beside", service.app.state.beside)


async def episodes(store: Store) -> int:
    async with store.session() as session:
        reports = select(func.count()).select_from(InboxTable).where(InboxTable.kind == "report")
        return await session.scalar(reports) or 0


async def send(client: httpx.AsyncClient, text: str = FILE, **more: Any) -> httpx.Response:
    return await client.post("/v1/intakes", content=text.encode(), headers={**CSV, **key()}, **more)


async def test_a_file_is_taken_in_beside_its_request(store: Store) -> None:
    service = Service(store)
    async with service.caller(AccessRole.CASE_SYSTEM) as client:
        begun = await send(client)
        assert begun.status_code == 202
        await beside_of(service).wait()
        run = (await client.get(begun.headers["location"])).json()
        assert run | {"state": "whole", "lines": 3, "done": 3, "added": 2, "kept": 2} == run
        assert run["verdicts"] == {"refused": 1, "taken": 1, "taken_with_note": 1}
        first = (await client.get(f"{begun.headers['location']}/lines", params={"limit": 2})).json()
        rest = (await client.get(f"{begun.headers['location']}/lines", params={"cursor": first["next"]})).json()
        assert [line["line"] for line in (*first["items"], *rest["items"])] == [2, 3, 4]
        assert rest["next"] is None
        again = await send(client)
        assert again.json()["id"] == run["id"]
        await beside_of(service).wait()
    assert await episodes(store) == 2


async def test_a_file_may_come_as_a_part_with_a_mapping_of_its_own(store: Store) -> None:
    service = Service(store)
    own = MAPPING.model_copy(update={"mapping": "my-town", "delimiter": ";"}).model_dump_json()
    text = FILE.replace(",", ";").encode()
    async with service.caller(AccessRole.MANAGER) as client:
        files = {"file": ("export.csv", text, "text/csv")}
        sent = await client.post("/v1/intakes", files=files, data={"mapping_file": own}, headers=key())
        assert (sent.status_code, sent.json()["mapping"]) == (202, "my-town")
        named = await client.post("/v1/intakes", files=files, data={"mapping": "case-system-export"}, headers=key())
        assert named.json()["detail"].startswith("line 1: its cells stand between ';'")
        await beside_of(service).wait()
    assert await episodes(store) == 2


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"content": b"nonsense", "headers": CSV}, "line 1: the header has no column"),
        ({"content": FILE.encode(), "headers": CSV, "params": {"mapping": "none"}}, "mapping: there is no 'none'"),
        ({"content": FILE.encode(), "headers": CSV, "params": {"mapping": "/etc/hosts.yaml"}}, "mapping: there is no"),
        ({"data": {"mapping": "x"}, "files": {"other": b"x"}}, "file: must be given"),
    ],
)
async def test_a_file_that_cannot_be_used_begins_no_run(store: Store, sent: dict[str, Any], says: str) -> None:
    service = Service(store)
    async with service.caller(AccessRole.MANAGER) as client:
        answer = await client.request("POST", "/v1/intakes", **(sent | {"headers": sent.get("headers", {}) | key()}))
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(says)
    assert await episodes(store) == 0


async def test_a_file_in_another_form_is_refused_as_such(store: Store) -> None:
    async with Service(store).caller(AccessRole.MANAGER) as client:
        sent = {"Content-Type": "application/json", **key()}
        answer = await client.post("/v1/intakes", content=b"x", headers=sent)
    assert (answer.status_code, answer.json()["type"]) == (415, "/v1/problems/wrong-media-type")
    assert answer.json()["detail"].startswith("Content-Type: must be text/csv")


async def test_a_dry_run_answers_at_once_and_writes_nothing(store: Store) -> None:
    async with Service(store).caller(AccessRole.MANAGER) as client:
        answer = await send(client, params={"dry_run": "true"})
    assert answer.status_code == 200
    assert answer.json()["totals"]["would_begin"] == 2
    assert [line["added"] for line in answer.json()["lines"]] == [True, True, False]
    assert await episodes(store) == 0


async def test_another_authoritys_run_is_not_there_and_a_key_is_for_one_file(store: Store) -> None:
    service, same = Service(store), key()
    async with service.caller(AccessRole.MANAGER) as client:
        begun = await client.post("/v1/intakes", content=FILE.encode(), headers=CSV | same)
        other = await client.post("/v1/intakes", content=export({"Team": "x"}).encode(), headers=CSV | same)
        assert (other.status_code, other.json()["type"]) == (409, "/v1/problems/key-reused")
    async with service.caller(AccessRole.MANAGER, authority=ELSEWHERE) as client:
        for path in (begun.headers["location"], f"{begun.headers['location']}/lines"):
            assert (await client.get(path)).status_code == 404
    await beside_of(service).wait()


async def test_a_file_larger_than_other_requests_is_taken_and_one_too_large_is_not(store: Store) -> None:
    service = Service(store)
    async with service.caller(AccessRole.MANAGER) as client:
        assert (await send(client, "x" * (LARGEST_FILE + 1))).status_code == 413
        assert (await send(client, "x" * 100_000)).status_code == 422


async def test_what_a_crash_broke_off_is_gone_on_with_from_the_folder_which_is_empty_then(
    store: Store, tmp_path: Path
) -> None:
    engine = Engine()
    service = Service(store, engine.connect)
    ordered_export = Export(long_export(250).encode(), MAPPING)
    runs = IntakeRuns(store, service.parts.commands, HERE)
    run, _ = await runs.begin(ordered_export, "Invented", NOW)
    broken = Beside(store, service.parts.commands, tmp_path / "intake")
    broken.begin(Ordered.of(run, ordered_export, "someone"))
    await asyncio.sleep(0)
    await broken.stop()
    files = sorted((tmp_path / "intake").iterdir())
    assert [path.suffix for path in files] == [".csv", ".json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    after = Beside(store, service.parts.commands, tmp_path / "intake")
    assert after.go_on() == 1
    await after.wait()
    assert list((tmp_path / "intake").iterdir()) == []
    taken = await runs.take_in(ordered_export, "x", NOW)
    assert (taken.whole_before, taken.progress.done, taken.progress.added) == (True, 250, len(engine.begun))
    (tmp_path / "intake" / "bad.json").write_text("{}", encoding="utf-8")
    assert after.go_on() == 1, "it is counted, logged and left"


async def test_an_order_that_cannot_be_kept_is_not_begun_and_can_be_given_again(store: Store, tmp_path: Path) -> None:
    service, export = Service(store, Engine().connect), Export(long_export(2).encode(), MAPPING)
    run, _ = await IntakeRuns(store, service.parts.commands, HERE).begin(export, "Invented", NOW)
    (tmp_path / "full").write_text("", encoding="utf-8")
    beside = Beside(store, service.parts.commands, tmp_path / "full" / "intake")
    with pytest.raises(StoreUnavailableError, match="the folder of intakes cannot be written"):
        beside.begin(Ordered.of(run, export, "someone"))
    (tmp_path / "full").unlink()
    beside.begin(Ordered.of(run, export, "someone"))
    await beside.wait()
    again = await IntakeRuns(store, service.parts.commands, HERE).take_in(export, "x", NOW)
    assert (again.whole_before, again.progress.done) == (True, 2)


async def test_a_form_begins_an_episode_and_another_adds_to_it(store: Store) -> None:
    service = Service(store)
    async with service.caller(AccessRole.DUTY) as client:
        begun = await client.post("/v1/forms/home", json=HOME, headers=key())
        assert (begun.status_code, begun.json()["state"]) == (202, "begun")
        added = await client.post("/v1/forms/police", json=POLICE, headers=key())
        assert (added.json()["state"], added.json()["episode_id"]) == ("added", begun.json()["episode_id"])
        wrong = await client.post("/v1/forms/home", json=changed(HOME, child__nmae="SECRET"), headers=key())
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "child.nmae")
        assert "SECRET" not in wrong.text
        nul = await client.post("/v1/forms/home", json=changed(HOME, child__names="a\0"), headers=key())
        assert (nul.status_code, nul.json()["errors"][0]["field"]) == (422, "child.names")
        tried = await client.post(
            "/v1/forms/police",
            json=changed(POLICE, reference="N", child__born="2012-01-01"),
            params={"dry_run": "true"},
            headers=key(),
        )
        assert tried.json()["state"] == "would_begin"
    assert await episodes(store) == 1


async def test_a_forms_key_is_for_one_form(store: Store) -> None:
    same = key()
    async with Service(store).caller(AccessRole.DUTY) as client:
        first, again = [(await client.post("/v1/forms/home", json=HOME, headers=same)).json() for _ in range(2)]
        other = await client.post("/v1/forms/police", json=POLICE, headers=same)
    assert (first["state"], again["state"], again["episode_id"]) == ("begun", "added", first["episode_id"])
    assert (other.status_code, other.json()["type"]) == (409, "/v1/problems/key-reused")


async def test_what_is_not_sure_is_a_conflict_that_a_person_settles(store: Store) -> None:
    service = Service(store)
    unsure = changed(POLICE, child__born=None)
    async with service.caller(AccessRole.DUTY) as client:
        begun = (await client.post("/v1/forms/home", json=changed(HOME, police_told=None), headers=key())).json()
        answer = await client.post("/v1/forms/police", json=unsure, headers=key())
        assert (answer.status_code, answer.json()["errors"]) == (
            409,
            [{"field": "episode", "detail": begun["episode_id"]}],
        )
        about = {"episode": begun["episode_id"]}
        assert (await client.post("/v1/forms/police", json=unsure, params=about, headers=key())).json()[
            "state"
        ] == "added"
    async with service.caller(AccessRole.REPORTER) as client:
        hidden = await client.post("/v1/forms/police", json=POLICE, headers=key())
        assert (hidden.json()["state"], hidden.json()["episode_id"], hidden.json()["facts"]) == ("added", None, [])
        about = {"episode": begun["episode_id"]}
        assert (await client.post("/v1/forms/police", json=POLICE, params=about, headers=key())).status_code == 404
    async with service.caller(AccessRole.DUTY, authority=ELSEWHERE) as client:
        assert (await client.post("/v1/forms/police", json=POLICE, params=about, headers=key())).status_code == 404


AWAY: dict[str, Any] = {
    "child": {"reference": "INVENTED-7", "born": "2011-05-14"},
    "last_seen": "2026-11-23T19:10:00Z",
    "reported": "2026-11-23T20:40:00Z",
}
ANOTHER = {**AWAY, "child": {"reference": "INVENTED-8", "born": "2011-05-14"}}


async def away(service: Service, said: dict[str, Any] = AWAY, **child: Any) -> str:
    """A child away, as its case system reported it; the episode."""
    async with service.caller(AccessRole.CASE_SYSTEM) as system:
        report = {**said, "child": {**said["child"], **child}}
        return str((await system.post("/v1/episodes", json=report, headers=key())).json()["episode_id"])


async def sent(client: httpx.AsyncClient, form: dict[str, Any] = POLICE, **how: str) -> tuple[int, dict[str, Any]]:
    """What a form is answered, without the ids of what it made."""
    answer = await client.post("/v1/forms/police", json=form, params=how, headers=key())
    body = dict(answer.json())
    assert (body.pop("episode_id", None) is None) == (answer.status_code == 409 or "dry_run" in how)
    return answer.status_code, body


async def first_inputs(store: Store) -> list[tuple[bool, str | None]]:
    """Of each episode that forms begin: whether somebody must look if it is a duplicate; and who sent it."""
    async with store.session() as session:
        rows = (await session.scalars(select(InboxTable).where(InboxTable.kind == "report"))).all()
        items = [InboxItem.model_validate(row) for row in rows if row.body["report"]["reported_by"] == POLICE["force"]]
    return [(first_input(item).perhaps_a_duplicate, item.said_by) for item in items]


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("role", [AccessRole.REPORTER, AccessRole.HOST_AUTHORITY])
async def test_whoever_reads_no_episodes_is_not_told_whether_a_like_child_is_away(
    role: AccessRole, restricted: bool, store: Store
) -> None:
    service = Service(store)
    async with service.caller(role, id="them") as client:
        free = await sent(client, changed(POLICE, reference="A", child__born="2012-01-01"))
        tried = [await sent(client, changed(POLICE, reference="B"), dry_run="true")]
        await away(service, restricted=restricted)
        tried.append(await sent(client, changed(POLICE, reference="B"), dry_run="true"))
        sure = changed(POLICE, reference="B", child__reference="INVENTED-7")
        tried.append(await sent(client, sure, dry_run="true"))
        assert len({str(one) for one in tried}) == 1, tried
        assert (tried[0][0], tried[0][1]["state"]) == (200, "would_be_taken_in")
        assert await sent(client, changed(POLICE, reference="B")) == free
    assert free[0] == 202
    assert sorted(await first_inputs(store)) == [(False, "them"), (True, "them")], (
        "it is recorded, and somebody must look"
    )


async def test_a_hidden_child_is_not_among_those_a_form_may_be_about(store: Store) -> None:
    service = Service(store)
    hidden = await away(service, restricted=True)
    async with service.caller(AccessRole.DUTY, id="far") as far:
        free = await sent(far, changed(POLICE, reference="A", child__born="2012-01-01"), dry_run="true")
        assert free[1]["state"] == "would_begin"
        assert await sent(far, changed(POLICE, reference="B"), dry_run="true") == free
        assert (await sent(far, changed(POLICE, reference="B")))[1]["state"] == "begun"
    assert await first_inputs(store) == [(True, "far")]
    seen = await away(service, ANOTHER)
    async with service.caller(AccessRole.DUTY, id="far") as far:
        status, body = await sent(far, changed(POLICE, reference="C"))
        assert status == 409
        assert [one["detail"] for one in body["errors"]] == [seen]
        assert hidden not in str(body)
    async with service.caller(AccessRole.CASE_SYSTEM) as system:
        status, body = await sent(system, changed(POLICE, reference="C"))
        assert status == 409
        assert {seen, hidden} == {one["detail"] for one in body["errors"]}


async def test_to_try_a_form_tells_nothing_of_a_child_who_is_hidden(store: Store) -> None:
    service = Service(store)
    report = {**AWAY, "returned": "2026-11-23T21:00:00Z"}
    await away(service, report, restricted=True)
    tried = list[tuple[int, dict[str, Any]]]()
    async with service.caller(AccessRole.DUTY) as far:
        for _ in ("back", "away"):
            form = changed(POLICE, reference="B", child__reference="INVENTED-7")
            tried.append(await sent(far, form, dry_run="true"))
            await away(service, restricted=True)
    assert tried[0] == tried[1]
    assert tried[0][1]["state"] == "would_be_taken_in"


async def test_when_what_is_hidden_makes_it_unsure_what_is_seen_is_asked_about(store: Store) -> None:
    service = Service(store)
    reference = {"police_reference": POLICE["reference"]}
    hidden, seen = await away(service, {**AWAY, **reference}, restricted=True), await away(service, ANOTHER | reference)
    async with service.caller(AccessRole.DUTY) as far:
        status, body = await sent(far)
    assert (status, [one["detail"] for one in body["errors"]]) == (409, [seen])
    assert hidden not in str(body)
    assert await first_inputs(store) == [], "nothing is recorded, and the sender is asked"


async def test_a_provider_sees_and_answers_its_own_referrals(store: Store) -> None:
    its = await an_episode(store, BACK, HANDED)
    service = Service(store)
    said = {"answer": "accepted", "at": "2026-06-12T11:00:00Z"}
    async with service.caller(AccessRole.INTERVIEW_PROVIDER, provider=OURS) as client:
        assert [one["id"] for one in (await client.get("/v1/referrals")).json()["items"]] == [its]
        assert (await client.get(f"/v1/referrals/{its}")).json()["state"] == "handed_over"
        same = key()
        for _ in range(2):
            answer = await client.post(f"/v1/referrals/{its}/answers", json=said, headers=same)
            assert (answer.status_code, answer.json()["state"]) == (202, "kept")
        other = await client.post(f"/v1/referrals/{its}/answers", json=said | {"answer": "offered"}, headers=same)
        assert other.json()["type"] == "/v1/problems/key-reused"
        for wrong, field, right in (
            ({"answer": "declined"}, "at", "must be given"),
            (said | {"note": "x"}, "note", "there is no such field"),
            ({"at": said["at"]}, "answer", "must be given"),
            (said | {"answer": "perhaps"}, "answer", f"must be one of {', '.join(BECOMES)}"),
        ):
            answer = await client.post(f"/v1/referrals/{its}/answers", json=wrong, headers=key())
            assert answer.status_code == 422
            assert answer.json()["errors"][0] == {"field": field, "detail": right}
        assert (await client.get(f"/v1/referrals/{its}")).json()["state"] == "accepted"
    for more in ({"provider": "Another"}, {}, {"provider": OURS, "authority": ELSEWHERE}):
        async with service.caller(AccessRole.INTERVIEW_PROVIDER, **more) as client:
            assert (await client.get("/v1/referrals")).json()["items"] == []
            assert (await client.get(f"/v1/referrals/{its}")).status_code == 404
            answer = await client.post(f"/v1/referrals/{its}/answers", json=said, headers=key())
            assert answer.json() == (await client.get(f"/v1/referrals/{referral_id('x', 'y')}")).json()


async def test_referrals_come_in_pages(store: Store) -> None:
    mine = [await an_episode(store, BACK, HANDED, episode=f"e{number}") for number in range(3)]
    seen: list[str] = []
    async with Service(store).caller(AccessRole.INTERVIEW_PROVIDER, provider=OURS) as client:
        page = (await client.get("/v1/referrals", params={"limit": 2})).json()
        seen += [one["id"] for one in page["items"]]
        page = (await client.get("/v1/referrals", params={"limit": 2, "cursor": page["next"]})).json()
        seen += [one["id"] for one in page["items"]]
    assert sorted(seen) == sorted(mine)
    assert page["next"] is None
