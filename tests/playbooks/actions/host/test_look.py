"""`host.look`: what it says, and that every command of the example is understood."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.host.look import Look
from playbooks.errors import Refused, Temporary
from playbooks.policy import Policy


async def test_the_newest_backup_at_or_before_a_time(at: Any, sb: SandboxClient) -> None:
    world, _ = at()
    safe = (datetime.now(UTC) - timedelta(hours=10)).isoformat()
    step = Look(host="production", command="backup_at_or_before", arguments={"safe_time": safe})
    seen = await step.look(world)
    assert seen.values["backup"] == "/backups/postgres/main_db_015h.sql.gz" and seen.matched and seen.exit == 0
    newest = await Look(host="production", command="backup_latest").look(world)
    assert newest.values["backup"] == "/backups/postgres/main_db_003h.sql.gz"
    plan = await step.plan(world)
    assert "sh /backups/postgres main" in plan.effect and plan.outputs["values"] == seen.values
    await sb.change_host(
        "production", files={f"/backups/postgres/main_db_{h:03d}h.sql.gz": None for h in (3, 9, 15, 21)}
    )
    with pytest.raises(Refused, match="its output has no"):
        await step.look(world)


async def test_what_is_not_as_expected_fails_unless_it_may_be(at: Any, sb: SandboxClient) -> None:
    world, _ = at()
    await sb.change_host("production", disk_used=97)
    with pytest.raises(Refused, match="disk_report on production: used is 97, more than 90"):
        await Look(host="production", command="disk_report").look(world)
    seen = await Look(host="production", command="disk_report", must_match=False).look(world)
    assert not seen.matched and seen.values == {"used": "97"} and Look.say(Look.model_construct(), seen)
    logs = await Look(host="production", command="compose_logs", arguments={"service": "redis"}).look(world)
    assert "hunter2" not in logs.output and "hunter2" not in logs.model_dump_json()
    await sb.change_host("production", files={"/backups/postgres/main_db_003h.sql.gz": {"bad": True}})
    for command in ("backup_unpacks", "backup_checksum"):
        with pytest.raises(Refused, match="it ended with 1"):
            await Look(host="production", command=command,
                       arguments={"backup": "/backups/postgres/main_db_003h.sql.gz"}).look(world)  # fmt: skip
    await sb.fail("host", "df", "reset")
    with pytest.raises(Temporary):
        await Look(host="production", command="disk_report").look(world)


SAMPLES: dict[str, str | int] = {
    "service": "redis", "container": "ecommerce_postgres", "volume": "ecommerce_postgres_data", "lines": 5,
    "database": "main", "safe_time": "2026-11-20T02:00:00Z", "port": "80", "release": "v1.3", "incident": "inc-42",
    "source": "ecommerce_postgres_data", "target": "forensic-x", "environment": "staging", "leave": 2, "marker": "0" * 32,
    "backup": "/backups/postgres/main_db_003h.sql.gz", "region": "us-west-2", "users": 10, "minutes": 5, "days": 7,
    "address": "http://dr-api:8000/api/v1/health/ping", "object": "checkout/daily.sql.gz", "version": "v1.Ab_c/d=",
}  # fmt: skip


async def test_every_command_of_the_example_is_understood_by_its_hosts(
    policy: Policy, sb: SandboxClient, hosts: Any
) -> None:
    """No argv of the example is one that the stand-in, which refuses what it does not know, has not been taught."""
    from bot.sandbox.host import programs
    from bot.sandbox.host.machine import Machine
    from playbooks.host_commands import argv_of, filled

    unknown = []
    for command in policy.commands.values():
        for host in command.hosts:
            machine = Machine(host)
            machine.bucket = lambda bucket, key, version: ""
            given = {}
            for name, argument in command.arguments.items():
                if argument.type == "choice" and str(SAMPLES.get(name)) not in argument.choices:
                    given[name] = argument.choices[0]
                elif (command.name, name) == ("migrations_upgrade", "database"):
                    given[name] = "scratch_1"
                elif name == "container" and host == "staging":
                    given[name] = "corporate-intel-redis"
                elif (name, host) == ("backup", "cold"):
                    given[name] = "/backups/fetched/k.sql.gz"
                    machine.write(given[name], "rows")
                elif name == "plan":
                    given[name] = "/var/lib/muster/plans/k.tfplan"
                    machine.write(given[name], "Plan")
                else:
                    given[name] = SAMPLES[name]
            if command.name == "volume_remove":
                machine.containers["ecommerce_postgres"].status = "removed"
            if command.name == "container_gone":
                machine.containers.clear()
            if command.name in ("database_rejoin", "database_switch_back"):
                machine.pair.writers = {"corporate-intel-postgres-replica"}
            if command.name == "cold_database_filled":
                machine.databases["checkout"] = "rows"
            if command.name == "volume_gone":
                machine.volumes.clear()
            if "-D" in command.argv or command.name in ("firewall_closed", "network_parted"):
                programs.run(machine, ["-I" if word in ("-D", "-C") else word for word in
                                       argv_of(command, filled(command, given), "k")], ".")  # fmt: skip
            status, said = programs.run(machine, argv_of(command, filled(command, given), "k"), command.cwd or ".")
            if status not in command.expects.exit or (command.cwd and command.cwd not in machine.folders):
                unknown.append(f"{command.name} on {host}: {status} {said}")
    assert unknown == []
    assert programs.run(Machine("dr"), ["whoami"], ".")[0] == 127 and not programs.known(["whoami"])
