"""What is said of each invented child of a storm: how the report comes in, and which facts follow, in which order.

Everything comes of a seed. Time is compressed by when things are said to have
happened: most facts lie so long ago that a rung of a clock which they start
comes within the minutes of the storm. The packs' own durations stand.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal

WayIn = Literal["api", "csv", "home_form", "command"]
How = Literal["once", "twice_at_once", "twice_later", "by_command"]

HOURS_TO_RUNGS: Final = {
    # leadership_alert, iro_notice, parent_notice, service_manager_notice, network_told, media_strategy; long_term
    "reported": (20, 24, 26, 600, 672),
    # absence_review
    "noticed": (2, 3),
    # rhi_offer, rhi, visit, prevention_check
    "returned": (20, 24, 48, 72, 96),
    # harm_referral, police_challenge, activity_force_told
    "harm_feared": (4,),
    "response_challenged": (1, 2),
    "lost_on_activity": (1, 4),
}
"""How long after a fact rungs come that its clocks have, in hours of the default policy."""

SETTINGS: Final = ("foster", "children_home", "placed_with_parents", "family_home", "semi_independent")
TOLD: Final = ("iro", "parent", "service_manager", "network")
BEYOND_SKEW: Final = (timedelta(minutes=6), timedelta(minutes=90), timedelta(days=400))


@dataclass(frozen=True)
class Saying:
    """One fact as a caller will say it, `after` so many seconds of the child's story.

    `at` is when it happened, from the story's beginning; with `by_their_clock`
    it is from the moment of saying, as by a clock that runs ahead or behind.
    `about` names the earlier saying that it replaces or withdraws, by its place.
    `impossible`: it must be refused, sooner or later, whoever is asked.
    """

    kind: str
    at: timedelta
    after: float
    details: dict[str, str] = field(default_factory=dict[str, str])
    how: How = "once"
    by_their_clock: bool = False
    about: int | None = None
    impossible: bool = False


@dataclass(frozen=True)
class Life:
    """One child's story, from the report on. `times` are the report's, from the story's beginning."""

    number: int
    way_in: WayIn
    policy: str
    child: dict[str, Any]
    times: dict[str, timedelta]
    sayings: tuple[Saying, ...]
    reported_twice: bool

    @property
    def reference(self) -> str:
        """What the case system calls the invented child."""
        return f"STORM-{self.number}"


@dataclass(frozen=True)
class Scale:
    """How many stories, within how many seconds their rungs come, how many are told by commands, which take long."""

    episodes: int
    reach: int
    commands: float


def lives(seed: int, scale: Scale) -> list[Life]:
    """The stories of a storm: the same for the same seed and scale."""
    return [_life(random.Random(f"{seed}/{number}"), number, scale) for number in range(scale.episodes)]  # noqa: S311


def _life(chance: random.Random, number: int, scale: Scale) -> Life:
    kinds: list[WayIn] = ["api", "csv", "home_form", "command"]
    [way_in] = chance.choices(kinds, (0.86 - scale.commands, 0.07, 0.07, scale.commands))
    child = {
        "born": "2011-05-14",
        "allocated": chance.random() < 0.8,
        "looked_after": chance.random() < 0.7,
        "out_of_area": chance.random() < 0.3,
        "setting": chance.choice(SETTINGS),
    }
    times = _times(chance, scale.reach, way_in)
    policy = "storm" if way_in in ("api", "command") and chance.random() < 0.12 else "homeward"
    return Life(
        number=number,
        way_in=way_in,
        policy=policy,
        child=child,
        times=times,
        sayings=tuple(_told_in(chance, scale, _sayings(chance, times, scale.reach))),
        reported_twice=chance.random() < 0.15,
    )


def _ago(chance: random.Random, hours: int, reach: int) -> timedelta:
    return -timedelta(hours=hours) + timedelta(seconds=chance.randint(5, reach))


def _times(chance: random.Random, reach: int, way_in: WayIn) -> dict[str, timedelta]:
    if way_in != "csv" and chance.random() < 0.15:
        # Noticed and not yet reported: that the police were told is said later.
        return {"noticed": _ago(chance, chance.choice(HOURS_TO_RUNGS["noticed"]), reach)}
    reported = _ago(chance, chance.choice(HOURS_TO_RUNGS["reported"]), reach)
    if way_in == "csv":
        # A row of the export tells of one time, which stands for both.
        return {"last_seen": reported, "reported": reported}
    seen = chance.choice((None, timedelta(0), timedelta(minutes=40)))
    return {"reported": reported} | ({} if seen is None else {"last_seen": reported - seen})


