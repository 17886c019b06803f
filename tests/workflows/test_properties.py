"""Laws of the clocks, tried on facts that nobody thought of."""

from datetime import date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workflows.builders import CHILD, calendar, pack, policies
from workflows.clocks import Clock, plan
from workflows.fact_kinds import ABOUT_TASKS, FACTS, Detail, FactKind
from workflows.facts import Child, Fact, fact_from_outside
from workflows.instants import parse_instant, to_rfc3339
from workflows.vocabulary import ClockState, Setting

EPOCH = parse_instant("2026-03-20T00:00:00Z")
AS_OF = EPOCH + timedelta(days=60)
PACKS = ("england", "practice-guidance", "west-yorkshire", "homeward")
KINDS = [kind for kind in FactKind if kind is not FactKind.WITHDRAWN]
# A birthday stands where it stands, whatever the facts: the laws of moving facts are tried without it.
LEFT_OUT = ("born",)
UNMENTIONED = [
    FactKind.SEARCHED,
    FactKind.INFORMATION_ADDED,
    FactKind.FEEDBACK_GIVEN,
    FactKind.ADVISED_TO_REPORT,
    FactKind.CHALLENGE_STEP,
    FactKind.CONSENT_RECORDED,
    FactKind.RHI_ACCEPTED,
    *ABOUT_TASKS,
]


def a_detail(name: str, detail: Detail, at: datetime) -> st.SearchStrategy[str]:
    if detail.choices:
        return st.sampled_from(detail.choices)
    if detail.form == "instant":
        return st.integers(1, 20 * 86400).map(lambda after: to_rfc3339(at + timedelta(seconds=after)))
    if name == "clock":
        return st.sampled_from(sorted(pack().clocks))
    if name == "rule":
        return st.sampled_from(sorted(pack().repeats))
    return st.sampled_from(["A. Invented", "B. Madeup"])


@st.composite
def a_fact(draw: st.DrawFn, kinds: list[FactKind] = KINDS) -> Fact:
    """A fact of any kind, saying all that it must and some of what it may."""
    kind = draw(st.sampled_from(kinds))
    at = EPOCH + timedelta(seconds=draw(st.integers(0, 50 * 86400)))
    details = {
        name: draw(a_detail(name, detail, at))
        for name, detail in FACTS[kind].details.items()
        if name not in LEFT_OUT and (detail.required or draw(st.booleans()))
    }
    number = draw(st.integers(0, 10**12))
    said = {"kind": kind.value, "at": to_rfc3339(at), "note": "invented", **details}
    return fact_from_outside(said, id=f"fact-{number}")


def some_facts() -> st.SearchStrategy[list[Fact]]:
    return st.lists(a_fact(), max_size=14, unique_by=lambda fact: fact.id)


def children() -> st.SearchStrategy[Child]:
    flag = st.sampled_from([True, False, None])
    setting = st.sampled_from([None, *Setting])
    return st.builds(
        Child,
        born=st.sampled_from([None, date(2011, 5, 14), date(2008, 4, 10)]),
        allocated=flag,
        looked_after=flag,
        out_of_area=flag,
        open_case=flag,
        unaccompanied=flag,
        new_to_area=flag,
        setting=setting,
    )


def clocks(facts: list[Fact], child: Child = CHILD, name: str = "homeward") -> tuple[Clock, ...]:
    return plan(facts, child, policies().pack(name), calendar(), AS_OF)


def heart(found: tuple[Clock, ...]) -> list[object]:
    return [(clock.id, clock.start, clock.due, clock.state) for clock in found]


@given(facts=some_facts(), child=children(), name=st.sampled_from(PACKS), data=st.data())
def test_the_order_of_arrival_never_matters(facts: list[Fact], child: Child, name: str, data: st.DataObject) -> None:
    assert clocks(facts, child, name) == clocks(data.draw(st.permutations(facts)), child, name)


@given(facts=some_facts(), more=a_fact(UNMENTIONED), name=st.sampled_from(PACKS))
def test_an_unrelated_fact_never_moves_a_due_time(facts: list[Fact], more: Fact, name: str) -> None:
    first = min((fact.at for fact in facts), default=more.at)
    more = more.model_copy(update={"id": "more", "at": max(more.at, first)})
    assert heart(clocks([*facts, more], name=name)) == heart(clocks(facts, name=name))


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


@given(facts=some_facts(), child=children(), name=st.sampled_from(PACKS))
def test_nothing_is_due_before_its_start(facts: list[Fact], child: Child, name: str) -> None:
    for clock in clocks(facts, child, name):
        assert (clock.start is None) == (clock.due is None)
        if clock.start and clock.due:
            at_once = policies().pack(name).clocks[clock.id].due.at_once
            assert clock.due == clock.start if at_once else clock.due > clock.start
        assert clock.first_due is None or clock.due is None or clock.due > clock.first_due


@given(facts=some_facts(), child=children(), name=st.sampled_from(PACKS))
def test_every_clock_explains_itself_and_every_settled_one_names_its_fact(
    facts: list[Fact], child: Child, name: str
) -> None:
    ids = {fact.id for fact in facts}
    for clock in clocks(facts, child, name):
        assert clock.because.endswith(".")
        assert clock.settled_by is None or clock.settled_by in ids
        assert (clock.state is ClockState.NOT_STARTED) == (clock.start is None)


@given(facts=some_facts(), child=children())
def test_whatever_extends_the_floor_is_owed_no_later_than_the_floor_asks(facts: list[Fact], child: Child) -> None:
    floor = {clock.id: clock for clock in clocks(facts, child, "england")}
    for name in PACKS[1:]:
        mine = {clock.id: clock for clock in clocks(facts, child, name)}
        for clock_id, asked in floor.items():
            due = mine[clock_id].first_due or mine[clock_id].due
            wanted = asked.first_due or asked.due
            assert wanted is None or (due is not None and due <= wanted), clock_id


@settings(max_examples=50)
@given(facts=some_facts(), days=st.integers(1, 20))
def test_a_later_start_is_never_due_earlier(facts: list[Fact], days: int) -> None:
    later = [_moved(fact, timedelta(days=days)) for fact in facts]
    moved = {c.id: c.due for c in plan(later, CHILD, pack(), calendar(), AS_OF + timedelta(days=days))}
    for clock in clocks(facts):
        due = moved[clock.id]
        assert clock.due is None or (due is not None and due >= clock.due)


def _moved(fact: Fact, by: timedelta) -> Fact:
    instants = [name for name, detail in FACTS[fact.kind].details.items() if detail.form == "instant"]
    moved = {n: to_rfc3339(parse_instant(v) + by) for n, v in fact.details.items() if n in instants}
    return fact.model_copy(update={"at": fact.at + by, "details": {**fact.details, **moved}})
