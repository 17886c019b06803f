"""The weather of a storm: one trouble after another in two rows at once, seeded, each written down as it comes."""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.faults.storm_lives import Life
from tests.faults.storm_troubles import Processes, Trouble


@dataclass
class Weather:
    """Lasts so many seconds, or until it is told to end; then all is mended, and everything runs.

    `rows` come side by side, so that a worker is killed while the database is
    locked. `say` is given each trouble as it begins. Stories begin `pause`
    seconds after one another. It ends by time: on a slow
    machine whoever waits for all to be said would wait for ever.
    """

    seed: int
    processes: Processes
    rows: Sequence[Sequence[Trouble]]
    say: Callable[[str], None]
    lasts: float
    calm: tuple[float, float] = (1.0, 5.0)
    pause: float = 1.0
    came: Counter[str] = field(default_factory=Counter[str])
    broken: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self._over, self._ended = threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=self._row, args=(number, row), daemon=True) for number, row in enumerate(self.rows)
        ]
        self._minder = threading.Thread(target=self._mind, daemon=True)

    def begin(self) -> None:
        """Let it come."""
        timer = threading.Timer(self.lasts, self._over.set)
        timer.daemon = True
        for thread in (*self._threads, self._minder, timer):
            thread.start()

    async def may_begin(self, life: Life) -> None:
        """Wait until a child's story may begin."""
        await asyncio.sleep(life.number * self.pause)

    def end(self) -> None:
        """Have it over: what was going on ends by itself, and everything runs."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._ended.set()
        self._minder.join()
        for name in ("engine", "worker", "service"):
            self.processes.start(name)

    def _mind(self) -> None:
        while not self._ended.wait(1.0):
            self.processes.mind()

    def _row(self, number: int, troubles: Sequence[Trouble]) -> None:
        chance, left = random.Random(f"{self.seed}/row {number}"), list[Trouble]()  # noqa: S311
        while not self._over.wait(chance.uniform(*self.calm)):
            if not left:
                # Each comes as often as every other, in any order.
                left = list(troubles)
                chance.shuffle(left)
            self._let_come(left.pop(), chance)

    def _let_come(self, trouble: Trouble, chance: random.Random) -> None:
        lasts = chance.uniform(trouble.shortest, trouble.longest)
        self.say(f"{trouble.name}, {lasts:.1f} s")
        self.came[trouble.name] += 1
        try:
            trouble.begin()
            try:
                self._over.wait(lasts)
            finally:
                trouble.end()
        except Exception as error:  # noqa: BLE001 - a trouble that cannot be made must not end the others
            self.broken.append(f"{trouble.name}: {error!r}")
