"""A way over TCP to a server of this machine that can be cut, stopped and slowed while both ends run."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Literal, Self

Way = Literal["open", "cut", "stopped", "slow"]
"""open: as if it were not there. cut: connections end, and none is let through. stopped: nothing comes through, and
nobody is told. slow: each piece waits."""

SLOW_SECONDS: Final = 0.05
_PIECE: Final = 64 * 1024


class TcpProxy:
    """Listens on a free port of 127.0.0.1, in a thread of its own, from `with` to the end."""

    def __init__(self, towards: int) -> None:
        self.towards = towards
        self.port = 0
        self._way: Way = "open"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def set(self, way: Way) -> None:
        """From now on the way is so."""
        self._call(self._set(way))

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _listen(self) -> None:
        self._open.set()
        self._server = await asyncio.start_server(self._let_through, "127.0.0.1", self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _set(self, way: Way) -> None:
        self._way = way
        if way == "stopped":
            self._open.clear()
        else:
            self._open.set()
        if way == "cut":
            await self._drop()

    async def _end(self) -> None:
        if self._server:
            self._server.close()
        await self._drop()

    async def _drop(self) -> None:
        ended = list(self._connections)
        for one in ended:
            one.cancel()
        await asyncio.gather(*ended, return_exceptions=True)

    async def _let_through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            # An end of ours is no fault of this thread's: whoever is connected sees it.
            with suppress(OSError, asyncio.CancelledError):
                if self._way != "cut":
                    await self._join(reader, writer)
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.towards)
        try:
            ways = [asyncio.create_task(self._carry(reader, back)), asyncio.create_task(self._carry(there, writer))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in ways:
                    one.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            back.transport.abort()

    async def _carry(self, from_: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        while piece := await from_.read(_PIECE):
            await self._open.wait()
            if self._way == "slow":
                await asyncio.sleep(SLOW_SECONDS)
            to.write(piece)
            await to.drain()
