"""A run that compares rows with workflows: a first look at everything, and looks at what is suspect.

What it costs when all is well: one call of the engine for each thousand running
episodes, and one for each schedule; one more for each thousand postboxes or
messages, only while something waits to go out; and two calls for each episode
of the share that is looked at whole. With 5,000 open episodes, runs every
quarter of an hour, and every episode looked at whole within 20 hours, that is
five calls and 63 episodes, so about 133 calls a run; a lived episode is asked
once a day. In the store it is a handful of statements, and about ten for each
episode that is looked at whole. What looks apart costs two calls at each of two
further looks, and one or two for its mending.
"""

import asyncio
import logging
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from activities.reconcile.episodes import EpisodeSeen, look_at_episode, mend_episode
from activities.reconcile.parts import Done, Parts
from activities.reconcile.things import THINGS
from activities.store import agreement, disagreements
from activities.store.agreement import AllRows
from activities.store.disagreements import Reconciled
from workflows import names
from workflows.agreement import OF_EPISODES, Disagreement
from workflows.reconcile_contracts import LookAsked, Looked, RunDone, SurveyAsked, Surveyed, Suspect

MOST_SUSPECTS: Final = 2000
"""How many suspects one run takes on: the others are those of the next."""

_LOOKS_AT_ONCE: Final = 8
_SEEN_WITHOUT_ANSWER: Final = (
    Disagreement.EPISODE_LOST,
    Disagreement.EPISODE_ENDED_UNFINISHED,
    Disagreement.REPORT_NOT_APPLIED,
)
"""The kinds that can be told without a worker's answer."""

log = logging.getLogger("homeward.reconcile")


@dataclass(frozen=True)
class Reported:
    """One thing found at a look, for the person who asked for it; `done` is None when nothing was to be done yet."""

    kind: Disagreement
    subject: str
    done: Done | None


