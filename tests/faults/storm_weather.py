"""The weather of a storm: one trouble after another in two rows at once, seeded, each written down as it comes."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.faults.storm_troubles import Processes, Trouble


@dataclass
class Weather:
    """Goes on until told to stop; then all is mended, and everything runs.

    `rows` come side by side, so that a worker is killed while the database is
    locked. `say` is given each trouble as it begins.
    """

    seed: int
    processes: Processes
    rows: Sequence[Sequence[Trouble]]
    say: Callable[[str], None]
    calm: tuple[float, float] = (1.0, 5.0)
    came: Counter[str] = field(default_factory=Counter[str])
    broken: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._minding = threading.Lock()
        self._threads = [
            threading.Thread(target=self._row, args=(number, row), daemon=True) for number, row in enumerate(self.rows)
        ]

    def begin(self) -> None:
        """Let it come."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Have it over: what was going on ends by itself, and everything runs."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        for name in ("engine", "worker", "service"):
            self.processes.start(name)

    def _row(self, number: int, troubles: Sequence[Trouble]) -> None:
        chance, left = random.Random(f"{self.seed}/row {number}"), list[Trouble]()  # noqa: S311
        while not self._over.wait(chance.uniform(*self.calm)):
            if not left:
                # Each comes as often as every other, in any order.
                left = list(troubles)
                chance.shuffle(left)
            self._let_come(left.pop(), chance)
            with self._minding:
                self.processes.mind()

    def _let_come(self, trouble: Trouble, chance: random.Random) -> None:
        lasts = chance.uniform(trouble.shortest, trouble.longest)
        self.say(f"{trouble.name}, {lasts:.1f} s")
        self.came[trouble.name] += 1
        try:
            trouble.begin()
            try:
                time.sleep(lasts)
            finally:
                trouble.end()
        except Exception as error:  # noqa: BLE001 - a trouble that cannot be made must not end the others
            self.broken.append(f"{trouble.name}: {error!r}")
