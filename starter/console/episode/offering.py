"""What the form of a kind offers to choose from, out of the episode that it is about. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from activities.policies import Policies
from activities.store.child_records import EpisodeOfChild
from starter.api.second_person import AUTHORISED_BY
from starter.console.episode.detail_words import ASKED_BY_FORMS
from starter.console.episode.record_form import Offered
from starter.console.episode.shown import EpisodePage
from starter.console.fields import Options
from starter.console.kin_words import absence_in_words
from workflows.fact_kinds import RULINGS, FactKind
from workflows.facts import Fact
from workflows.policy import Pack
from workflows.vocabulary import ROLE_WORDS, ClockKind, ClockState, Role

AGENDA: Final = "planning_agenda"
"""The prompt of a policy that is the agenda of the missing safety meeting."""


def offered_by(
    page: EpisodePage,
    kind: FactKind,
    policies: Policies,
    others: Iterable[EpisodeOfChild] = (),
    *,
    before: Fact | None = None,
    providers: Sequence[str] = (),
) -> Offered:
    """What there is to choose from, for the form of a kind; `before` is the fact that it corrects.

    `providers` are the interview providers who have an account.
    """
    pack = page.shown.pack
    agenda = dict(pack.prompts[AGENDA].items) if pack and AGENDA in pack.prompts else {}
    return Offered(
        options=dict(_options(page, kind, policies, list(others))),
        fixed=_fixed(page, kind, before),
        counts=_counts(kind, pack) if pack else frozenset(),
        asked=_asked(page, kind, before),
        agenda=agenda,
        providers=providers,
    )


def _options(
    page: EpisodePage, kind: FactKind, policies: Policies, others: list[EpisodeOfChild]
) -> Iterator[tuple[str, Options]]:
    if kind in RULINGS:
        yield "clock", [(one.id, one.title) for one in page.clocks if may_be_ruled(one.kind, one.state, kind)]
        yield AUTHORISED_BY, _others_than(page)
    if kind is FactKind.RECORDED_IN_ERROR and page.took_over:
        yield AUTHORISED_BY, _others_than(page)
    if kind is FactKind.ACKNOWLEDGED:
        yield from _unanswered(page)
    if kind is FactKind.ACTION_DONE:
        agreed = page.known.all(FactKind.ACTION_AGREED)
        yield "action", [(one.id, f"{one.details['do']} ({one.details['owner']})") for one in agreed]
    if kind is FactKind.REPEAT_REACHED and page.shown.pack:
        yield "rule", [(name, rule.title) for name, rule in page.shown.pack.repeats.items()]
    if kind is FactKind.RHI_DELAYED:
        yield "episode", [(one.id, absence_in_words(one)) for one in others]
    if kind is FactKind.POLICY_CHANGED:
        there = sorted({(name, version) for _, name, version, _ in policies.fingerprints() if name in policies.names()})
        yield "policy", [(name, policies.pack(name).title) for name in policies.names()]
        yield "version", [(one, one) for one in dict.fromkeys(version for _, version in there)]


def _others_than(page: EpisodePage) -> Options:
    """Everybody of the directory but whoever asks, by name; those of one name with their references."""
    others = {one: name for one, name in page.names.items() if one != page.principal.person}
    alike = {name for name, times in Counter(others.values()).items() if times > 1}
    named = [(one, f"{name} ({one})" if name in alike else name) for one, name in others.items()]
    return sorted(named, key=lambda one: one[1].casefold())


def may_be_ruled(kind: ClockKind, state: ClockState, ruling: FactKind) -> bool:
    """Whether a clock of a kind can be ruled on so: what happens by itself is neither done by hand nor extended."""
    if state is ClockState.NOT_STARTED:
        return ruling is FactKind.CLOCK_VOIDED
    return kind is not ClockKind.FIRE_AT or ruling in (FactKind.CLOCK_SUPPRESSED, FactKind.CLOCK_VOIDED)


def _unanswered(page: EpisodePage) -> Iterator[tuple[str, Options]]:
    notices = page.shown.view.notices if page.shown.view else []
    open_ones = [one for one in notices if one["needs_ack"] and one["acknowledged_at"] is None]
    titles = {clock.id: clock.title for clock in page.clocks}
    clocks = dict.fromkeys(one["clock"] for one in open_ones if one["clock"] in titles)
    yield "clock", [(clock, titles[clock]) for clock in clocks]
    roles = dict.fromkeys(Role(one["role"]) for one in open_ones)
    yield "role", [(role.value, ROLE_WORDS[role].capitalize()) for role in roles]


def _fixed(page: EpisodePage, kind: FactKind, before: Fact | None) -> dict[str, str]:
    if kind is FactKind.ACKNOWLEDGED:
        return {"by": page.principal.person or ""}
    if kind is FactKind.RHI_COMPLETED:
        return {"interview": before.details.get("interview", "") if before else ""}
    return {}


def _asked(page: EpisodePage, kind: FactKind, before: Fact | None) -> frozenset[str]:
    """Whoever corrects what came without a detail need not know it."""
    if kind is FactKind.RECORDED_IN_ERROR and page.took_over:
        return frozenset({AUTHORISED_BY})
    asked = ASKED_BY_FORMS.get(kind, frozenset())
    return asked & before.details.keys() if before else asked


def _counts(kind: FactKind, pack: Pack) -> frozenset[str]:
    """Details that the policy asks for, where a kind with certain other details is to settle what is owed."""
    ways = (way for rule in pack.clocks.values() for way in (*rule.met_by, *rule.waived_by))
    return frozenset(name for way in ways if way.fact is kind and way.where for name in way.requires)
