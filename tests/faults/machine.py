"""One machine's embedded stack for a test: its own folder and ports, its parts started and killed by hand."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from activities.store import Store
from activities.store.episodes import episode_view
from starter.local import STOP_PATIENCE_SECONDS, engine_command, listens, service_command, worker_command
from starter.settings import Settings

HOMEWARD = Path(sys.executable).parent / "homeward"
PATIENCE_SECONDS = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(
    true: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS, pause_seconds: float = 0.1
) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up, f"waited {seconds} s in vain: {what}"
        time.sleep(pause_seconds)


class Machine:
    """The engine and worker as processes, and the command line as a person uses it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HOMEWARD_")},
            "HOMEWARD_DATA_DIR": str(folder),
            "HOMEWARD_ENGINE_PORT": str(free_port()),
            "HOMEWARD_ENGINE_UI_PORT": str(free_port()),
            "HOMEWARD_HTTP_PORT": str(free_port()),
            "HOMEWARD_ENGINE_PATIENCE_SECONDS": "5",
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def settings(self) -> Settings:
        return Settings(
            data_dir=self.folder,
            engine_port=int(self.environment["HOMEWARD_ENGINE_PORT"]),
            engine_ui_port=int(self.environment["HOMEWARD_ENGINE_UI_PORT"]),
            database_url=self.environment.get("HOMEWARD_DATABASE_URL", ""),
        )

    def start(self, name: str, command: list[str], folder: Path | None = None) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, env=self.environment, cwd=folder, stdout=log, stderr=log, start_new_session=True
            )
        self.processes[name] = process
        return process

    def start_engine(self) -> None:
        self.start("engine", engine_command(self.settings))
        wait_until(self.engine_listens, "the engine listens")

    def engine_listens(self) -> bool:
        return listens(int(self.environment["HOMEWARD_ENGINE_PORT"]))

    def start_worker(self) -> None:
        self.start("worker", worker_command())

    @property
    def service(self) -> str:
        """Where the HTTP service answers."""
        return f"http://127.0.0.1:{self.environment['HOMEWARD_HTTP_PORT']}"

    def start_service(self) -> None:
        self.start("service", service_command())
        wait_until(lambda: listens(int(self.environment["HOMEWARD_HTTP_PORT"])), "the service listens")

    def start_with(self, name: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start a worker with other settings."""
        self.environment |= environment
        return self.start(name, worker_command())

    def wait_for_line(self, name: str, words: str, times: int = 1) -> None:
        log = self.folder / f"{name}.log"
        wait_until(lambda: log.read_text(encoding="utf-8").count(words) >= times, f"{name} says '{words}'")

    def kill(self, *names: str) -> None:
        """kill -9."""
        for name in names:
            process = self.processes.pop(name)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def end(self, name: str) -> None:
        """Have a process end by itself."""
        process = self.processes.pop(name)
        process.terminate()
        assert process.wait(STOP_PATIENCE_SECONDS) == 0

    def stop_all(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes.clear()

    def homeward(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run the command as a person does."""
        environment = {**self.environment, **more.pop("environment", {})}
        return subprocess.run(
            [HOMEWARD, *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
            **more,
        )

    def answer(self, *words: str) -> Any:
        """The JSON answer of a command that must succeed."""
        done = self.homeward(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def report(self, **said: Any) -> str:
        """Report a child; the episode's id."""
        file = self.folder / f"report-{time.monotonic_ns()}.json"
        file.write_text(json.dumps(said), encoding="utf-8")
        done = self.homeward("report", str(file), "--json")
        assert done.returncode in (0, 3), done.stderr
        return str(json.loads(done.stdout)["episode_id"])

    def notices(self, episode: str, clock: str) -> list[str]:
        """The rungs of a clock that were told, in order.

        Read from the store: who waits for a notice would, by commands, take all the time of those that bring it.
        """
        told = asyncio.run(self._notices(episode))
        return [n["rung"] for n in sorted(told, key=lambda n: n["at"]) if n["clock"] == clock]

    async def _notices(self, episode: str) -> list[dict[str, Any]]:
        store, authority = Store(self.settings.database), self.settings.authority
        try:
            async with store.snapshot() as session:
                view = await episode_view(session, authority, episode)
        finally:
            await store.close()
        return view.notices if view else []
