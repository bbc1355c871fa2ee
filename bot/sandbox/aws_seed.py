"""What the example policy names in AWS exists in the sandbox under these very names, in each region.

Belongs here: making load balancers and the like in moto under the ARNs of muster.example.yaml (moto makes up its own).
Does not belong here: corrections of how moto answers (aws_<service>.py).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from bot.sandbox.aws_buckets import buckets

HOME, AWAY = "eu-north-1", "eu-west-1"
REGIONS = (HOME, AWAY)
OWNER = "123456789012"  # the account whose ARNs the example names
LISTENER = f"arn:aws:elasticloadbalancing:{HOME}:{OWNER}:listener/app/checkout/1/1"
GROUP = f"arn:aws:elasticloadbalancing:{HOME}:{OWNER}:targetgroup/checkout/1"
AWAY_GROUP = f"arn:aws:elasticloadbalancing:{AWAY}:{OWNER}:targetgroup/checkout-dr/1"
AWAY_LISTENER = f"arn:aws:elasticloadbalancing:{AWAY}:{OWNER}:listener/app/checkout-dr/1/1"
AWAY_PAGE = f"arn:aws:elasticloadbalancing:{AWAY}:{OWNER}:targetgroup/checkout-dr-page/1"
ADDRESS = "postgresql://orders:sandbox-password@orders-db.example.com:5432/orders?sslmode=require"
QUARANTINE = "sg-quarantine"
REPLICA = "orders-db-replica"
MACHINES = ("i-0c4ec0a700000001", "i-0c4ec0a700000002")  # checkout's, in its auto scaling group
Backend = Callable[[str, str], Any]  # (service, region) -> moto's backend


def balancers(backend: Backend) -> None:
    """A balancer in each region. At home it forwards to checkout; away to a page that says nothing runs here yet."""
    _group(backend, HOME, "checkout", GROUP, 2)
    _group(backend, AWAY, "checkout-dr", AWAY_GROUP, 2)
    _group(backend, AWAY, "checkout-dr-page", AWAY_PAGE, 1)
    _balancer(backend, HOME, "checkout", LISTENER, GROUP)
    _balancer(backend, AWAY, "checkout-dr", AWAY_LISTENER, AWAY_PAGE)


def _group(backend: Backend, region: str, name: str, arn: str, targets: int) -> None:
    vpc = next(iter(backend("ec2", region).vpcs.values()))
    elb = backend("elbv2", region)
    made = elb.create_target_group(
        name, vpc_id=vpc.id, protocol="HTTP", port="80", target_type="ip", healthcheck_protocol="HTTP",
        healthcheck_port="traffic-port", healthcheck_path="/health", healthcheck_interval_seconds=30,
        healthcheck_timeout_seconds=5, healthy_threshold_count=5, unhealthy_threshold_count=2,
        healthcheck_enabled="true", matcher={"HttpCode": "200"},
    )  # fmt: skip
    _rename(elb.target_groups, made, arn)
    elb.register_targets(arn, [{"Id": f"10.0.0.{number}", "Port": "80"} for number in range(1, targets + 1)])


def _balancer(backend: Backend, region: str, name: str, arn: str, group: str) -> None:
    ec2, elb = backend("ec2", region), backend("elbv2", region)
    subnets = [one.id for one in ec2.get_default_subnets().values()][:2]
    made = elb.create_load_balancer(name, [], subnets, loadbalancer_type="application")
    heard = elb.create_listener(made.arn, "HTTP", "80", "", None, [{"Type": "forward", "TargetGroupArn": group}])
    _rename(made.listeners, heard, arn)


def _rename(kept: dict[str, Any], made: Any, arn: str) -> None:
    del kept[made.arn]
    made.arn = arn
    kept[arn] = made


def replicas(backend: Backend) -> None:
    """The read replica of orders-db in the other region."""
    source = backend("rds", HOME).databases["orders-db"]
    made = backend("rds", AWAY).create_db_instance_read_replica({
        "db_instance_identifier": REPLICA, "source_db_instance_identifier": source.db_instance_arn,
    })  # fmt: skip
    made.multi_az, made.availability_zone = False, f"{AWAY}a"


def cluster(backend: Backend) -> None:
    """An Aurora cluster of a writer and a reader."""
    rds = backend("rds", HOME)
    made = rds.create_db_cluster({
        "db_cluster_identifier": "ledger", "engine": "aurora-postgresql", "master_username": "ledger",
        "master_user_password": "sandbox-password",
    })  # fmt: skip
    for name in ("ledger-1", "ledger-2"):
        rds.create_db_instance({
            "db_instance_identifier": name, "db_cluster_identifier": "ledger", "engine": "aurora-postgresql",
            "db_instance_class": "db.r6g.large",
        })  # fmt: skip
    made.status = "available"


def network(backend: Backend) -> None:
    """The subnet group and the parameter group that a restored orders-db is put into."""
    subnets = list(backend("ec2", HOME).get_default_subnets().values())
    rds = backend("rds", HOME)
    rds.create_subnet_group("orders", "orders", subnets, [])
    rds.create_db_parameter_group({
        "db_parameter_group_name": "orders-pg15", "db_parameter_group_family": "postgres15", "description": "orders",
        "tags": [],
    })  # fmt: skip


def secrets(backend: Backend) -> None:
    """The secret that holds checkout's database address, two with keys and one that AWS rotates, in both regions."""
    for region in (HOME, AWAY):
        kept = backend("secretsmanager", region)
        for name, text in (
            ("checkout/database-url", ADDRESS), ("checkout/api", '{"token": "old-token", "url": "x"}'),
            ("checkout/settings", '{"redis": true, "mode": "full", "token": "planted-token"}'),
            ("checkout/rotated", "planted-password"),
        ):  # fmt: skip
            kept.create_secret(
                name=name, secret_string=text, secret_binary=None, description=None, tags=[], kms_key_id=None,
                client_request_token=None, replica_regions=[], force_overwrite=False,
            )  # fmt: skip
        rotated = kept.secrets["checkout/rotated"]
        rotated.rotation_enabled = rotated.rotation_requested = True


