"""Finding an absence by a reference, however it is written: by its beginning too, and nothing that is hidden."""

import re
from html import unescape
from uuid import uuid4

import pytest

from starter.access import AccessRole
from starter.console.episode import sought
from tests.api.callers import Service
from tests.api.town import holds, people
from tests.console.absences import absence, said


async def looked_for(service: Service, *, person: str | None = None, **fields: str) -> str:
    """The page that answers a search."""
    async with service.caller(AccessRole.MANAGER, person=person) as client:
        answer = await client.post("/episodes", data={"key": str(uuid4()), **fields})
    assert answer.status_code == 200
    return unescape(answer.text)


def heading(words: str) -> list[str]:
    """What is said of how many were found."""
    return re.findall(r"<h2[^>]*>(.*?)</h2>", words)


@pytest.mark.parametrize("written", ["INV-4471", " inv 4471 ", "Inv4471", "inv/44-71"])
async def test_a_reference_is_found_however_it_is_written(service_then: Service, written: str) -> None:
    mine = await absence(service_then.store, child="INV-4471")
    other = await absence(service_then.store, child="INV-4471B")
    words = await looked_for(service_then, child=written)
    assert words.index(mine) < words.index(other)
    assert heading(words) == ["1 found", "1 more whose reference begins so"]


async def test_a_beginning_finds_the_several_that_begin_so(service_then: Service) -> None:
    store = service_then.store
    those = [await absence(store, child=f"INV-{n}") for n in (21, 22, 23)]
    others = await absence(store, child="INX-1")
    words = await looked_for(service_then, child="inv")
    assert [one in words for one in [*those, others]] == [True, True, True, False]
    assert heading(words) == ["3 found whose reference begins so"]
    short = await looked_for(service_then, child="in")
    assert (heading(short), "write 3 letters or figures at least" in short) == (["Nothing found"], True)


async def test_the_polices_reference_is_found_and_said(service_then: Service) -> None:
    mine = await absence(service_then.store, said("reported", 5, police_ref="13/26-0077"))
    words = await looked_for(service_then, police_reference="13260077")
    assert (mine in words, "Police reference 13/26-0077" in words) == (True, True)


async def test_what_is_hidden_is_neither_shown_nor_counted(service_then: Service) -> None:
    store = service_then.store
    open_one = await absence(store, said("reported", 5, police_ref="P-111"), child="INV-1")
    close = await absence(store, said("reported", 5, police_ref="P-112"), child="INV-2", need_to_know=True)
    await people(store, "p-close")
    await holds(store, "p-close", "social_worker", "INV-2")
    for fields in ({"child": "inv"}, {"police_reference": "p-11"}):
        words = await looked_for(service_then, **fields)
        assert (open_one in words, close in words, "INV-2" in words, "P-112" in words) == (True, False, False, False)
        assert heading(words) == ["1 found whose reference begins so"]
        seen = await looked_for(service_then, person="p-close", **fields)
        assert (close in seen, heading(seen)) == (True, ["2 found whose reference begins so"])


async def test_of_very_many_the_first_are_shown_and_the_hidden_leave_no_gap(
    service_then: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sought, "MOST_SHOWN", 3)
    monkeypatch.setattr(sought, "_AT_ONCE", 2)
    store = service_then.store
    those = [await absence(store, child=f"INV-{n}", need_to_know=n in (1, 2, 4)) for n in range(1, 8)]
    words = await looked_for(service_then, child="inv")
    assert [one in words for one in those] == [False, False, True, False, True, True, False]
    assert heading(words) == ["More than 3 whose reference begins so"]
    assert "Write more of the reference" in words


@pytest.mark.parametrize("written", ["", "  ", "- /"])
async def test_nothing_to_look_for_is_said(service_then: Service, written: str) -> None:
    await absence(service_then.store)
    async with service_then.caller(AccessRole.MANAGER) as client:
        answer = await client.post("/episodes", data={"key": str(uuid4()), "child": written})
    assert (answer.status_code, "Enter a reference to look for" in answer.text) == (422, True)
