"""The embedded stack: an engine on a file, a worker, the HTTP service, and a database, for one machine.

Everything listens on the loopback address, unless a setting has the service listen elsewhere. The engine is Temporal's
development server, with a write-ahead log and full synchronisation; what it
has accepted survives the loss of power. Production runs a cluster instead.
"""

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, Final

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, UpdateNamespaceRequest
from temporalio.client import Client, RPCError

from starter.client import EngineSilentError, connect
from starter.engine_binary import engine_binary
from starter.settings import Settings
from workflows.names import TASK_QUEUE
from workflows.plain_errors import BadInputError

KEEP_CLOSED_HISTORIES: Final = timedelta(days=3650)
START_PATIENCE_SECONDS: Final = 60.0
STOP_PATIENCE_SECONDS: Final = 80.0
CANNOT_BEGIN: Final = 2
"""The status with which a worker or the service ends when it cannot even begin."""

_PR_SET_PDEATHSIG: Final = 1


class StackError(BadInputError):
    """The embedded stack cannot start. Its one line says what is in the way."""


@contextmanager
def sole_user_of(folder: Path) -> Generator[None]:
    """Hold the data folder for one stack. Raises StackError when another holds it, or it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / "lock").open("w", encoding="utf-8")
    except OSError as error:
        raise StackError(f"HOMEWARD_DATA_DIR: {folder}: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StackError(f"HOMEWARD_DATA_DIR: {folder} is in use by another 'homeward run'") from None
        yield


def engine_command(settings: Settings) -> list[str]:
    """The command line of the embedded engine."""
    return [
        str(engine_binary()),
        "server",
        "start-dev",
        "--ip",
        "127.0.0.1",
        "--port",
        str(settings.engine_port),
        "--ui-port",
        str(settings.engine_ui_port),
        "--namespace",
        settings.engine_namespace,
        "--db-filename",
        str(settings.data_dir / "engine.sqlite"),
        "--sqlite-pragma",
        "journal_mode=wal",
        "--sqlite-pragma",
        "synchronous=full",
        "--log-level",
        "error",
        # A workflow that cannot go on is reported after two tries instead of five.
        "--dynamic-config-value",
        "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=2",
    ]


def worker_command() -> list[str]:
    """The command line of a worker."""
    return [sys.executable, "-m", "worker"]


def service_command() -> list[str]:
    """The command line of the HTTP service."""
    return [sys.executable, "-m", "starter.service"]


def watchdog_command() -> list[str]:
    """The command line of the watchdog."""
    return [sys.executable, "-m", "starter.watchdog"]


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something listens on a port of this machine, by default of its loopback address."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        return probe.connect_ex((host, port)) == 0


def require_free_port(port: int, variable: str, host: str = "127.0.0.1") -> None:
    """Raise StackError, naming the setting, when something else listens on the port of this machine."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise StackError(f"{variable}: port {port} is in use by another program; set another") from None


def start_process(command: list[str], log: IO[bytes] | None) -> subprocess.Popen[bytes]:
    """Start a child process in a session of its own, so that Ctrl-C reaches only us; it ends if we die."""
    return subprocess.Popen(  # noqa: S603 - our own programs with our own arguments
        command,
        stdin=subprocess.DEVNULL,
        stdout=log or subprocess.DEVNULL,
        stderr=log or subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 - no threads run here yet
    )


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def stop_process(process: subprocess.Popen[bytes], patience_seconds: float) -> None:
    """Ask a process to end, and wait; end it when it does not in time."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(patience_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


async def wait_for_engine(settings: Settings, alive: Callable[[], bool]) -> Client:
    """Wait until the engine answers, and have it keep closed histories. Raises StackError when it does not start."""
    give_up = time.monotonic() + START_PATIENCE_SECONDS
    while time.monotonic() < give_up:
        if not alive():
            raise StackError(f"the engine did not start: see {settings.data_dir / 'engine.log'}")
        try:
            client = await connect(settings.engine, settings.engine_namespace, 2.0)
            await _keep_histories(client)
        except (EngineSilentError, RPCError):
            time.sleep(0.1)  # noqa: ASYNC251 - nothing else runs yet
            continue
        return client
    raise StackError(f"the engine did not answer in {START_PATIENCE_SECONDS:.0f} s: see its engine.log")


async def _keep_histories(client: Client) -> None:
    keep = Duration()
    keep.FromTimedelta(KEEP_CLOSED_HISTORIES)
    await client.workflow_service.update_namespace(
        UpdateNamespaceRequest(
            namespace=client.namespace, config=NamespaceConfig(workflow_execution_retention_ttl=keep)
        )
    )


async def pollers(client: Client) -> int:
    """How many workers ask the engine for episodes' work."""
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=TASK_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    return len(answer.pollers)