class Reconciler:
    """Compares and mends, for any authority, with its parts. One run after another may be killed anywhere."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def survey(self, asked: SurveyAsked) -> Surveyed:
        """Look at everything in bulk, and at a share of the open episodes whole."""
        calls = self._parts.engine.calls
        if asked.episode is not None:
            surveyed = Surveyed(suspects=(Suspect(subject=asked.episode),), compared=1)
        else:
            surveyed = await self._survey_all(asked.authority)
        return surveyed.model_copy(update={"calls": self._parts.engine.calls - calls})

    async def _survey_all(self, authority: str) -> Surveyed:
        parts, now = self._parts, self._parts.now()
        async with parts.store.snapshot() as session:
            rows = await agreement.all_rows(session, authority, now - parts.timing.grace)
            known = await disagreements.open_disagreements(session, authority)
        suspects = await self._apart(authority, rows) | rows.doubtful
        suspects |= {one.subject for one in known if one.kind in OF_EPISODES}
        share = [one for one in await self._share(authority, rows.open) if one not in suspects]
        seen = await self._look_at_all(authority, share)
        suspects |= {one.episode_id for one in seen if one.found and not one.in_flight}
        things = {(one.kind, one.subject) for one in known if one.kind in THINGS}
        for kind, thing in THINGS.items():
            things |= {(kind, subject) for subject in await thing.find(parts, authority)}
        chosen = [Suspect(subject=one) for one in sorted(suspects)]
        chosen += [Suspect(subject=subject, kind=kind) for kind, subject in sorted(things)]
        return Surveyed(
            suspects=tuple(chosen[:MOST_SUSPECTS]),
            open_episodes=len(rows.open),
            compared=len(share),
            checked_to=share[-1] if share else "",
            left_over=max(len(chosen) - MOST_SUSPECTS, 0),
        )

    async def _apart(self, authority: str, rows: AllRows) -> set[str]:
        """The episodes that run and are not open in the rows, and the reverse."""
        parts, before = self._parts, self._parts.now() - self._parts.timing.grace
        listed = await parts.engine.running(names.EPISODE_WORKFLOW)
        running = {names.episode_id_of(one): began_at for one, began_at in listed.items()}
        others = running.keys() - set(rows.open)
        async with parts.store.snapshot() as session:
            there = await agreement.rows_among(session, others)
        closed = {one for one, (whose, is_closed) in there.items() if whose == authority and is_closed}
        unknown = {one for one in others - there.keys() if running[one] < before}
        return set(rows.quiet - running.keys()) | closed | unknown

    async def _share(self, authority: str, open_now: tuple[str, ...]) -> list[str]:
        """The episodes whose turn it is to be looked at whole: more of them the longer the last run is ago."""
        timing = self._parts.timing
        async with self._parts.store.snapshot() as session:
            last = await disagreements.last_run(session, authority)
        passed = self._parts.now() - last.ended_at if last else timing.every
        share = math.ceil(len(open_now) * min(max(passed, timing.every) / timing.whole_within, 1))
        after = [one for one in open_now if last is None or one > last.checked_to]
        return [*after, *(one for one in open_now if one not in set(after))][:share]

    async def _look_at_all(self, authority: str, episodes: Collection[str]) -> list[EpisodeSeen]:
        few = asyncio.Semaphore(_LOOKS_AT_ONCE)

        async def look(episode_id: str) -> EpisodeSeen:
            async with few:
                return await look_at_episode(self._parts, authority, episode_id)

        return await asyncio.gather(*(look(one) for one in episodes))

    async def look(self, asked: LookAsked, reports: list[Reported] | None = None) -> Looked:
        """Look at suspects again; with `mends`, write down what is apart still, and mend or report it.

        What was apart before and agrees now is closed. `reports` is given what was found.
        """
        calls, looked = self._parts.engine.calls, Looked()
        found = reports if reports is not None else []
        for seen in await self._look_at_all(asked.authority, [s.subject for s in asked.suspects if s.kind is None]):
            looked = looked.plus(await self._settle(seen, found, mends=asked.mends))
        for kind in sorted({suspect.kind for suspect in asked.suspects if suspect.kind}):
            subjects = [suspect.subject for suspect in asked.suspects if suspect.kind is kind]
            looked = looked.plus(await self._settle_things(asked.authority, kind, subjects, found, mends=asked.mends))
        return looked.plus(Looked(calls=self._parts.engine.calls - calls))

    async def begin_anew(self, authority: str, episode_id: str) -> str:
        """Begin an episode again whose workflow was ended a moment ago; what was done, in words that name nobody."""
        at_once = replace(self._parts, timing=replace(self._parts.timing, grace=timedelta(0)))
        done = await mend_episode(at_once, await look_at_episode(at_once, authority, episode_id))
        return "; ".join(sorted({one.how for one in done.values()}))

    async def would_find(self, asked: LookAsked) -> tuple[list[Reported], Looked]:
        """What another look finds apart, and in numbers, with nothing mended and nothing written down."""
        calls, authority = self._parts.engine.calls, asked.authority
        seen = await self._look_at_all(authority, [s.subject for s in asked.suspects if s.kind is None])
        ours = [one for one in seen if not one.not_ours]
        found = [Reported(kind, one.episode_id, None) for one in ours if not one.in_flight for kind in one.found]
        for kind in sorted({suspect.kind for suspect in asked.suspects if suspect.kind}):
            apart = await THINGS[kind].find(self._parts, authority)
            found += [Reported(kind, subject, None) for subject in sorted(apart)]
        looked = Looked(
            found=len(found),
            in_flight=sum(one.in_flight for one in ours),
            unanswered=sum(one.unanswered for one in ours),
            calls=self._parts.engine.calls - calls,
        )
        return found, looked

    async def _settle(self, seen: EpisodeSeen, reports: list[Reported], *, mends: bool) -> Looked:
        if seen.not_ours:
            return Looked()
        if mends and seen.in_flight:
            return Looked(in_flight=1)
        among = _SEEN_WITHOUT_ANSWER if seen.unanswered else OF_EPISODES
        agreed = await self._note_agreed(seen.authority, seen.episode_id, set(among) - set(seen.found))
        looked = Looked(agreed=agreed, unanswered=int(seen.unanswered))
        if not mends or not seen.found:
            return looked.plus(Looked(found=len(seen.found)))
        ids = await self._note_found(seen.authority, seen.found, seen.episode_id)
        done = await mend_episode(self._parts, seen)
        for kind, what in done.items():
            await self._note_tried(ids[kind], what)
        reports += [Reported(kind, seen.episode_id, done.get(kind)) for kind in seen.found]
        return looked.plus(Looked(found=len(seen.found), tried=sum(what.tried for what in done.values())))

    async def _settle_things(
        self, authority: str, kind: Disagreement, subjects: list[str], reports: list[Reported], *, mends: bool
    ) -> Looked:
        apart, looked = await THINGS[kind].find(self._parts, authority), Looked()
        for subject in subjects:
            if subject not in apart:
                looked = looked.plus(Looked(agreed=await self._note_agreed(authority, subject, (kind,))))
                continue
            looked = looked.plus(Looked(found=1))
            if mends:
                ids = await self._note_found(authority, (kind,), subject)
                done = await THINGS[kind].mend(self._parts, authority, apart[subject])
                await self._note_tried(ids[kind], done)
                reports.append(Reported(kind, subject, done))
                looked = looked.plus(Looked(tried=int(done.tried)))
        return looked

    async def _note_found(self, authority: str, kinds: Iterable[Disagreement], subject: str) -> dict[Disagreement, str]:
        now = self._parts.now()
        async with self._parts.store.session() as session:
            return {kind: await disagreements.note_found(session, authority, kind, subject, now) for kind in kinds}

    async def _note_tried(self, found: str, done: Done) -> None:
        async with self._parts.store.session() as session:
            await disagreements.note_tried(session, found, done.how, tried=done.tried)

    async def _note_agreed(self, authority: str, subject: str, kinds: Iterable[Disagreement]) -> int:
        async with self._parts.store.session() as session:
            return await disagreements.note_agreed(session, authority, subject, kinds, self._parts.now())

    async def note_done(self, done: RunDone) -> None:
        """Write down that a run has ended, and say so in one line."""
        now, looked = self._parts.now(), done.looked
        async with self._parts.store.session() as session:
            # A run that looked at no episode whole, since none is open, leaves the round where it was.
            last = await disagreements.last_run(session, done.authority)
            await disagreements.note_run(
                session,
                Reconciled(
                    authority=done.authority,
                    began_at=done.began_at,
                    ended_at=now,
                    checked_to=done.checked_to or (last.checked_to if last else ""),
                    open_episodes=done.open_episodes,
                    compared=done.compared,
                    found=looked.found,
                ),
            )
            still_open = await disagreements.count_open(session, done.authority)
        log.info(
            "reconciled: %d open episodes, %d compared whole, %d found apart, %d tried, %d agree again, %d in flight, "
            "%d unanswered, %d left over, %d open now, %d calls of the engine",
            *(done.open_episodes, done.compared, looked.found, looked.tried, looked.agreed, looked.in_flight),
            *(looked.unanswered, done.left_over, still_open, looked.calls),
        )
