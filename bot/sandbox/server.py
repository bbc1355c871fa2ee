"""The sandbox: one loopback process that stands in for Slack, PagerDuty, Statuspage, AWS and the demo's service.

Belongs here: putting the parts together, addresses, starting and stopping. What each service does is in its own file.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Self

from aiohttp import web

from bot.sandbox import world as slack_world
from bot.sandbox.alerts import HOOK, HOOK_SECRET, TOKEN, Alerts
from bot.sandbox.aws import REGION, Aws
from bot.sandbox.cache import Cache
from bot.sandbox.control import Control
from bot.sandbox.dns import Resolver
from bot.sandbox.faults import Faults
from bot.sandbox.host.front import Staging, Storefront
from bot.sandbox.host.server import Hosts
from bot.sandbox.jira import PROJECT as JIRA_PROJECT
from bot.sandbox.jira import TOKEN as JIRA_TOKEN
from bot.sandbox.jira import Jira
from bot.sandbox.kubernetes.api import Cluster
from bot.sandbox.kubernetes.config import KubeConfig
from bot.sandbox.mail import MailServer
from bot.sandbox.outside import AUTH as DISCOVERY_AUTH
from bot.sandbox.outside import Outside
from bot.sandbox.page.guard import guard
from bot.sandbox.page.routes import Page
from bot.sandbox.pagerduty.account import API_KEY as PAGERDUTY_KEY
from bot.sandbox.pagerduty.account import ROUTING_KEY, WEBHOOK_SECRET, Account
from bot.sandbox.pagerduty.account import SERVICE as PAGERDUTY_SERVICE
from bot.sandbox.pagerduty.events import EventsApi
from bot.sandbox.pagerduty.rest import Rest
from bot.sandbox.pagerduty.webhooks import Webhooks
from bot.sandbox.prometheus import Prometheus
from bot.sandbox.rates import Rates
from bot.sandbox.replica import Replica
from bot.sandbox.service import Checkout, Database
from bot.sandbox.settings import Settings
from bot.sandbox.slack.api import WebApi
from bot.sandbox.slack.delivery import Deliveries
from bot.sandbox.slack.events import Events
from bot.sandbox.slack.openid import CLIENT_ID, CLIENT_SECRET, OpenId
from bot.sandbox.slack.people import People
from bot.sandbox.slack.responses import Responses
from bot.sandbox.slack.socket import Socket
from bot.sandbox.slack.views import Trigger
from bot.sandbox.statuspage import API_KEY as STATUSPAGE_KEY
from bot.sandbox.statuspage import PAGE, Statuspage
from bot.sandbox.wire import Call, Wire

LOOPBACK = "127.0.0.1"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _late(handler: Callable[[], Handler]) -> Handler:
    """A route whose handler is looked up at each call, because a reset replaces the parts."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler()(request)

    return handle


