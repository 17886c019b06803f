"""The page of the API lists the routes that there are, and its description is good reading."""

import re
from collections.abc import Iterator
from typing import Any, cast

import pytest

from activities.store import Store
from starter.api.page import BEGINS, asked_routes, with_lists
from starter.child_records import FORMS
from tests.api.callers import Service
from tests.api.page import PAGE, as_it_should_be

Json = dict[str, Any]


@pytest.fixture
def openapi() -> Json:
    return Service(Store("sqlite+aiosqlite:///nowhere.sqlite")).app.openapi()


def operations(openapi: Json) -> Iterator[Json]:
    """Every operation."""
    for path in openapi["paths"].values():
        for method, one in path.items():
            if method in ("get", "post", "put", "delete", "patch"):
                yield one


def test_the_page_lists_the_routes_and_the_kinds_of_fact_that_there_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == as_it_should_be(), "run: make api"


def test_a_page_without_a_place_for_the_routes_is_not_written() -> None:
    app = Service(Store("sqlite+aiosqlite:///nowhere.sqlite")).app
    with pytest.raises(ValueError, match="no place"):
        with_lists(f"# Only a beginning\n\n{BEGINS}\n", app)


def test_the_page_says_each_problem_and_limit_that_it_names() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert "64 KB" in page
    assert "10 MB" in page
    app = Service(Store("sqlite+aiosqlite:///nowhere.sqlite")).app
    for route in asked_routes(app):
        assert f"{route.path}`" in page
        assert f"`{route.permission}`" in page


def test_every_operation_has_an_id_in_words_of_its_own(openapi: Json) -> None:
    everything = [one["operationId"] for one in operations(openapi)]
    assert len(set(everything)) == len(everything)
    assert [one for one in everything if not re.fullmatch(r"[a-z]+(_[a-z]+)*", one)] == []


NOT_YET = {"take_home_form_in", "take_police_form_in"}
"""Operations whose parameters have no descriptions yet."""


def test_every_operation_and_parameter_is_described(openapi: Json) -> None:
    assert openapi["openapi"].startswith("3.1")
    undescribed = [
        f"{one['operationId']} {parameter['name']}"
        for one in operations(openapi)
        if one["operationId"] not in NOT_YET
        for parameter in one.get("parameters", ())
        if not parameter.get("description")
    ]
    assert undescribed == []
    assert [one["operationId"] for one in operations(openapi) if not one.get("description")] == []


OTHERWISE = {*(form.__name__ for form in FORMS.values()), "ChildsPart", "TrustedPerson"}
"""Forms that people fill in: what describes a field there is what is said to be missing when it is."""

A_POLICY = "show_policy"
"""Answers with a whole pack, whose fields are those of its file: they are explained where packs are written."""


def reached(openapi: Json, operation_ids: set[str]) -> set[str]:
    """The schemas of which these operations speak."""
    found: set[str] = set()
    waits: list[Any] = [one for one in operations(openapi) if one["operationId"] in operation_ids]
    while waits:
        one = waits.pop()
        if isinstance(one, dict):
            whole = cast("Json", one)
            name = str(whole.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                waits.append(openapi["components"]["schemas"][name])
            waits += whole.values()
        elif isinstance(one, list):
            waits += cast("list[Any]", one)
    return found


def test_every_field_of_what_is_sent_and_answered_is_described(openapi: Json) -> None:
    everything = {one["operationId"] for one in operations(openapi)} - {A_POLICY}
    schemas = {name: openapi["components"]["schemas"][name] for name in reached(openapi, everything) - OTHERWISE}
    undescribed = [
        f"{name}.{field}"
        for name, schema in sorted(schemas.items())
        for field, said in schema.get("properties", {}).items()
        if not said.get("description") and "$ref" not in said
    ]
    assert undescribed == []


def test_what_is_sent_must_be_strict(openapi: Json) -> None:
    sent = {
        str(one["requestBody"]["content"]["application/json"]["schema"].get("$ref", "")).rpartition("/")[2]
        for one in operations(openapi)
        if "application/json" in one.get("requestBody", {}).get("content", {})
    } - {""}
    assert sent
    schemas = openapi["components"]["schemas"]
    assert [name for name in sorted(sent) if schemas[name].get("additionalProperties") is not False] == []