def _sayings(chance: random.Random, times: dict[str, timedelta], reach: int) -> list[Saying]:
    said: list[Saying] = []
    gone = min(times.values())
    if "reported" not in times:
        said.append(Saying("reported", gone + timedelta(minutes=10), chance.uniform(1, reach / 3)))
    for kind in ("harm_feared", "response_challenged", "lost_on_activity"):
        fits = [hours for hours in HOURS_TO_RUNGS[kind] if timedelta(hours=-hours) > gone + timedelta(minutes=5)]
        if fits and chance.random() < 0.25:
            said.append(Saying(kind, _ago(chance, chance.choice(fits), reach), chance.uniform(0, reach / 4)))
    if chance.random() < 0.5:
        details = {"role": chance.choice(TOLD)}
        said.append(Saying("told", -timedelta(minutes=chance.randint(1, 50)), chance.uniform(0, reach), details))
    if chance.random() < 0.3:
        details = {"clock": "leadership_alert", "role": "senior_leader"}
        said.append(Saying("acknowledged", timedelta(0), chance.uniform(0, reach), details, by_their_clock=True))
    said += _by_wrong_clocks(chance, reach)
    if "last_seen" in times and chance.random() < 0.2:
        before = times["last_seen"] - timedelta(hours=1)
        said.append(Saying("located", before, chance.uniform(0, reach), impossible=True))
    if chance.random() < 0.75:
        said = _with_a_return(chance, gone, reach, said)
    return said


def _by_wrong_clocks(chance: random.Random, reach: int) -> Iterator[Saying]:
    ahead = timedelta(seconds=chance.randint(5, min(reach, 240)))
    when = chance.uniform(0, reach / 2)
    if chance.random() < 0.3:
        details = {"role": chance.choice(TOLD)}
        yield Saying("told", ahead, when, details, by_their_clock=True)
    if chance.random() < 0.2:
        yield Saying("searched", -timedelta(minutes=chance.randint(2, 9)), when, by_their_clock=True)
    if chance.random() < 0.3:
        yield Saying("searched", chance.choice(BEYOND_SKEW), when, by_their_clock=True, impossible=True)


def _with_a_return(chance: random.Random, gone: timedelta, reach: int, before: Sequence[Saying]) -> list[Saying]:
    """The child comes back: said in any order, put right or withdrawn, offered an interview that may be held."""
    said = list(before)
    fits = [hours for hours in HOURS_TO_RUNGS["returned"] if timedelta(hours=-hours - 1) > gone]
    back = _ago(chance, chance.choice(fits), reach) if fits else -timedelta(minutes=1)
    at = chance.uniform(0, reach / 2)
    first, then = Saying("returned", back, at), Saying("located", back - timedelta(seconds=30), at + 0.1)
    if chance.random() < 0.5:
        first, then = then, first
    said += [first, then]
    returned = said.index(first if first.kind == "returned" else then)
    if chance.random() < 0.6:
        said.append(Saying("rhi_offered", back + timedelta(seconds=20), chance.uniform(at, reach)))
    if chance.random() < 0.3:
        said.append(Saying("rhi_completed", back + timedelta(seconds=40), chance.uniform(at, reach), {"alone": "yes"}))
    if chance.random() < 0.3:
        said.append(Saying("returned", back + timedelta(seconds=10), at + chance.uniform(0.2, 20), about=returned))
    elif chance.random() < 0.2:
        details = {"reason": "another child"}
        said.append(Saying("withdrawn", timedelta(0), at + chance.uniform(0.2, 20), details, about=returned))
        said.append(Saying("returned", back + timedelta(seconds=12), at + chance.uniform(20, 40)))
    return said


def _told_in(chance: random.Random, scale: Scale, said: Sequence[Saying]) -> Iterator[Saying]:
    """How each is said: once, twice in the same moment, again later, or by a command."""
    hows: list[How] = ["once", "twice_at_once", "twice_later", "by_command"]
    for one in said:
        [how] = chance.choices(hows, (0.7 - scale.commands, 0.15, 0.15, scale.commands))
        yield Saying(one.kind, one.at, one.after, one.details, how, one.by_their_clock, one.about, one.impossible)
