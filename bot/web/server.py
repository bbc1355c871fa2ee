"""The HTTP server: routes, health, metrics. Port 0 takes any free one.

Belongs here: which path goes where, starting and stopping. Does not belong here: the doors themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.metrics import Metrics
from storage.db import Database, Tx, Unreachable

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BODY_MOST = 2 * 1024 * 1024
LAG_MOST_S = 5.0
DB_WITHIN_S = 2.0


class Health:
    """Whether this process lives and may be sent work. `stopping` turns readiness off first of all (contract F1).

    answered: the database has answered this process. One that never reached it is not sent work (a wrong address must
    not replace replicas that work); one that lost it stays in place: it still pages and tells.
    why_dead, why_not: in words, why it should be started again, or not be sent work; "" when all is well.
    """

    def __init__(self, db: Database, metrics: Metrics, why_dead: Callable[[], str], why_not: Callable[[], str]) -> None:
        self._db = db
        self._metrics = metrics
        self._why_dead = why_dead
        self._why_not = why_not
        self.stopping = False
        self.answered = False
        self.lag_s = 0.0

    async def watch(self) -> None:
        """Measure how late the loop runs, for ever."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.5)
            self.lag_s = max(0.0, time.monotonic() - before - 0.5)
            self._metrics.loop_lag.set(self.lag_s)

    async def livez(self, request: web.Request) -> web.Response:
        """The process turns and every duty is done. No outside call."""
        late = f"loop is {self.lag_s:.1f} s late" if self.lag_s >= LAG_MOST_S else ""
        why = late or self._why_dead()
        return web.Response(status=503 if why else 200, text=why or "ok")

    async def readyz(self, request: web.Request) -> web.Response:
        """The database answers and Slack's door is open."""
        why = "stopping" if self.stopping else self._why_not()
        if not why:
            try:
                await asyncio.wait_for(self._db.read(_ping), DB_WITHIN_S)
                self.answered = True
            except (Unreachable, TimeoutError):
                if self.answered:
                    return web.Response(text="blind: the database does not answer; declares are paged and told")
                why = "the database does not answer"
        return web.Response(status=503 if why else 200, text=why or "ok")

    async def metrics(self, request: web.Request) -> web.Response:
        """Prometheus' text format."""
        with contextlib.suppress(Unreachable):
            return web.Response(body=await self._metrics.scrape(self._db), content_type="text/plain")
        return web.Response(status=503, text="the database does not answer")


def _ping(tx: Tx) -> None:
    _ = tx.now


class Server:
    """The listening socket. `url` is known after `start`."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._runner: web.AppRunner | None = None
        self._app = web.Application(client_max_size=BODY_MOST)

    @property
    def url(self) -> str:
        """Where it listens, e.g. http://127.0.0.1:8080."""
        assert self._runner is not None and self._runner.addresses, "not started"
        return f"http://{self._host}:{self._runner.addresses[0][1]}"

    def get(self, path: str, handler: Handler) -> None:
        """Serve GET."""
        self._app.router.add_get(path, handler)

    def post(self, path: str, handler: Handler) -> None:
        """Serve POST."""
        self._app.router.add_post(path, handler)

    async def start(self) -> None:
        """Listen."""
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=5.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        """Accept nothing new, let requests end."""
        if self._runner is not None:
            await self._runner.cleanup()
