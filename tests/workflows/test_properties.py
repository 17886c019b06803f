"""Laws of the clocks, tried on facts that nobody thought of."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workflows.builders import CHILD, calendar, pack
from workflows.clocks import Clock, plan
from workflows.fact_kinds import FactKind
from workflows.facts import Child, Fact, fact_from_outside
from workflows.instants import parse_instant, to_rfc3339

EPOCH = parse_instant("2026-03-20T00:00:00Z")
AS_OF = EPOCH + timedelta(days=60)
DETAILS: dict[str, list[dict[str, str]]] = {
    "told": [{"role": "iro"}, {"role": "parent"}, {"role": "service_manager"}],
    "not_told": [{"role": "parent", "reason": "invented", "authorised_by": "manager"}, {"role": "parent"}],
    "meeting_held": [{"meeting": "strategy"}, {"meeting": "planning"}],
    "meeting_not_needed": [{"meeting": "strategy", "reason": "invented"}, {"meeting": "strategy"}],
}
KINDS = [
    "last_seen", "noticed", "reported", "authority_told", "located", "returned", "referred", "rhi_offered",
    "rhi_declined", "rhi_completed", "visited", *DETAILS,
]  # fmt: skip
UNRELATED = ["searched", "information_added", "feedback_given", "advised_to_report"]


@st.composite
def a_fact(draw: st.DrawFn, kinds: list[str] = KINDS) -> Fact:
    kind = draw(st.sampled_from(kinds))
    at = EPOCH + timedelta(seconds=draw(st.integers(0, 50 * 86400)))
    details = draw(st.sampled_from(DETAILS[kind])) if kind in DETAILS else {}
    number = draw(st.integers(0, 10**12))
    return fact_from_outside({"kind": kind, "at": to_rfc3339(at), **details}, id=f"fact-{number}")


def some_facts() -> st.SearchStrategy[list[Fact]]:
    return st.lists(a_fact(), max_size=12, unique_by=lambda fact: fact.id)


def children() -> st.SearchStrategy[Child]:
    flag = st.sampled_from([True, False, None])
    return st.builds(Child, allocated=flag, looked_after=flag, out_of_area=flag)


def clocks(facts: list[Fact], child: Child = CHILD) -> tuple[Clock, ...]:
    return plan(facts, child, pack(), calendar(), AS_OF)


def heart(found: tuple[Clock, ...]) -> list[object]:
    return [(clock.id, clock.start, clock.due, clock.state) for clock in found]


@given(facts=some_facts(), child=children(), data=st.data())
def test_the_order_of_arrival_never_matters(facts: list[Fact], child: Child, data: st.DataObject) -> None:
    assert clocks(facts, child) == clocks(data.draw(st.permutations(facts)), child)


@given(facts=some_facts(), more=a_fact(UNRELATED))
def test_an_unrelated_fact_never_moves_a_due_time(facts: list[Fact], more: Fact) -> None:
    assert heart(clocks([*facts, more])) == heart(clocks(facts))


@given(facts=some_facts())
def test_a_fact_said_again_changes_nothing(facts: list[Fact]) -> None:
    again = [fact.model_copy(update={"id": f"again-{n}"}) for n, fact in enumerate(facts)]
    assert heart(clocks([*facts, *again])) == heart(clocks(facts))


@given(facts=some_facts(), wrong=a_fact(), right=a_fact())
def test_a_withdrawal_and_a_new_fact_give_what_the_right_facts_would_have(
    facts: list[Fact], wrong: Fact, right: Fact
) -> None:
    wrong, right = wrong.model_copy(update={"id": "wrong"}), right.model_copy(update={"id": "right"})
    withdrawn = Fact(
        id="withdrawn",
        kind=FactKind.WITHDRAWN,
        at=right.at,
        recorded_at=right.at,
        details={"fact": "wrong"},
    )
    assert clocks([*facts, wrong, withdrawn, right]) == clocks([*facts, right])


@given(facts=some_facts(), right=a_fact(), earlier=st.integers(-86400 * 5, 86400 * 5))
def test_a_replacement_gives_what_the_right_fact_would_have(facts: list[Fact], right: Fact, earlier: int) -> None:
    wrong = right.model_copy(update={"id": "wrong", "at": right.at + timedelta(seconds=earlier)})
    replacing = right.model_copy(update={"id": "right", "replaces": "wrong"})
    assert heart(clocks([*facts, wrong, replacing])) == heart(clocks([*facts, replacing]))


@given(facts=some_facts(), child=children())
def test_nothing_is_due_before_its_start(facts: list[Fact], child: Child) -> None:
    for clock in clocks(facts, child):
        assert (clock.start is None) == (clock.due is None)
        if clock.start and clock.due:
            assert clock.due > clock.start


@settings(max_examples=50)
@given(facts=some_facts(), days=st.integers(1, 20))
def test_a_later_start_is_never_due_earlier(facts: list[Fact], days: int) -> None:
    later = [fact.model_copy(update={"at": fact.at + timedelta(days=days)}) for fact in facts]
    moved = {c.id: c.due for c in plan(later, CHILD, pack(), calendar(), AS_OF + timedelta(days=days))}
    for clock in clocks(facts):
        due = moved[clock.id]
        assert clock.due is None or (due is not None and due >= clock.due)