class Stack:
    """The embedded engine, worker, HTTP service and watchdog, started and stopped together."""

    def __init__(self, settings: Settings, say: Callable[[str], None], hints: Sequence[str] = ()) -> None:
        self._settings = settings
        self._say = say
        self._hints = hints
        self._stopping = False
        self._commands = {
            "engine": engine_command(settings),
            "worker": worker_command(),
            "service": service_command(),
            "watchdog": watchdog_command(),
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    async def run(self) -> int:
        """Start everything, watch it until SIGINT or SIGTERM, stop it cleanly; the exit status."""
        settings = self._settings
        with sole_user_of(settings.data_dir):
            require_free_port(settings.engine_port, "HOMEWARD_ENGINE_PORT")
            require_free_port(settings.engine_ui_port, "HOMEWARD_ENGINE_UI_PORT")
            require_free_port(settings.http_port, "HOMEWARD_HTTP_PORT", settings.local_host)
            for one in (signal.SIGINT, signal.SIGTERM):
                signal.signal(one, self._stop)
            try:
                return await self._live()
            finally:
                self._say("Stopping: the service, then the worker, which finishes what it began, then the engine")
                for name in ("watchdog", "service", "worker", "engine"):
                    if name in self._processes:
                        stop_process(self._processes[name], STOP_PATIENCE_SECONDS)
                self._say("Stopped. Started again, it goes on where it was.")

    async def _live(self) -> int:
        self._start("engine")
        client = await wait_for_engine(self._settings, lambda: self._processes["engine"].poll() is None)
        self._start("worker")
        self._start("service")
        self._start("watchdog")
        give_up = time.monotonic() + START_PATIENCE_SECONDS
        while not self._stopping and not await self._all_answer(client) and time.monotonic() < give_up:
            for name in ("worker", "service", "watchdog"):
                if self._processes[name].poll() == CANNOT_BEGIN:
                    raise StackError(self._last_line(name))
            time.sleep(0.1)  # noqa: ASYNC251 - nothing else runs in this process
        self._greet()
        while not self._stopping:
            self._mend()
            time.sleep(0.2)  # noqa: ASYNC251 - nothing else runs in this process
        return 0

    async def _all_answer(self, client: Client) -> bool:
        return listens(self._settings.http_port, self._settings.local_host) and await pollers(client) > 0

    def _greet(self) -> None:
        settings = self._settings
        self._say("Homeward is running.")
        self._say("  In another shell:  homeward report FILE, homeward list, homeward tasks, homeward show EPISODE")
        self._say("  Is all well:       homeward doctor")
        self._say(f"  In a browser:      {settings.links} (an account: homeward account add NAME --role manager)")
        self._say(f"  HTTP:              {settings.links}/v1, the API; receipts, the links of messages")
        self._say(f"  Engine's own page: http://127.0.0.1:{settings.engine_ui_port}")
        self._say(f"  Data and logs:     {settings.data_dir}")
        for hint in self._hints:
            self._say(f"  {hint}")
        self._say("  Ctrl-C stops it; started again, it goes on where it was, timers included.")

    def _start(self, name: str) -> None:
        with (self._settings.data_dir / f"{name}.log").open("ab") as log:
            self._processes[name] = start_process(self._commands[name], log)

    def _mend(self) -> None:
        """Start again what ended by itself."""
        for name, process in list(self._processes.items()):
            status = process.poll()
            if status is None or self._stopping:
                continue
            if name != "engine" and status == CANNOT_BEGIN:
                raise StackError(self._last_line(name))
            self._say(f"The {name} ended by itself (status {status}) and is started again; see {name}.log")
            time.sleep(1)
            self._start(name)

    def _last_line(self, name: str) -> str:
        lines = (self._settings.data_dir / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        last = lines[-1] if lines else f"the {name} did not start"
        return last.removeprefix("homeward worker: ").removeprefix("homeward serve: ").removeprefix("homeward watch: ")

    def _stop(self, _signal: int, _frame: object) -> None:
        self._stopping = True


def exec_worker() -> None:
    """Become a worker process."""
    os.execv(sys.executable, worker_command())  # noqa: S606 - our own program


def exec_watchdog() -> None:
    """Become the watchdog."""
    os.execv(sys.executable, watchdog_command())  # noqa: S606 - our own program


def exec_service() -> None:
    """Become the HTTP service."""
    os.execv(sys.executable, service_command())  # noqa: S606 - our own program
