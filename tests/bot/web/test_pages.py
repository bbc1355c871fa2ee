"""Playbooks, services, the record and people over real HTTP: what they show, and what only some may see."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text, update

from bot.app import App
from bot.sandbox.client import SandboxClient
from storage import people as rows
from storage import placements
from storage.db import Tx
from storage.tables import incidents


async def test_the_pages_beside_the_incidents(bot: App, people: SandboxClient, browse: Any) -> None:
    await people.type("U0ANA", "incidents", "/incident declare sev1 checkout is down service=checkout")
    await people.wait_for("incidents", "INC-1", as_user="U0ANA")
    ana = await browse("U0ANA")

    index = (await ana.go("/playbooks?words=multi-az")).text
    assert 'href="/playbooks/failover/rds-multi-az"' in index and "contact-tree" not in index
    page = (await ana.go("/playbooks/failover/rds-multi-az")).text
    for part in ("<h2>Steps</h2>", "aws.rds_failover", "waits for approval", "It has not run yet", "never rehearsed",
                 "<table>", "sha256:"):  # fmt: skip
        assert part in page, part
    assert (await ana.go("/playbooks/failover/none")).status_code == 404
    ran = (await ana.go("/playbooks/declare/default")).text
    assert 'href="/incidents/INC-1#run-1"' in ran and "Ana" in ran

    services = (await ana.go("/services")).text
    assert "Tier <strong>" in services and "RTO <strong>" in services and 'href="/incidents/INC-1"' in services
    assert services.index('id="checkout"') < services.index("</main>") and "Moves" not in services
    policy = bot.house.policy
    away = next(name for name in policy.sites if name != policy.services["checkout"].site)
    await bot.db.write(lambda tx: placements.add(tx, service="checkout", site=away, was=None, run="INC-1/2", step=1))
    moved = (await ana.go("/services")).text
    assert "Moves" in moved and "away from home" in moved

    record = (await ana.go("/audit?stream=inc-1")).text
    assert "events fit" in record and "Verify INC-1" in record and "Verify org" not in record
    assert (await ana.go("/audit?stream=org")).status_code == 404 == (await ana.go("/people")).status_code
    assert (await ana.go("/audit?stream=INC-7")).status_code == 404

    def make_admin(tx: Tx) -> None:
        person = rows.account(tx, "slack", "T0MUSTER/U0CHI")
        assert person and person.person
        group = policy.permissions.administer[0]
        rows.set_group(tx, group, {"policy": [person.person]})
        rows.believe(tx, "pagerduty", "PNOBODY", state=rows.UNMAPPED, name="Pat <i>Duty</i>")

    chi = await browse("U0CHI")
    await bot.db.write(make_admin)
    who = (await chi.go("/people")).text
    assert "Pat &lt;i&gt;Duty" in who and "belongs to nobody" in who and "U0ANA" in who and 'href="/people"' in who
    only = (await chi.go("/people?words=u0ana")).text
    assert "1 of " in only and "T0MUSTER/U0CHI" not in only
    org = (await chi.go("/audit?stream=org")).text
    assert "events fit" in org and "session.opened" in org

    def bend(tx: Tx) -> None:
        tx.conn.execute(text("DROP TRIGGER IF EXISTS events_no_update"))
        for name in tx.conn.execute(text("SELECT name FROM sqlite_master WHERE type='trigger'")).scalars().all():
            tx.conn.execute(text(f'DROP TRIGGER "{name}"'))
        tx.conn.execute(text("UPDATE events SET body = replace(body, 'sev1', 'sev3') WHERE stream='INC-1' AND seq=1"))

    await bot.db.write(bend)
    bad = (await ana.go("/audit?stream=INC-1")).text
    assert "event 1 of INC-1" in bad and "events fit" not in bad

    await bot.db.write(lambda tx: tx.conn.execute(update(incidents).values(private=True)))
    eve = await browse("U0EVE")
    for path in ("/services", "/playbooks/declare/default", "/audit", "/numbers", "/incidents?which=all"):
        assert "INC-1" not in (await eve.go(path)).text, path
    assert (await eve.go("/audit?stream=INC-1")).status_code == 404
