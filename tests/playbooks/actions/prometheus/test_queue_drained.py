"""`prometheus.queue_drained`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.prometheus.queue_drained import QueueDrained
from playbooks.connectors.prometheus import PrometheusReads
from playbooks.errors import NotYet

QUEUES = {"webhooks": 'sum(queue_depth{queue="webhooks"})', "dead_letters": 'sum(queue_depth{queue="webhooks-dlq"})'}


async def test_each_must_be_empty_enough_and_known(world: Any, prometheus: PrometheusReads, sb: SandboxClient) -> None:
    at = world(prometheus)
    step = QueueDrained(queues=QUEUES)
    seen = await step.look(at)
    assert step.say(seen) == "webhooks holds 0, dead_letters holds 0"
    await sb.post("prometheus", query=QUEUES["dead_letters"], values=3)
    with pytest.raises(NotYet, match=r"^dead_letters holds 3$"):
        await step.look(at)
    assert (await QueueDrained(queues=QUEUES, at_most=3).look(at)).depths["dead_letters"] == 3
    plan = await step.plan(at)
    assert plan.effect == "webhooks, dead_letters must hold at most 0 within 15 min" and "holds 3" in plan.notes[0]
    with pytest.raises(NotYet, match="other is not known"):
        await QueueDrained(queues={"other": "nothing"}).look(at)
    await sb.fail("prometheus", "query", "reset")
    with pytest.raises(NotYet, match="Prometheus"):
        await step.look(at)
