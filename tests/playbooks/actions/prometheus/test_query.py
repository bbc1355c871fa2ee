"""`prometheus.query`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.client import SandboxClient
from playbooks.actions.prometheus.query import Query
from playbooks.connectors.prometheus import PrometheusReads
from playbooks.errors import NotYet, Refused

RATIO = "job:error_ratio:rate5m"


def query(**more: Any) -> Query:
    return Query(**{"query": RATIO, "is": "<", "threshold": 0.01, **more})


async def test_every_series_must_be_so_and_no_data_is_no_proof(
    world: Any, prometheus: PrometheusReads, sb: SandboxClient
) -> None:
    at = world(prometheus)
    with pytest.raises(NotYet, match="has no data"):
        await query().look(at)
    await sb.post("prometheus", query=RATIO, values=[[{"job": "api"}, 0.002], [{"job": "web"}, 0.009]])
    seen = await query().look(at)
    assert (seen.value, seen.series, seen.count) == (0.009, "job=web", 2)
    plan = await query(over="10m").plan(at)
    assert plan.effect == f"{RATIO} must be < 0.01 for 10 min within 5 min"
    await sb.post("prometheus", query=RATIO, values=[[{"job": "api"}, 0.002], [{"job": "web"}, 0.02]])
    with pytest.raises(NotYet, match=r"is 0.02 \(job=web\), must be < 0.01"):
        await query().look(at)
    await sb.post("prometheus", query=RATIO, values=[[{"job": "api"}, 0.002], [{"job": "web"}, "NaN"]])
    with pytest.raises(NotYet, match="no data in a series"):
        await query().look(at)
    for sign, good in (("<=", 1.0), (">=", 1.0), ("==", 1.0), ("!=", 2.0), (">", 0.5)):
        await sb.post("prometheus", query="x", values=1)
        assert (await Query(**{"query": "x", "is": sign, "threshold": good}).look(at)).value == 1.0


async def test_over_a_window_every_moment_counts(world: Any, prometheus: PrometheusReads, sb: SandboxClient) -> None:
    at = world(prometheus)
    await sb.post("prometheus", query=RATIO, history=[[500, 0.5], [200, 0.001], [10, 0.002]])
    assert (await query(over="5m").look(at)).value == 0.002
    with pytest.raises(NotYet, match=r"is 0.5"):
        await query(over="10m").look(at)


async def test_a_bad_query_fails_and_silence_is_asked_again(
    world: Any, prometheus: PrometheusReads, sb: SandboxClient
) -> None:
    at = world(prometheus)
    with pytest.raises(Refused, match=r"cannot answer this query: .*parse error"):
        await query(query="sum(x").look(at)
    for mode in ("timeout_before", "500", "429"):
        await sb.fail("prometheus", "query", mode)
        with pytest.raises(NotYet, match="Prometheus"):
            await query().look(at)
