"""The stand-ins, and the connectors pointed at them with time-outs a test can wait for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from playbooks.action import Act, World
from playbooks.connectors.aws import Aws, AwsReads
from playbooks.connectors.dns import DnsReads
from playbooks.connectors.files import FileReads, Files
from playbooks.connectors.http import Http, HttpReads
from playbooks.connectors.jira import Jira, JiraReads
from playbooks.connectors.kubernetes import Kubernetes, KubernetesReads
from playbooks.connectors.mail import Mail, MailReads
from playbooks.connectors.pace import Spacing
from playbooks.connectors.pagerduty import PagerDuty, PagerDutyReads
from playbooks.connectors.postgres import Postgres, PostgresReads
from playbooks.connectors.prometheus import PrometheusReads
from playbooks.connectors.redis import Redis, RedisReads
from playbooks.connectors.slack import Slack, SlackReads
from playbooks.connectors.statuspage import Statuspage, StatuspageReads
from playbooks.errors import MusterError, Refused
from playbooks.ports import Document, Drafts
from tests.patience import CONNECT_S, READ_S
from tests.postgres_pair import BINARIES


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(rate_factor=0) as running:
        yield running


@pytest.fixture
async def sb(sandbox: Sandbox) -> AsyncIterator[SandboxClient]:
    async with SandboxClient(sandbox.url) as client:
        yield client


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A loopback port nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


@pytest.fixture
def env(sandbox: Sandbox) -> dict[str, str]:
    return sandbox.env()


@pytest.fixture
async def slack(env: dict[str, str]) -> AsyncIterator[Slack]:
    one = Slack(env["SLACK_BOT_TOKEN"], base_url=env["SLACK_API_URL"], connect_timeout=CONNECT_S, read_timeout=READ_S)
    yield one
    await one.close()


@pytest.fixture
async def pagerduty(env: dict[str, str]) -> AsyncIterator[PagerDuty]:
    one = PagerDuty(
        env["PAGERDUTY_API_KEY"], from_email="muster@example.com", routing_key=env["PAGERDUTY_ROUTING_KEY"],
        service_id="PSRVPAY", api_url=env["PAGERDUTY_API_URL"], events_url=env["PAGERDUTY_EVENTS_URL"],
        connect_timeout=CONNECT_S, read_timeout=READ_S,
    )  # fmt: skip
    yield one
    await one.close()


@pytest.fixture
async def statuspage(env: dict[str, str]) -> AsyncIterator[Statuspage]:
    one = Statuspage(
        env["STATUSPAGE_API_KEY"], env["STATUSPAGE_PAGE_ID"], api_url=env["STATUSPAGE_API_URL"],
        connect_timeout=CONNECT_S, read_timeout=READ_S, pace=Spacing(0),
    )  # fmt: skip
    yield one
    await one.close()


@pytest.fixture
async def aws(env: dict[str, str], sandbox: Sandbox) -> AsyncIterator[Aws]:
    await sandbox.aws.start()  # loading moto takes longer than our read time-out here
    one = Aws(
        region=env["AWS_DEFAULT_REGION"], endpoint_url=env["AWS_ENDPOINT_URL"], access_key_id="sandbox",
        secret_access_key="sandbox", connect_timeout=CONNECT_S, read_timeout=4.0,
    )  # fmt: skip
    yield one
    await one.close()


@pytest.fixture
async def kubernetes(env: dict[str, str]) -> AsyncIterator[Kubernetes]:
    one = Kubernetes(env["KUBECONFIG"], connect_timeout=CONNECT_S, read_timeout=READ_S)
    await one.cluster()  # loads the SDK, which takes longer than our read time-out here
    yield one
    await one.close()


@pytest.fixture
async def names(sandbox: Sandbox) -> DnsReads:
    """DNS, once moto is loaded."""
    await sandbox.aws.start()
    return DnsReads(timeout=READ_S)


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[HttpReads]:
    await sandbox.aws.start()  # the demo's health asks moto, which loads longer than our read time-out here
    one = HttpReads(connect_timeout=CONNECT_S, read_timeout=READ_S)
    yield one
    await one.close()


@pytest.fixture
async def postgres(env: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Postgres]:
    monkeypatch.setenv("CHECKOUT_DSN", env["CHECKOUT_DSN"])
    one = Postgres(connect_timeout=20, statement_timeout=5, dumps=tmp_path / "dumps", programs=str(BINARIES))
    yield one
    await one.close()


class KeptDrafts(Drafts):
    """Drafts in memory: a stand-in of our own record, not of a vendor."""

    def __init__(self) -> None:
        self.asked_of: list[str] = []
        self.kept: dict[str, Document] = {"doc-7": Document("doc-7", "INC-42-post-mortem.md", "# INC-42\n", "ab" * 32)}

    async def post_mortem(self, incident: str, key: str) -> Document:
        document = Document(f"doc-{key}", f"{incident}-post-mortem.md", f"# {incident}\n", "cd" * 32)
        return self.kept.setdefault(document.id, document)

    async def read(self, document: str, incident: str) -> Document:
        self.asked_of.append(incident)
        if document not in self.kept:
            raise Refused(f"There is no document {document}.")
        return self.kept[document]


@pytest.fixture
def drafts() -> Drafts:
    return KeptDrafts()


Tools = dict[type, Any]


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def world(now: datetime) -> Callable[..., World]:
    """world(tool, ..., key=, started_at=): what plan, verify and reconcile are handed. Only reading classes."""

    def make(*tools: Any, key: str = "key-1", later_s: float = 0.0) -> World:
        return World(_named(tools, acting=False), now=now + timedelta(seconds=later_s), key=key, started_at=now)

    return make


@pytest.fixture
def act(now: datetime) -> Callable[..., Act]:
    """act(tool, ..., key=): what run is handed."""

    def make(*tools: Any, key: str = "key-1") -> Act:
        return Act(_named(tools, acting=True), now=now, key=key, started_at=now)

    return make


def _named(tools: tuple[Any, ...], *, acting: bool) -> Tools:
    kinds = (SlackReads, Slack, PagerDutyReads, PagerDuty, StatuspageReads, Statuspage, AwsReads, Aws, HttpReads,
             PostgresReads, Postgres, RedisReads, Redis, FileReads, Files, Drafts,
             KubernetesReads, Kubernetes, DnsReads,
             Http, MailReads, Mail, JiraReads, Jira, PrometheusReads)  # fmt: skip
    return {k: t for k in kinds for t in tools if isinstance(t, k) and (acting or not getattr(k, "acting", False))}


@pytest.fixture
def ending() -> Callable[[Awaitable[Any]], Awaitable[MusterError | None]]:
    """await ending(call): how a call ended, its error or None."""

    async def end(call: Awaitable[Any]) -> MusterError | None:
        try:
            await call
        except MusterError as error:
            return error
        return None

    return end


@pytest.fixture
def effects(sb: SandboxClient) -> Callable[[str, str], Awaitable[int]]:
    """await effects(service, method): how many of these requests were carried out."""

    async def count(service: str, method: str) -> int:
        return sum(1 for call in await sb.calls(service, method) if call["effect"])

    return count


@pytest.fixture
def settled() -> Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]:
    """await settled(check): ask again until the answer is true, at most 20 s."""

    async def wait(check: Callable[[], Awaitable[Any]]) -> Any:
        async with asyncio.timeout(20.0):
            while not (answer := await check()):
                await asyncio.sleep(0.02)
        return answer

    return wait


@pytest.fixture
async def aiohttp_url() -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """await aiohttp_url("/api/{method}", reply): address of a server that answers as no stand-in does."""
    runners: list[web.AppRunner] = []

    async def serve(path: str, reply: Callable[[web.Request], Awaitable[web.Response]]) -> str:
        app = web.Application()
        app.router.add_route("*", path, reply)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        return f"http://127.0.0.1:{runner.addresses[0][1]}{path.partition('{')[0]}"

    yield serve
    for runner in runners:
        await runner.cleanup()