def machines(backend: Backend) -> None:
    """Two instances in the auto scaling group `checkout`, and the group that lets nothing in or out, unused."""
    ec2, scaling = backend("ec2", HOME), backend("autoscaling", HOME)
    if "checkout" in scaling.autoscaling_groups:
        return
    vpc = next(iter(ec2.vpcs.values()))
    shut = ec2.create_security_group("quarantine", "lets nothing in or out", vpc_id=vpc.id)
    del ec2.groups[vpc.id][shut.id]
    shut.id = shut.group_id = QUARANTINE
    ec2.groups[vpc.id][QUARANTINE] = shut
    shut.egress_rules.clear()
    image, subnet = next(iter(ec2.amis)), next(iter(ec2.get_default_subnets().values()))
    # The interfaces alone hold groups: moto would add an instance's own to whatever an interface is given.
    made = ec2.run_instances(
        image, len(MACHINES), None, [], instance_type="t3.micro", subnet_id=subnet.id, placement=None,
        region_name=HOME, owner_id=OWNER, key_name=None, ebs_optimized=False, associate_public_ip=False,
        instance_initiated_shutdown_behavior="stop", private_ip=None, tags={}, nics=[], metadata_options=None,
        monitoring_state="disabled", is_instance_type_default=False, hibernation_options=None,
    )  # fmt: skip
    for one, id in zip(made.instances, MACHINES, strict=True):
        one.id = id
    scaling.create_launch_configuration(
        "checkout", image, None, "", "", [], None, "t3.micro", False, None, None, None, False, []
    )
    group = scaling.create_auto_scaling_group(
        "checkout", [f"{HOME}a"], 0, 4, 0, "checkout", {}, None, None, None, None, [], [], None, [], []
    )
    scaling.attach_instances("checkout", list(MACHINES))
    group.min_size = 2


def caches(backend: Backend) -> None:
    """Checkout's cache: a primary and a replica, with automatic failover."""
    cache = backend("elasticache", HOME)
    _filled(
        cache.create_replication_group, replication_group_id="checkout-cache", replication_group_description="checkout",
        automatic_failover_enabled=True, multi_az_enabled=True, replicas_per_node_group=1, snapshot_retention_limit=0,
        preferred_cache_cluster_azs=[f"{HOME}a", f"{HOME}b"], engine="redis",
    )  # fmt: skip
    for id in ("checkout-cache-001", "checkout-cache-002"):
        made = _filled(
            cache.create_cache_cluster, cache_cluster_id=id, replication_group_id="checkout-cache", engine="redis",
            cache_node_type="cache.t4g.small",
        )  # fmt: skip
        made.cache_nodes = [{"cache_node_id": "0001", "cache_node_status": "available"}]


def parameters(backend: Backend) -> None:
    """A switch in a plain parameter, and a parameter nobody may see."""
    kept = backend("ssm", HOME)
    for name, value, kind in (("/checkout/redis", "true", "String"), ("/checkout/token", "old-token", "SecureString")):
        _filled(kept.put_parameter, name=name, value=value, parameter_type=kind, overwrite=False, tags=[],
                data_type="text")  # fmt: skip


def _filled(make: Callable[..., Any], **given: Any) -> Any:
    """Call one of moto's makers, all of whose arguments must be given."""
    return make(**{name: given.get(name) for name in inspect.signature(make).parameters})


# By the name requests are signed for, or by the action that needs it: loading EC2's images takes half a second.
SEEDS: dict[str, Callable[[Backend], None]] = {
    "elasticloadbalancing": balancers, "rds": replicas, "secretsmanager": secrets,
    "RestoreDBInstanceToPointInTime": network, "DescribeDBClusters": cluster,
    "ec2": machines, "autoscaling": machines, "elasticache": caches, "ssm": parameters, "s3": buckets,
}  # fmt: skip
