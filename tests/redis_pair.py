"""A real Redis primary with a replica, for tests that fail over. Belongs here: starting and stopping them; no test.

Fixture `redis_pair` (tests/conftest.py) is one pair for the session; `pair.whole()` puts right what a test left behind.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from typing import Any

import redis

from bot.sandbox.cache import redis_server


class Server:
    """One redis-server on a free loopback port."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> Server:
        self._process = subprocess.Popen(
            [redis_server(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
             "--dir", self.folder, "--dbfilename", f"{self.port}.rdb", "--repl-diskless-sync", "yes",
             "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.wait(lambda: self.ask("PING"))
        return self

    def ask(self, *command: Any) -> Any:
        with redis.Redis(port=self.port, decode_responses=True, socket_timeout=5) as line:
            return line.execute_command(*command)

    def info(self) -> dict[str, Any]:
        return dict(self.ask("INFO"))

    def wait(self, look: Any, within: float = 10.0) -> None:
        ends = time.monotonic() + within
        while True:
            try:
                if look():
                    return
            except redis.ConnectionError:
                pass
            assert time.monotonic() < ends, f"not within {within:g} s"
            time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    @property
    def running(self) -> bool:
        return self._process is not None


class RedisPair:
    """A primary and a replica of it."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="muster-redis-pair-")
        self.primary, self.replica = Server(self.folder).start(), Server(self.folder).start()
        self.whole()

    def whole(self) -> RedisPair:
        """Both running, roles as named, ten keys, nothing behind."""
        for one in (self.primary, self.replica):
            if not one.running:
                one.start()
        self.primary.ask("REPLICAOF", "NO", "ONE")
        self.replica.ask("REPLICAOF", "127.0.0.1", str(self.primary.port))
        self.primary.ask("FLUSHALL")
        for n in range(10):
            self.primary.ask("SET", f"session:{n}", "x")
        self.replica.wait(
            lambda: self.replica.info().get("master_link_status") == "up" and self.replica.ask("DBSIZE") == 10
        )
        self.primary.wait(lambda: "online" in str(self.primary.info().get("slave0")))
        return self

    def close(self) -> None:
        for one in (self.primary, self.replica):
            one.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
