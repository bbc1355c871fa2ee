"""The doctor says which objectives cannot be met, in words with the numbers, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from bot.__main__ import app
from bot.doctor_objectives import History, Shortfall, Taken, past, report, short, shortfalls
from playbooks.policy import Policy, load_policy, parse_policy
from storage.db import Database, Tx
from storage.tables import runs
from tests.bot.conftest import EXAMPLE

REHEARSED = History(rehearsed=datetime(2026, 1, 5, tzinfo=UTC))
WHOLE = """
severities: { sev1: { title: outage } }
approvals: { people: 2 }
groups: { ops: { title: Operations, people: [ben] } }
people: { ben: { slack: U0BEN } }
sites:
  here: { kind: production }
  there: { kind: standby }
  lab: { kind: drill, drills: true }
services:
  shop:
    tier: 1
    rto: 15m
    rpo: 10m
    owners: ops
    site: here
    health_url: https://shop.example.com/health
    database: { instance: shop-db }
    critical_tables: [orders]
    backups: { bucket: copies, every: 6h, logs: true }
    resources:
      there: { backups: { bucket: elsewhere, lag: 1m } }
      lab: { health_url: https://lab.example.com/health }
"""


def look(change: Mapping[str, str] | None = None, history: History = REHEARSED) -> list[str]:
    """The sentences about `shop` after other words in its policy, old -> new."""
    text = WHOLE
    for old, new in (change or {}).items():
        assert old in text
        text = text.replace(old, new)
    return [one.text for one in shortfalls(parse_policy(text), {"shop": history})]


def test_nothing_is_said_where_all_is_met() -> None:
    assert look() == []
    policy = parse_policy(WHOLE)
    assert (
        short(policy, []).state == "ok"
        and report([]) == "All objectives can be met."
        and report([], as_json=True) == "[]"
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({", logs: true": ""}, "RPO 10 min cannot be met at here: newest copy up to 6 h old"),
        ({"rpo: 10m": "rpo: 2m"}, "RPO 2 min cannot be met at here: the archived log ends up to 5 min ago"),
        ({"lag: 1m": "lag: 15m"}, "RPO 10 min cannot be met at there: the replica may be 15 min behind"),
        ({"lag: 1m": "every: 1d"}, "RPO 10 min cannot be met at there: newest copy up to 1 day old"),
        # What lies at home with a log is, elsewhere, as old as its last copy.
        ({"{ backups: { bucket: elsewhere, lag: 1m } }": "{ url: https://b.example.com }"},
         "RPO 10 min cannot be met at there: newest copy up to 6 h old"),
        ({"{ backups: { bucket: elsewhere, lag: 1m } }": "{ url: https://b.example.com }",
          "bucket: copies, every": "path: /backups, every"},
         "RPO 10 min cannot be met at there: its copies lie at here alone, and are lost with it"),
        ({", every: 6h, logs: true": ""},
         "RPO 10 min cannot be met at here: nothing says how old its copies are (backups.every, lag or logs)"),
        ({"every: 6h, logs: true": "every: 10m"},
         "RPO 10 min leaves no room at here: a copy is made as seldom, and counts once finished"),
        ({"rto: 15m": "rto: 20m"}, "tier 1 recovers within 15 min, yet its RTO is 20 min"),
        ({"    critical_tables: [orders]\n": ""},
         "no critical_tables: a restored database cannot be judged by its rows"),
        ({"    health_url: https://shop.example.com/health\n": ""},
         "no health_url at here, there: nothing says when it works again"),
        ({"    owners: ops\n": ""}, "no owners: nobody is asked about it"),
        ({"      there: { backups: { bucket: elsewhere, lag: 1m } }\n": ""},
         "tier 1, and no other site to go to (resources)"),
    ],
)  # fmt: skip
def test_each_sentence(change: dict[str, str], says: str) -> None:
    assert look(change) == [says]


def test_a_service_of_which_nothing_is_known() -> None:
    text = "severities: { sev1: { title: outage } }\nservices: { shop: { tier: 3, rto: 60m, rpo: 60m } }\n"
    said = [one.text for one in shortfalls(parse_policy(text), {})]
    assert said == [
        "RPO 1 h cannot be judged: nothing says what it keeps, or how that is copied (backups)",
        "no health_url: nothing says when it works again",
        "no owners: nobody is asked about it",
        "never rehearsed: that RTO 1 h can be met was not shown by a drill",
    ]
    assert short(parse_policy(text), shortfalls(parse_policy(text), {})).state == "missing"


def test_what_recoveries_took_is_held_against_the_rto() -> None:
    took = Taken("failover/region", 3, timedelta(minutes=58)), Taken("restore/dump", 1, timedelta(minutes=16))
    quick = Taken("failover/rds-multi-az", 9, timedelta(minutes=15))
    assert look(history=History((*took, quick))) == [
        "RTO 15 min cannot be met by failover/region: it took 58 min (median of 3 runs)",
        "RTO 15 min cannot be met by restore/dump: it took 16 min (one run)",
        "never rehearsed: that RTO 15 min can be met was not shown by a drill",
    ]


async def test_recoveries_are_read_from_their_runs(db: Database) -> None:
    def ran(tx: Tx) -> dict[str, History]:
        row: dict[str, Any] = {
            "stream": "org", "title": "t", "text": "", "digest": "d", "inputs": {}, "requester": "P-1", "editors": [],
            "shown": True, "fence": 1, "revision": 1, "service": "shop",
        }  # fmt: skip
        lengths = [  # playbook, kind, state, minutes
            ("failover/region", "real", "succeeded", 10), ("failover/region", "drill", "succeeded", 70),
            ("failover/region", "real", "succeeded", 20), ("failover/region", "real", "failed", 900),
            ("declare/default", "drill", "succeeded", 900), ("dr/activate", "drill", "succeeded", 900),
            ("service/record", "real", "succeeded", 1), ("dr/cold-site", "real", "succeeded", 30),
        ]  # fmt: skip
        for n, (playbook, kind, state, minutes) in enumerate(lengths, 1):
            ended = tx.now - timedelta(hours=n)
            more = {"id": f"org/{n}", "number": n, "playbook": playbook, "kind": kind, "state": state}
            began = ended - timedelta(minutes=minutes)
            tx.conn.execute(insert(runs).values(row | more | {"created_at": began, "ended_at": ended}))
        return past(tx)

    (found,) = (await db.write(ran)).values()
    assert found.taken == (
        Taken("dr/cold-site", 1, timedelta(minutes=30)), Taken("failover/region", 3, timedelta(minutes=20))
    )  # fmt: skip
    assert found.rehearsed is not None  # by the drill, not by the declaration of one


def test_what_the_example_says_of_its_own_contradictions() -> None:
    """Each line of the comment above the example's services, by what the doctor says of it."""
    policy = example()
    slow = {
        "checkout": History((Taken("failover/secondary-site", 1, timedelta(minutes=60)),)),
        "storefront": History(
            (Taken("host/dr-server", 1, timedelta(minutes=45)), Taken("drill/dr-server", 1, timedelta(minutes=59)))
        ),
    }
    said = report(shortfalls(policy, slow)).splitlines()
    found: dict[str, list[str]] = {
        "[003] the databases: RPO 15 min, yet a backup every 6 hours": [
            "⚠️ storefront: RPO 15 min cannot be met at primary: newest copy up to 6 h old"],
        "[003] Redis: RPO 1 hour, yet a backup once a day": [
            "⚠️ storefront-redis: RPO 1 h cannot be met at primary: newest copy up to 1 day old"],
        "media: RPO 24 h and one backup a day, with no room for its length": [
            "⚠️ storefront-media: RPO 1 day leaves no room at primary: a copy is made as seldom, and counts once finished"],
        "[002] regional outage: RPO 15 min, yet the replica may be 15 min behind; tier 1 allows 5 min of database RPO": [
            "⚠️ checkout: RPO 5 min cannot be met at secondary: the replica may be 15 min behind"],
        "[002] provider outage: RPO 30 min, yet the cold site has a daily copy": [
            "⚠️ checkout: RPO 5 min cannot be met at tertiary: newest copy up to 1 day old",
            "⚠️ checkout: RPO 30 min of provider_outage cannot be met at tertiary: newest copy up to 1 day old"],
        "[003] host failure: 45-90 min, RTO 15-30 min": [
            "⚠️ storefront: RTO 15 min cannot be met by host/dr-server: it took 45 min (one run)"],
        "[002] tier 1 recovers within 15 min, yet a regional failover is allowed 60": [
            "⚠️ checkout: RTO 15 min, yet regional_outage is allowed 1 h at secondary",
            "⚠️ checkout: RTO 15 min cannot be met by failover/secondary-site: it took 1 h (one run)"],
        "[003] drills pass below 60 min": [
            "⚠️ storefront: RTO 15 min cannot be met by drill/dr-server: it took 59 min (one run)"],
    }  # fmt: skip
    text = (
        EXAMPLE.read_text().split("contradict themselves, the strictest value stands", 1)[1].split("\nservices:", 1)[0]
    )
    comment = " ".join(line.removeprefix("#").strip() for line in text.splitlines()[1:])
    for claim, lines in found.items():
        assert claim in comment and set(lines) <= set(said), claim
        comment = comment.replace(claim, "")
    left = comment.replace("only log archiving meets it (backups.logs)", "")
    assert not left.strip(" :;,."), f"named in the comment, and not found by the doctor: {left}"
    assert not any("checkout: RPO 5 min cannot be met at primary" in line for line in said)  # its log is archived
    brief = short(policy, shortfalls(policy, slow))
    assert brief.state == "warning" and "cannot meet theirs: checkout, storefront, storefront-redis" in brief.text


def example() -> Policy:
    return load_policy(EXAMPLE)


def test_the_command_line_says_them_without_a_database(tmp_path: Path) -> None:
    env = {"DATABASE_URL": f"sqlite:///{tmp_path / 'none.db'}", "MUSTER_CONFIG": str(EXAMPLE)}
    plain = CliRunner().invoke(app, ["doctor", "objectives"], env=env)
    assert plain.exit_code == 1 and "checkout: RPO 5 min cannot be met at tertiary" in plain.output
    found = json.loads(CliRunner().invoke(app, ["doctor", "objectives", "--json"], env=env).output)
    assert [Shortfall(**one) for one in found] == shortfalls(example(), {})
    assert not (tmp_path / "none.db").exists() or (tmp_path / "none.db").stat().st_size == 0
