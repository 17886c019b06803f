"""What is owed as somebody may see it, and who holds it: whoever took its task, else those whom its role means now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from activities.policies import Policies, UnknownPolicyError
from activities.store.board import OpenEpisode, names_of_people, owed_in
from activities.store.directory import directories_for
from starter.console.kin_words import others_in_duties, said_of_others
from starter.console.reading import Reader
from starter.kin_sight import owed_for
from workflows.directory import Cover, Directory
from workflows.owed import Owed
from workflows.policy_rules import ClockRule
from workflows.vocabulary import Role


async def read_owed(reader: Reader, episode_ids: Sequence[str]) -> dict[str, list[Owed]]:
    """What is owed in episodes that whoever reads may see whole, in words for people, the earliest due first."""
    return await _as_seen(reader, await owed_in(reader.session, reader.authority, episode_ids))


async def as_seen(reader: Reader, owed: Sequence[Owed]) -> list[Owed]:
    """What is owed by some time as whoever reads may see it, in words for people, the earliest due first."""
    of_episode: dict[str, list[Owed]] = {}
    for one in owed:
        of_episode.setdefault(one.episode_id, []).append(one)
    seen = [one for those in (await _as_seen(reader, of_episode)).values() for one in those]
    return sorted(seen, key=lambda one: (one.due or reader.now, one.episode_id, one.title))


async def _as_seen(reader: Reader, everything: Mapping[str, Sequence[Owed]]) -> dict[str, list[Owed]]:
    owed = await owed_for(reader.session, reader.principal, everything, reader.now)
    tasks = [one.task for those in owed.values() for one in those if one.task]
    others = await others_in_duties(reader.session, reader.authority, tasks)
    return {id: [replace(one, title=said_of_others(one.title, others)) for one in those] for id, those in owed.items()}


@dataclass(frozen=True)
class Holder:
    """Who holds a step. `taken_by` has taken its task; else `people` are those whom its role means now, and as what.

    `unheld`: nobody holds the role, or is on call for it; then `people` only stand in.
    """

    role: Role | None = None
    taken_by: str | None = None
    people: tuple[str, ...] = ()
    cover: Cover = "holder"
    unheld: bool = False


NOBODYS = Holder()
"""The holder of what happens by itself."""


def holder_of(role: Role, directory: Directory, now: datetime) -> Holder:
    """Whom a role means at `now` (UTC), and as what; nobody has taken anything."""
    told = directory.recipients(role, now, urgent=True)
    names = {person.id: person.name for person in directory.people}
    return Holder(
        role=role,
        people=tuple(names[one.person] for one in told),
        cover=told[0].cover if told else "holder",
        unheld=bool(directory.unheld((role,), now)),
    )


def who_holds(
    owed: Owed, rule: ClockRule | None, directory: Directory, names: Mapping[str, str], now: datetime
) -> Holder:
    """Who holds something that is owed, at `now` (UTC); `rule` is its clock's, `names` people's by their references."""
    role = owed.role or (role_asked_first(rule) if rule else None)
    if owed.holder:
        return Holder(role=role, taken_by=names.get(owed.holder, owed.holder))
    if role is None or owed.by_itself:
        return NOBODYS
    return holder_of(role, directory, now)


def role_asked_first(rule: ClockRule) -> Role | None:
    """The role that owes what a clock asks for while it has no task: its task's to be, else the first that is told."""
    if rule.task:
        return rule.task.role
    return rule.ladder[0].role if rule.ladder else None


class Holders:
    """Who holds what in some episodes, asked of the store once for all of them."""

    def __init__(
        self,
        directories: Mapping[str | None, Directory],
        names: Mapping[str, str],
        policies: Policies,
        now: datetime,
    ) -> None:
        self._directories = directories
        self._names = names
        self._policies = policies
        self._now = now

    @classmethod
    async def read(
        cls,
        reader: Reader,
        episodes: Iterable[OpenEpisode],
        owed: Iterable[Owed],
        *,
        known: "Holders | None" = None,
    ) -> "Holders":
        """Read what is needed to say who holds what is owed in these episodes, but for the children that are known."""
        directories = dict(known._directories) if known else {}
        children = {one.child_id for one in episodes} - set(directories)
        if children:
            directories |= await directories_for(reader.session, reader.authority, children, reader.now)
        takers = sorted({one.holder for one in owed if one.holder})
        names = await names_of_people(reader.session, reader.authority, takers)
        return cls(directories, names, reader.policies, reader.now)

    def of(self, episode: OpenEpisode, owed: Owed) -> Holder:
        """Who holds something that is owed in an episode."""
        rule = self._rule_of(episode, owed)
        return who_holds(owed, rule, self._directories[episode.child_id], self._names, self._now)

    def _rule_of(self, episode: OpenEpisode, owed: Owed) -> ClockRule | None:
        try:
            return self._policies.pack(episode.policy, episode.policy_version).clocks.get(owed.clock or "")
        except UnknownPolicyError:
            return None
