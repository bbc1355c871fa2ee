"""Which policy rules at a start: also after an upgrade, where the row was written by a version that guarded less."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from bot.ruling import ruling_policy
from playbooks.engine.policy_change import as_read, sections_of
from playbooks.policy import Policy, parse_policy
from storage import policies, timeline
from storage.db import Database, Tx
from storage.policies import PolicyRow
from storage.tables import policies as rows

FILE = """
severities: {sev1: {title: outage}}
groups: {sre: {people: [ben]}, boss: {people: [chi]}}
people: {ben: {slack: UBEN}, chi: {slack: UCHI}}
approvals: {people: 2, from: [sre]}
permissions: {administer: boss}
"""
LOOSER = FILE.replace("administer: boss", "administer: [boss, sre]")


def older(tx: Tx, policy: Policy) -> None:
    """The row as the version before wrote it: three sections, without a field that came later."""
    sections = {name: value for name, value in sections_of(policy).items() if name not in ("permissions", "commands")}
    sections["approvals"] = {key: value for key, value in sections["approvals"].items() if key != "contain"}
    policies.adopt(tx, sections_of(policy), "old")
    tx.conn.execute(update(rows).values(sections=sections))


async def types(db: Database) -> list[str]:
    return [one.type for one in await db.read(lambda tx: timeline.read(tx, "org"))]


async def test_an_unchanged_file_asks_nobody_after_the_upgrade(db: Database) -> None:
    policy = parse_policy(FILE)
    await db.write(lambda tx: older(tx, policy))
    for _ in range(2):
        assert await db.write(lambda tx: ruling_policy(tx, policy)) == policy
    row = await db.read(policies.active)
    assert row is not None and row.digest == policy.digest() and row.sections["permissions"]["administer"] == ["boss"]
    assert await types(db) == ["policy.adopted", "policy.renewed"], "adopted once, and said"
    (told,) = await db.read(lambda tx: timeline.read(tx, "org", types=("policy.renewed",)))
    assert told.body["adopted"] == ["permissions", "commands"] and not await db.read(policies.proposed)


async def test_after_that_a_file_makes_no_administrators(db: Database) -> None:
    policy, looser = parse_policy(FILE), parse_policy(LOOSER)
    await db.write(lambda tx: older(tx, policy))
    await db.write(lambda tx: ruling_policy(tx, policy))
    ruling = await db.write(lambda tx: ruling_policy(tx, looser))
    assert ruling.permissions.administer == ("boss",) and ruling.digest() == policy.digest()
    assert [one.digest for one in await db.read(policies.proposed)] == [looser.digest()]


async def test_a_file_lowers_no_risk_of_what_runs_on_hosts(db: Database) -> None:
    """Or whoever can write it would run anything without approval."""
    command = "commands: {wipe: {title: Wipe, hosts: [db], argv: [wipe], risk: %s}}\n"
    host = "hosts: {db: {address: 'db', key: 'env://KEY', host_key: 'ssh-ed25519 AAAA'}}\n"
    policy, looser = (parse_policy(FILE + host + command % risk) for risk in ("irreversible", "read"))
    await db.write(lambda tx: ruling_policy(tx, policy))
    ruling = await db.write(lambda tx: ruling_policy(tx, looser))
    assert ruling.commands == policy.commands != looser.commands
    assert [one.digest for one in await db.read(policies.proposed)] == [looser.digest()]


async def test_a_row_of_a_newer_version_stays_as_it_is(db: Database) -> None:
    policy = parse_policy(FILE)
    more: dict[str, Any] = {**sections_of(policy), "secrets": {}}
    row = PolicyRow("newer", more, policies.ACTIVE, None, None)  # type: ignore[arg-type]
    assert as_read(policy, row) is row
