"""CloudWatch's measurements of read replicas: moto has none for its databases, so this thin correction answers itself.

1. ``GetMetricStatistics`` of ``AWS/RDS``: ``ReplicaLag`` in seconds for an instance with a source, ``AuroraReplicaLag``
   in milliseconds for a reader of a cluster; for any other there is no datapoint, as in AWS.
"""

from __future__ import annotations

import time
from typing import Any

from bot.sandbox.aws_rds import Corrections
from bot.sandbox.settings import Settings


def statistics(asked: dict[str, Any], rds: Corrections, settings: Settings) -> dict[str, Any]:
    """The answer: one datapoint of a minute ago, or none."""
    names = [one["Value"] for one in asked.get("Dimensions") or () if one["Name"] == "DBInstanceIdentifier"]
    instance = rds.instance(names[0]) if names and asked.get("Namespace") == "AWS/RDS" else None
    metric, found = asked.get("MetricName"), None
    if instance is not None and metric == "ReplicaLag" and instance.source_db_instance_identifier:
        found = (settings.replica_lag_seconds, "Seconds")
    elif instance is not None and metric == "AuroraReplicaLag" and instance.db_cluster_identifier:
        found = (20.0, "Milliseconds")
    points = [{"Timestamp": time.time() - 60, "Maximum": found[0], "Unit": found[1]}] if found else []
    return {"Label": metric, "Datapoints": points}
