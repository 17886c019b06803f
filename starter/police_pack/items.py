"""The fourteen items from what is known: the report, the facts since, kept records, earlier episodes. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from starter.child_records import RecordShown
from starter.later_answers import later_answers
from starter.reports import TITLES, PoliceQuestions
from workflows.fact_kinds import FactKind
from workflows.facts import Child, Fact, Known
from workflows.instants import in_words
from workflows.vocabulary import status_in_words


class Item(BaseModel):
    """One of the fourteen: what is known, each piece with where it comes from; nothing known is a gap to ask about."""

    model_config = ConfigDict(frozen=True)
    number: int = Field(description="its number among the fourteen")
    title: str = Field(description="what the police ask")
    known: tuple[str, ...] = Field(description="what is known, each piece with where it comes from")
    ask: str | None = Field(description="what to ask for, where nothing is known")


class PolicePack(BaseModel):
    """The whole pack, ready to be printed. All text; times are in London words."""

    model_config = ConfigDict(frozen=True)
    episode_id: str = Field(description="the episode")
    child_reference: str | None = Field(description="the case system's number for the child")
    made: str = Field(description="when it was made, in London words")
    status: str = Field(description="how the episode stands, in words")
    police: str = Field(description="the force and its reference, as far as they are known")
    items: tuple[Item, ...] = Field(description="the fourteen items")
    risk: tuple[str, ...] = Field(description="the risk, as each has graded it")
    notices: tuple[str, ...] = Field(description="what the police must know of the child's circumstances")
    photographs: tuple[str, ...] = Field(description="what photographs there are, and who holds copies")

    @property
    def gaps(self) -> int:
        """How many of the fourteen nobody has answered."""
        return sum(item.ask is not None for item in self.items)


def pack_of(
    *,
    episode_id: str,
    child_reference: str | None,
    answers: PoliceQuestions,
    reported_by: str,
    child: Child,
    known: Known,
    kept: Mapping[str, RecordShown | None],
    earlier: Sequence[Known],
) -> PolicePack:
    """The pack as of `known.as_of` (UTC): the report's answers, then facts, kept records and earlier episodes."""
    philomena = kept.get("philomena")
    additions = dict(_additions(known, known.child(child), earlier))
    items: list[Item] = []
    for number, (name, field) in enumerate(PoliceQuestions.model_fields.items(), start=1):
        pieces = [said] if (said := getattr(answers, name)) else []
        if philomena and (told := philomena.record.body.get(name)) and told not in pieces:
            when = in_words(philomena.record.recorded_at.replace(second=0, microsecond=0))
            pieces.append(f"{told} (kept record of {when})")
        pieces += additions.get(name, [])
        pieces += [f"{told} (added {_when(fact.at)})" for fact, asked, told in later_answers(known) if asked == name]
        ask = None if pieces else f"NOT KNOWN: ask for {field.description}"
        items.append(Item(number=number, title=TITLES[name], known=tuple(pieces), ask=ask))
    reporter = items[12]
    if reporter.ask and reported_by != "not said":
        items[12] = reporter.model_copy(update={"known": (f"{reported_by} (address, telephone, relation not known)",)})
    return PolicePack(
        episode_id=episode_id,
        child_reference=child_reference,
        made=in_words(known.as_of.replace(second=0, microsecond=0)),
        status=status_in_words(known.status()),
        police=_police(known),
        items=tuple(items),
        risk=tuple(_risk(known)),
        notices=tuple(_circumstances(known.child(child))),
        photographs=tuple(_photographs(kept.get("photographs"))),
    )


def _additions(known: Known, child: Child, earlier: Sequence[Known]) -> Iterator[tuple[str, list[str]]]:
    """What the facts say beside the answers, by item."""
    if child.born:
        yield "identity", [f"Born {child.born.isoformat()}"]
    seen = known.all(FactKind.LAST_SEEN)
    yield "missing_from", [_said("Last seen", fact, ("place", "by")) for fact in seen[-1:]]
    left = known.all(FactKind.OBSERVED, moment="leaving")
    yield "description", [_said("On leaving", f, ("clothing", "vehicle", "company")) for f in left]
    contacts = known.all(FactKind.CONTACT_ATTEMPTED)
    yield "contact_made", [_said("Tried", f, ("to", "channel", "answered", "reply")) for f in contacts]
    yield "actions_taken", [_said("Searched", f, ("place", "by")) for f in known.all(FactKind.SEARCHED)]
    times = [since for one in earlier if (since := one.missing_since())]
    if times:
        last = in_words(max(times).replace(second=0, microsecond=0))
        yield "character", [f"Missing before: {len(times)} earlier, the last from {last}"]
    yield "likely_places", list(_found_before(earlier))


def _found_before(earlier: Iterable[Known]) -> Iterator[str]:
    places = (f.details["place"] for one in earlier for f in one.all(FactKind.LOCATED) if "place" in f.details)
    for place in dict.fromkeys(places):
        yield f"Found before at: {place}"


def _said(label: str, fact: Fact, details: Iterable[str]) -> str:
    told = [fact.details[name].replace("_", " ") for name in details if fact.details.get(name)]
    told += [fact.note] if fact.note else []
    return f"{label} {_when(fact.at)}" + (f": {', '.join(told)}" if told else "")


def _when(at: datetime) -> str:
    return in_words(at.replace(second=0, microsecond=0))


def _police(known: Known) -> str:
    reported = known.first(FactKind.REPORTED)
    if reported is None:
        return "Not reported to the police yet"
    about = [reported.details[name] for name in ("force", "police_ref") if name in reported.details]
    return f"Reported {_when(reported.at)}" + (f" ({', '.join(about)})" if about else "")


def _risk(known: Known) -> Iterator[str]:
    for fact in known.all(FactKind.RISK_ASSESSED):
        whose = fact.details.get("view", "not said whose")
        scheme = f", {fact.details['scheme']}" if "scheme" in fact.details else ""
        why = f": {fact.details['reason']}" if "reason" in fact.details else ""
        yield f"{fact.details.get('grade', 'not graded').replace('_', ' ')} ({whose}{scheme}), {_when(fact.at)}{why}"


def _circumstances(child: Child) -> Iterator[str]:
    if child.unaccompanied or child.trafficking_concern:
        yield "To be treated as a possible victim of trafficking. The address is for those who need to know it."
    if child.court_order:
        yield "Subject to a court order: has absconded."
    if child.looked_after:
        yield "Looked after by the authority: not to be named as such in any publicity."


def _photographs(shown: RecordShown | None) -> Iterator[str]:
    if shown is None:
        yield "No photographs are recorded: ask the carer for one of the face and one at full length."
        return
    body = shown.record.body
    for name, words in (("face_on", "Face"), ("full_length_on", "Full length")):
        if name in body:
            yield f"{words}: taken {body[name]}"
    for gap in shown.gaps:
        yield f"Missing or stale: {gap}"
