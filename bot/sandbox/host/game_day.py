"""staging's scripts for rehearsals and game days, and what waits there while a dependency is made to fail.

Belongs here: `disaster_recovery.sh` and `run_chaos_game_day.sh` of runbook 000. Not: other scripts (scripts.py).
"""

from __future__ import annotations

import json

from bot.sandbox.host.machine import Machine

Said = tuple[int, str]
USAGE = 64
WAITS = {  # dependency -> the queues that fill while it fails
    "smtp_outage": ("mail",), "payment_webhook_backoff": ("webhooks", "webhooks-dlq"),
    "payment_link_throttling": ("payment-links",), "storage_failover": ("uploads",),
}  # fmt: skip
QUEUES = {
    f'sum(queue_depth{{queue="{queue}",environment="staging"}})': fault
    for fault, queues in WAITS.items()
    for queue in queues
}


def rehearsal(machine: Machine, args: list[str]) -> Said:
    """`disaster_recovery.sh`: what it restored, as one JSON object."""
    if args == ["--region-failover"]:
        return 0, json.dumps({"failed_over": True, "seconds": 212})
    if args[:1] != ["--restore-latest"]:
        return USAGE, "usage: disaster_recovery.sh --restore-latest … | --region-failover"
    said = {
        "database": "scratch_rehearsal", "migrated_to": "head", "seeded_rows": 4520, "queue_drained": True,
        "storage": {"object_storage": True, "analytics_warehouse": True}, "webhooks_replayed": True,
        "canary_score": 0.98,
    }  # fmt: skip
    return 0, json.dumps(said)


def game_day(machine: Machine, args: list[str]) -> Said:
    """`run_chaos_game_day.sh`: lets a dependency fail, ends that, or says whether it does."""
    match args:
        case ["--inject", fault, length] if fault in WAITS and length.startswith("--for="):
            if fault in machine.failing:
                return 3, f"{fault} is injected already"
            machine.failing.add(fault)
            machine.failed.add(fault)
        case ["--end", fault] if fault in WAITS:
            machine.failing.discard(fault)
        case ["--status", fault] if fault in WAITS:
            pass
        case _:
            return USAGE, "usage: run_chaos_game_day.sh (--inject FAULT --for=30m | --end FAULT | --status FAULT)"
    return 0, json.dumps({"fault": fault, "injected": fault in machine.failing})


def waiting(machine: Machine, query: str) -> str | None:
    """What Prometheus measures of that queue, now or at most of late; None when it is none of these."""
    most = query.removeprefix("max_over_time((").removesuffix(")[1h:1m])")
    fault = QUEUES.get(most)
    if fault is None:
        return None
    return "7" if fault in (machine.failing if most == query else machine.failed) else "0"
