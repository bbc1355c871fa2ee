"""What is counted, for Prometheus. One registry per App, so that two apps in one process do not share numbers.

Belongs here: the meters and reading the slow ones (rows by state) at scrape time. Does not: the HTTP answer (bot/web).
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import func, select

from storage.db import Database, Tx
from storage.sql import count_all
from storage.tables import approvals, cards, inbox, replies, runs, steps

ACK_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)


class Metrics:
    """The meters of one App. Labels hold machine words only, never names or texts of people."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.received = Counter("muster_asks_received", "Asks stored, by kind.", ["kind"], registry=r)
        self.repeats = Counter("muster_asks_repeated", "Identical repeats, without effect.", ["kind"], registry=r)
        self.ignored = Counter("muster_payloads_ignored", "Genuine payloads without effect.", ["kind"], registry=r)
        self.refused = Counter("muster_requests_refused", "Requests turned away.", ["door", "why"], registry=r)
        self.unstored = Counter("muster_asks_unstored", "Asks answered 'not stored'.", ["kind"], registry=r)
        self.handled = Counter("muster_asks_handled", "Asks handled, by outcome.", ["outcome"], registry=r)
        self.sent = Counter("muster_replies_sent", "Replies delivered, by route.", ["route"], registry=r)
        self.drawn = Counter("muster_cards_drawn", "Cards posted or updated.", ["kind", "how"], registry=r)
        self.ack = Histogram(
            "muster_ack_seconds", "From receiving to acknowledging.", ["kind"], buckets=ACK_BUCKETS, registry=r
        )
        self.loop_lag = Gauge("muster_loop_lag_seconds", "How late the event loop runs.", registry=r)
        self.socket = Gauge("muster_socket_connected", "Whether Socket Mode is connected.", registry=r)
        self._asks = Gauge("muster_asks", "Asks in the inbox.", ["kind", "state"], registry=r)
        self._runs = Gauge("muster_runs", "Runs.", ["state"], registry=r)
        self._steps = Gauge("muster_steps", "Steps.", ["state"], registry=r)
        self._approvals = Gauge("muster_approvals", "Approvals.", ["state"], registry=r)
        self._replies = Gauge("muster_replies", "Replies in the outbox.", ["state"], registry=r)
        self._cards = Gauge("muster_cards_stale", "Cards whose picture is old.", registry=r)
        self._lag = Gauge("muster_cards_lag_seconds", "Age of the oldest card that is due.", registry=r)

    async def scrape(self, db: Database) -> bytes:
        """All numbers in Prometheus' text format. Raises storage.db.Unreachable."""
        await db.read(self._count)
        return generate_latest(self.registry)

    def _count(self, tx: Tx) -> None:
        self._asks.clear()
        for kind, state, n in tx.conn.execute(
            select(inbox.c.kind, inbox.c.state, count_all()).group_by(inbox.c.kind, inbox.c.state)
        ):
            self._asks.labels(kind, state).set(n)
        for gauge, table in (
            (self._runs, runs), (self._steps, steps), (self._approvals, approvals), (self._replies, replies),
        ):  # fmt: skip
            gauge.clear()
            for state, n in tx.conn.execute(select(table.c.state, count_all()).group_by(table.c.state)):
                gauge.labels(state).set(n)
        stale = (cards.c.wanted > cards.c.shown, cards.c.state != "gone")
        n, oldest = tx.conn.execute(select(count_all(), func.min(cards.c.not_before)).where(*stale)).one()
        self._cards.set(n)
        self._lag.set(max(0.0, (tx.now - oldest).total_seconds()) if oldest else 0.0)