class Sandbox:
    """All stand-ins on loopback ports, in this event loop. Use ``async with Sandbox() as sandbox`` or start and stop.

    ``rate_factor`` divides every rate-limit time: 1 is the real pace, 60 makes minutes seconds, 0 switches limits off.
    ``postgres``: URI of a running server for the demo's database; without it, one is started when first used.
    """

    def __init__(self, rate_factor: float = 1.0, postgres: str | None = None) -> None:
        self.url = ""
        self.web_url = ""  # the pages of the Muster beside it, when there is one
        self._postgres = postgres
        self.rate_factor = rate_factor
        self._runners: list[web.AppRunner] = []
        self.openid = OpenId(self)
        self._fresh()

    def _fresh(self) -> None:
        self.settings = Settings()
        self.faults = Faults()
        self.rates = Rates(self.rate_factor)
        self.wire = Wire(self.faults)
        self.world = slack_world.World()
        self.triggers: dict[str, Trigger] = {}
        self.revoked: set[str] = set()
        self.socket = Socket(self)
        self.deliveries = Deliveries(self)
        self.events = Events(self)
        self.responses = Responses(self)
        self.people = People(self)
        self.pagerduty = Account(self)
        self.webhooks = Webhooks(self)
        self.alerts = Alerts(self)
        self.statuspage = Statuspage(self)
        self.jira = Jira(self)
        self.prometheus = Prometheus(self)
        self.outside = Outside(self)
        self.aws = Aws(self)
        self._cluster: Cluster | None = None

    @property
    def kubernetes(self) -> Cluster:
        """The control plane; planted when first used."""
        self._cluster = self._cluster or Cluster(self)
        return self._cluster

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Bind loopback ports (0 chooses free ones). moto and PostgreSQL start when first used."""
        self.events_api = EventsApi(self)
        self.database = Database(self, self._postgres)
        self.replica = Replica(self, self.database)
        self.cache = Cache(self)
        self.resolver = Resolver(self)
        gates = (self.database.gate, self.replica.gate, self.cache.gate)
        await asyncio.gather(*(gate.listen() for gate in gates), self.resolver.listen(LOOPBACK))
        self.hosts = Hosts(self)
        self.hosts.bind()
        self.mail = MailServer(self)
        self.mail.bind()
        app = web.Application(client_max_size=64 * 1024 * 1024, middlewares=[guard])
        app.add_routes(self.openid.routes())
        app.router.add_route("*", "/api/{method}", _late(lambda: WebApi(self).handle))
        app.router.add_get("/link/", _late(lambda: self.socket.link))
        app.router.add_post("/respond/{team}/{key}", _late(lambda: self.responses.handle))
        app.router.add_route("*", "/upload/{file}", self._upload)
        app.router.add_post("/pagerduty-events/v2/enqueue", _late(lambda: self.events_api.enqueue))
        app.router.add_get("/demo/checkout/health", Checkout(self).health)
        app.router.add_get("/demo/checkout/health/dr", Checkout(self).away)
        app.router.add_get("/demo/storefront/{host}/health", Storefront(self).health)
        app.router.add_get("/demo/staging/{path:.*}", Staging(self).answer)
        app.add_routes(Rest(self).routes("/pagerduty"))
        app.add_routes(self.statuspage.routes("/statuspage/v1"))
        app.add_routes([*self.jira.routes("/jira"), *self.prometheus.routes("/prometheus")])
        app.router.add_get("/demo/checkout/canary", _late(lambda: self.outside.score))
        app.router.add_post("/demo/hook/{name}", _late(lambda: self.outside.hook))
        self.page = Page(self)
        app.add_routes([*Control(self).routes(), *self.page.routes()])
        self.url = await self._serve(app, port)
        aws = web.Application(client_max_size=64 * 1024 * 1024)
        aws.router.add_route("*", "/{path:.*}", _late(lambda: self.aws.handle))
        self.aws_url = await self._serve(aws, 0)
        kubernetes = web.Application(client_max_size=4 * 1024 * 1024)
        kubernetes.router.add_route("*", "/{path:.*}", _late(lambda: self.kubernetes.handle))
        self.kubeconfig = KubeConfig(await self._serve(kubernetes, 0))

    async def _serve(self, app: web.Application, port: int) -> str:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, LOOPBACK, port, backlog=1024)
        await site.start()
        self._runners.append(runner)
        return f"http://{LOOPBACK}:{runner.addresses[0][1]}"

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """The address files.getUploadURLExternal gave (contract A9): raw bytes or a form."""
        if request.content_type == "multipart/form-data":
            parts = [v for v in (await request.post()).values() if isinstance(v, web.FileField)]
            data = parts[0].file.read() if parts else b""
        else:
            data = await request.read()

        async def answer(call: Call) -> web.StreamResponse:
            file = self.world.files.get(request.match_info["file"])
            if file is None or file.completed:
                return web.Response(status=404, text="file not found")
            if len(data) != file.length:
                return web.Response(status=400, text=f"expected {file.length} bytes, got {len(data)}")
            file.content = data
            return web.Response(text=f"OK - {len(data)}")

        def refuse(fault: object) -> web.StreamResponse:
            return web.Response(status=500)

        shown = {"file": request.match_info["file"], "bytes": len(data)}
        return await self.wire.carry(request, "slack", "upload", shown, answer, refuse=refuse)

    async def stop(self) -> None:
        """End hangs, connections, threads and the database."""
        await self._close_parts()
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()
        await self.hosts.close()
        await self.mail.close()
        self.kubeconfig.remove()
        self.replica.gate.close()
        await asyncio.gather(self.database.close(), self.cache.close(), self.resolver.close())

    async def _close_parts(self) -> None:
        self.wire.stopping.set()
        await self.socket.close()
        await self.deliveries.close()
        await self.webhooks.close()
        await self.alerts.close()
        await self.events_api.close()
        self.aws.close()

    async def reset(self) -> None:
        """Everything as after the start: new state, no faults, no records. Connected apps must connect again."""
        await self._close_parts()
        self._fresh()
        await self.hosts.reset()
        self.mail.kept.clear()

    async def warm(self) -> None:
        """Load what starts slowly (moto, PostgreSQL, Redis), so that nobody's first look waits for it. What fails here
        fails again, in words, for whoever uses it."""
        await asyncio.gather(self.aws.start(), self.database.start(), self.cache.start(), return_exceptions=True)

    def env(self, socket_mode: bool = True) -> dict[str, str]:
        """The environment that points Muster at this sandbox. Without Socket Mode SLACK_APP_TOKEN is left out."""
        env = {
            "SLACK_BOT_TOKEN": slack_world.BOT_TOKEN, "SLACK_SIGNING_SECRET": slack_world.SIGNING_SECRET,
            "SLACK_CLIENT_ID": CLIENT_ID, "SLACK_CLIENT_SECRET": CLIENT_SECRET,
            "SLACK_API_URL": f"{self.url}/api/", "PAGERDUTY_API_KEY": PAGERDUTY_KEY,
            "PAGERDUTY_ROUTING_KEY": ROUTING_KEY, "PAGERDUTY_API_URL": f"{self.url}/pagerduty",
            "PAGERDUTY_FROM": "muster@example.com", "PAGERDUTY_SERVICE_ID": PAGERDUTY_SERVICE,
            "PAGERDUTY_EVENTS_URL": f"{self.url}/pagerduty-events", "PAGERDUTY_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "ALERTMANAGER_WEBHOOK_TOKEN": TOKEN, "WEBHOOK_SECRETS": f"{HOOK}:{HOOK_SECRET}",
            "STATUSPAGE_API_KEY": STATUSPAGE_KEY, "STATUSPAGE_PAGE_ID": PAGE,
            "STATUSPAGE_API_URL": f"{self.url}/statuspage/v1", "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox", "AWS_DEFAULT_REGION": REGION,
            "CHECKOUT_DSN": self.database.dsn, "CHECKOUT_REDIS_URL": self.cache.url,
            "CHECKOUT_HEALTH_URL": f"{self.url}/demo/checkout/health",
            "CHECKOUT_SECONDARY_DSN": self.replica.dsn,
            "CHECKOUT_SECONDARY_HEALTH_URL": f"{self.url}/demo/checkout/health/dr",
            "CHECKOUT_RESOLVER": self.resolver.address,
            "KUBECONFIG": self.kubeconfig.path, "SANDBOX_URL": self.url, **self.hosts.env(),
            "SMTP_URL": self.mail.url, "JIRA_URL": f"{self.url}/jira", "JIRA_TOKEN": JIRA_TOKEN,
            "JIRA_PROJECT": JIRA_PROJECT, "PROMETHEUS_URL": f"{self.url}/prometheus",
            "CHECKOUT_CANARY_URL": f"{self.url}/demo/checkout/canary", "SERVICE_DISCOVERY_AUTH": DISCOVERY_AUTH,
            "SERVICE_DISCOVERY_URL": f"{self.url}/demo/hook/service_discovery",
            "WEBHOOK_REPLAY_URL": f"{self.url}/demo/hook/webhook_replay",
            "CHECKOUT_STAGING_CANARY_URL": f"{self.url}/demo/checkout/canary", "STAGING_DISCOVERY_AUTH": DISCOVERY_AUTH,
            "STAGING_DISCOVERY_URL": f"{self.url}/demo/hook/staging_discovery",
            "STOREFRONT_RESOLVER": self.resolver.address,
            "STOREFRONT_HEALTH_URL": f"{self.url}/demo/storefront/production/health",
            "STOREFRONT_SECONDARY_HEALTH_URL": f"{self.url}/demo/storefront/dr/health",
            "STAGING_URL": f"{self.url}/demo/staging", "STAGING_AWAY_URL": f"{self.url}/demo/staging/away",
            "STAGING_RESOLVER": self.resolver.address,
        }  # fmt: skip
        if socket_mode:
            env["SLACK_APP_TOKEN"] = slack_world.APP_TOKEN
        return env


async def run(port: int, *, as_json: bool = False, rate_factor: float = 1.0) -> None:
    """Run until SIGTERM or SIGINT. Prints the environment when ready: shell exports, or one JSON line."""
    sandbox, ended = Sandbox(rate_factor), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await sandbox.start(port)
    env = sandbox.env()
    if as_json:
        text = json.dumps(env) + "\n"
    else:
        text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in env.items())
        text += f"# The page: {sandbox.page.url}\n"
    warming, over = asyncio.create_task(sandbox.warm()), asyncio.create_task(ended.wait())
    try:
        await asyncio.wait((warming, over), return_when=asyncio.FIRST_COMPLETED)
        if not over.done():
            sys.stdout.write(text)
            sys.stdout.flush()
        await over
    finally:
        warming.cancel()
        over.cancel()
        await sandbox.stop()
