"""Keys are changed: what an older key sealed is sealed by the newest, once, whole, and never lost."""

from __future__ import annotations

import ast
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert, select

from storage import escrow, factors, people, resealing
from storage.db import Database, Tx
from storage.sealing import Seal, new_key
from storage.tables_guard import escrow as escrow_rows
from storage.tables_guard import factors as factor_rows
from storage.timeline import ORG, read

ROOT = Path(__file__).parents[2]
OLD, NEW, LOST = new_key(), new_key(), new_key()
BOTH = Seal(f"{NEW}, {OLD}")
# A process that is killed with everything sealed anew and nothing committed.
STRUCK = """
import asyncio, os, signal, sys
from storage import resealing
from storage.db import Database
from storage.sealing import Seal

def work(tx):
    assert resealing.rotate(tx, Seal(sys.argv[2])).old == 4
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(Database(sys.argv[1]).write(work))
"""


def sealed(tx: Tx) -> None:
    """Factors and escrow by the old key, one of each by the new one and by one nobody has, and a factor turned off."""
    for number, key in enumerate((OLD, OLD, OLD, NEW, LOST)):
        found = people.believe(tx, "slack", f"T1/U{number}", state=people.MEMBER, name=f"Ben {number}")
        assert found.person and factors.offer(tx, found.person, Seal(key).close(f"secret {number}"))
    off = people.believe(tx, "slack", "T1/UOFF", state=people.MEMBER, name="Chi").person
    assert off and factors.offer(tx, off, Seal(OLD).close("gone"))
    assert factors.confirm(tx, off) and factors.revoke(tx, off, off)
    escrow.keep(tx, Seal(OLD), "P-GONE", {"name": "Größe"}, tx.now + timedelta(days=9))
    escrow.keep(tx, Seal(LOST), "P-LOST", {"name": "x"}, tx.now + timedelta(days=9))


def stand(tx: Tx) -> list[str]:
    """Every sealed text, as it stands."""
    queries = (select(factor_rows.c.secret).order_by(factor_rows.c.person),
               select(escrow_rows.c.sealed).order_by(escrow_rows.c.person))  # fmt: skip
    return [text for query in queries for text in tx.conn.execute(query).scalars()]


async def test_all_that_opens_is_sealed_anew_once_and_the_rest_is_named_and_left(db: Database) -> None:
    await db.write(sealed)
    before, first = await db.read(stand), await db.read(lambda tx: resealing.look(tx, BOTH))
    assert (first.count, first.old, first.lost, first.newest) == (7, 4, 2, {"factors": 1})
    killed = subprocess.run([sys.executable, "-c", STRUCK, db.url, f"{NEW} {OLD}"], check=False, cwd=ROOT, timeout=60)
    assert killed.returncode == -signal.SIGKILL and await db.read(stand) == before

    done = await db.write(lambda tx: resealing.rotate(tx, BOTH, account="root"))
    assert done.older == {"factors": 3, "escrow": 1} and done.unopened["escrow"] == ["P-LOST"]
    after = await db.read(stand)
    assert len(done.unopened["factors"]) == 1 and sum(a == b for a, b in zip(after, before, strict=True)) == 4
    alone = await db.read(lambda tx: resealing.look(tx, Seal(NEW)))
    assert (alone.old, alone.lost, alone.newest) == (0, 2, {"factors": 4, "escrow": 1})
    kept = await db.read(lambda tx: escrow.known(tx, "P-GONE"))
    assert Seal(NEW).open(kept.sealed) == '{"name": "Größe"}' and not kept.opened

    assert (await db.write(lambda tx: resealing.rotate(tx, BOTH))).old == 0 and await db.read(stand) == after
    (event,) = await db.read(lambda tx: read(tx, ORG, types=("key.rotated",)))
    assert event.body == {"resealed": {"escrow": 1, "factors": 3}, "unopened": 2, "via": "cli"}
    assert event.text("account") == "root" and NEW not in str(event) and OLD not in str(event)


async def test_progress_is_told_on_the_way(db: Database) -> None:
    def work(tx: Tx) -> list[int]:
        row = {"sealed": Seal(OLD).close("{}"), "erased_at": tx.now, "until": tx.now, "opened": False}
        tx.conn.execute(insert(escrow_rows), [{"person": f"P-{n:04}", **row} for n in range(120)])
        told: list[int] = []
        assert resealing.rotate(tx, BOTH, progress=told.append).old == 120
        return told

    assert await db.write(work) == [resealing.TELL_EVERY] * 2


def test_every_place_that_seals_a_row_is_known() -> None:
    """Whoever seals something new must say in `resealing.SEALED` in which column it stands."""
    places = set()
    for folder in ("bot", "commands", "playbooks", "storage"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                called = node.func if isinstance(node, ast.Call) else None
                if isinstance(called, ast.Attribute) and called.attr == "close" and "seal" in ast.unparse(called.value):
                    places.add(path.relative_to(ROOT).as_posix())
    ticket = "bot/enrolling.py"  # stands in an address for five minutes, in no row
    assert places == {ticket, "playbooks/step_up.py", "storage/escrow.py"}
    assert {str(column) for _, column in resealing.SEALED} == {"factors.secret", "escrow.sealed"}
