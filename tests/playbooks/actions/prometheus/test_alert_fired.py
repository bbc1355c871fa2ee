"""`prometheus.alert_fired`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bot.sandbox.client import SandboxClient
from playbooks.actions.prometheus.alert_fired import AlertFired
from playbooks.connectors.prometheus import PrometheusReads
from playbooks.errors import NotYet


async def test_one_that_came_and_went_counts_and_an_old_one_does_not(
    world: Any, prometheus: PrometheusReads, sb: SandboxClient
) -> None:
    at = world(prometheus)
    step = AlertFired(alert="DatabaseDown", since="10m")
    plan = await step.plan(at)
    assert plan.effect == "DatabaseDown must have fired in the last 10 min, within 5 min"
    assert plan.notes == ("Now: DatabaseDown has not fired in the last 10 min",) and plan.outputs is None
    await sb.post("prometheus", alert="DatabaseDown", age_s=700, labels={"db": "orders"})
    with pytest.raises(NotYet):
        await step.look(at)
    await sb.post("prometheus", alert="DatabaseDown", age_s=300, labels={"db": 'or"ders'})
    seen = await step.look(at)
    assert seen.fired and "db=or" in seen.series[0]
    with pytest.raises(NotYet, match="DatabaseDown fired in the last 10 min"):
        await AlertFired(alert="DatabaseDown", fired=False).look(at)
    with pytest.raises(NotYet):
        await AlertFired(alert="DatabaseDown", labels={"db": "users"}).look(at)
    assert AlertFired(alert="A", labels={"b": 'x"}) or up{a="'}, since="90s").query() == (
        'count_over_time(ALERTS{alertname="A",alertstate="firing",b="x\\"}) or up{a=\\""}[1m30s])'
    )
    for wrong in ({"alert": 'x"} or up'}, {"alert": "x", "labels": {'b="1",c': "2"}}):
        with pytest.raises(ValidationError):
            AlertFired(**wrong)
