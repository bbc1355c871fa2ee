"""A small house on both databases: `house` to look into, `say` to ask as somebody and read the answer."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import update

from commands.command import Reply
from commands.dispatch import Dispatch
from commands.house import House
from playbooks.directory import Directory
from playbooks.engine.engine import Engine
from playbooks.engine.library import Library
from playbooks.policy import Policy, parse_policy
from storage import inbox, incidents, people, timeline
from storage.db import Database, Tx
from storage.inbox import Ask
from storage.tables import memberships

POLICY = """
organisation: { name: Example }
severities:
  sev1:
    title: outage, data loss, breach
    aliases: [critical, SEV-1]
    page_within: 5m
    acknowledge_within: 5m
    update_cadence: 30m
    status_page: { mode: draft, cadence: 30m }
    customer_mail_within: 24h
    review: { required: true, due_business_days: 5 }
  sev2: { title: degraded, page_within: 15m, update_cadence: 1h }
  sev3: { title: minor }
roles:
  commander: { title: Incident commander, aliases: [ic], default: first_acknowledger, duties: [decides] }
  comms: { title: Comms lead, aliases: [comms_lead] }
groups:
  sre: { slack: "@sre", title: SRE }
permissions: { disaster: sre, declare: everyone, run: sre, plan: everyone, see_private: sre }
disaster_levels:
  regional_outage:
    { title: Regional outage, aliases: [region], rto: 60m, rpo: 15m, recovery: other region, site: west,
      automation: partial, severity: sev1, playbooks: [failover/secondary-site] }
  rack: { title: A rack is out, rto: 15m, rpo: 0s, severity: sev3 }
sites: { west: { title: Ireland, kind: standby } }
people:
  ben: { slack: UBEN, pagerduty: PBEN }
services:
  checkout:
    tier: 1
    rto: 15m
    rpo: 5m
    title: Checkout
    database: { instance: orders-db, dsn: "env://ORDERS_DSN" }
    health_url: https://checkout.example.com/health
    critical_tables: [orders, payments]
    pagerduty: { escalation_policy: Payments primary, phone: "+1-555-0199" }
  auth: { tier: 2, rto: 1h, rpo: 5m }
approvals: { people: 2, from: [sre] }
contacts: { privacy: { title: Data protection officer, phone: "+1-555-0142" } }
clocks:
  gdpr: { title: GDPR breach notification, within: 72h, notify: privacy }
  nis2: { title: NIS2 early warning, within: 24h }
mail_lists: { readers: { title: Readers, audience: customers, to: [all@example.com], from: us@example.com } }
"""


@pytest.fixture(scope="session")
def policy() -> Policy:
    return parse_policy(POLICY)


@pytest.fixture
async def house(url: str, policy: Policy) -> AsyncIterator[House]:
    db = Database(url, pool=3)
    library = Library()
    directory = Directory(db, None, None, "T1")
    engine = Engine(db, {}, library, policy, replica="test", url="https://muster.example.com", directory=directory)
    yield House(db, policy, library, directory, engine, "https://muster.example.com")
    await db.close()


@dataclass
class Talk:
    """Asks as people do. `await talk("Ana", "incident declare …")` returns the reply of the dispatch."""

    house: House
    dispatch: Dispatch
    keys: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    channel: str | None = None

    async def __call__(self, who: str, line: str, *, channel: str | None = None, **more: Any) -> Reply:
        reply = await self.ask(who, line, channel=channel, **more)
        assert reply is not None
        return reply

    async def ask(self, who: str, line: str, *, channel: str | None = None, **more: Any) -> Reply | None:
        given: dict[str, Any] = {
            "kind": "command",
            "via": "slack",
            "account_kind": "slack",
            "account": f"T1/U{who.upper()}",
        }
        key = str(more.pop("key", f"ask-{next(self.keys)}"))
        return await self.stored(Ask(key=key, line=line, channel=channel or self.channel, **{**given, **more}))

    async def stored(self, ask: Ask) -> Reply | None:
        """Store, claim and handle, as the worker does."""
        await self.house.db.write(lambda tx: inbox.store(tx, [ask]))
        for claimed in await self.house.db.write(lambda tx: inbox.claim(tx, "test")):
            if claimed.key == ask.key:
                return await self.dispatch.handle(replace(claimed, attempts=claimed.attempts + 1))
        return None

    async def member(self, who: str, *groups: str) -> str:
        """Make somebody known as a full member, in these groups."""

        def work(tx: Tx) -> str:
            known = people.believe(tx, "slack", f"T1/U{who.upper()}", state=people.MEMBER, name=who)
            assert known.person
            for group in groups:
                mine = {one.person for one in people.members(tx, group)}
                people.set_group(tx, group, {"slack": mine | {known.person}})
            return known.person

        return await self.house.db.write(work)

    async def declare(self, line: str = "sev1 checkout is down service=checkout", channel: str = "C42") -> str:
        """Declare as Ana and give it its channel; returns the incident's id. Talk goes on in that channel."""
        reply = await self("Ana", f"incident declare {line}", channel="CTOWN")
        found = str(reply.data["incident"])
        await self.house.db.write(
            lambda tx: incidents.set_facts(tx, found, {"channel": channel, "channel_name": "inc"})
        )
        self.channel = channel
        return found

    async def incident(self, id: str) -> incidents.Incident:
        found = await self.house.db.read(lambda tx: incidents.get(tx, id))
        assert found
        return found

    async def events(self, stream: str, *types: str) -> list[timeline.Event]:
        return await self.house.db.read(lambda tx: timeline.read(tx, stream, types=types))

    async def read(self, work: Callable[[Tx], Any]) -> Any:
        return await self.house.db.read(work)


@pytest.fixture
async def talk(house: House) -> Talk:
    """Ana is a member; Ben and Chi are in sre; Eve is a member without a group."""
    found = Talk(house, Dispatch(house))
    for who, groups in (("Ana", ()), ("Ben", ("sre",)), ("Chi", ("sre",)), ("Eve", ())):
        await found.member(who, *groups)
    return found


@pytest.fixture
async def team(talk: Talk) -> Talk:
    """The same people, with every membership confirmed: who is in a group counts at once."""
    await talk.house.db.write(lambda tx: tx.conn.execute(update(memberships).values(confirmed=True)))
    return talk
