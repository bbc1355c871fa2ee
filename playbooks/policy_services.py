"""The sections of muster.yaml about what is run and where: services and sites.

Belongs here: their typed shapes, and a service's values at one site as playbooks read them (`${{ service.x }}`).
Does not belong here: looking one up by name (policy.py), evaluating references (engine/values.py).
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from playbooks.durations import Duration
from playbooks.policy_sections import Address, Section
from playbooks.secrets import SecretRef


class SiteAws(Section):
    """How steps sign in to AWS at a site. roles: ARN by what a step does; where none is given, as the process itself.

    A role is assumed for minutes, under a session named after the step, so that CloudTrail names the step.
    """

    roles: dict[Literal["read", "write", "contain", "destructive"], str] = Field(default_factory=dict)


class Site(Section):
    """A place services run. kind: production, drill (a sandbox), standby (kept warm) or cold (empty until needed).

    drills: whether drills may reach it, as may playbooks whose usual site is one of these. cluster: the context of
    KUBECONFIG. prometheus: its address.
    """

    name: str = ""
    title: str = ""
    region: str | None = None
    kind: Literal["production", "standby", "drill", "cold"] = "production"
    drills: bool = False
    aws: SiteAws = SiteAws()
    cluster: str | None = None
    prometheus: Address | None = None

    def scope(self) -> dict[str, Any]:
        """What `${{ site.x }}` reads: JSON values."""
        return self.model_dump(mode="json")


class Database(Section):
    """A service's database at a site. dsn: a secret reference, never an address with a password.

    instance, cluster: RDS identifiers (of the read replica at a standby site). admin: a reference for what needs more
    than reading (promote, read-only). secret: the name in Secrets Manager that holds the address services read, and
    secret_key its key when it is JSON. subnet_group, security_groups, parameter_group, multi_az: of what is restored.
    """

    instance: str | None = None
    cluster: str | None = None
    dsn: SecretRef | None = None
    admin: SecretRef | None = None
    engine: Literal["postgres", "mysql", "aurora-postgresql", "aurora-mysql"] = "postgres"
    secret: str | None = None
    secret_key: str | None = None
    subnet_group: str | None = None
    security_groups: tuple[str, ...] = ()
    parameter_group: str | None = None
    multi_az: bool = True


class Cache(Section):
    """A service's Redis. url, replica: secret references; group, node: what ElastiCache calls it."""

    url: SecretRef | None = None
    replica: SecretRef | None = None
    group: str | None = None
    cluster: str | None = None
    nodes: tuple[str, ...] = ()


class Dns(Section):
    """The record people reach a service by. values: what it says when the service is active at this site."""

    zone: str
    name: str
    type: Literal["A", "AAAA", "CNAME"] = "A"
    ttl: int = Field(default=60, ge=1, le=86400)
    values: tuple[str, ...] = ()
    set_identifier: str | None = None
    resolver: Address | None = None


class Balancer(Section):
    """A load balancer of ELBv2 by ARN. target_group: of this site; rule: where not the listener's default sends."""

    listener: str | None = None
    rule: str | None = None
    target_group: str | None = None


class Workload(Section):
    """What runs in Kubernetes. replicas: when active here; standby_replicas: when not. cluster: "" is the site's."""

    cluster: str | None = None
    namespace: str = "default"
    deployment: str
    selector: str = ""
    replicas: int = Field(default=3, ge=0)
    standby_replicas: int = Field(default=1, ge=0)
    config_map: str | None = None
    database_key: str = "DATABASE_URL"


class HostPart(Section):
    """What runs on a host by compose. name: one of `hosts`; containers: that must all be healthy."""

    name: str
    compose: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    database_container: str | None = None
    volume: str | None = None
    release: str | None = None


class Network(Section):
    """What isolates a site: instances and the security group that lets nothing in or out."""

    instances: tuple[str, ...] = ()
    quarantine_group: str | None = None
    scaling_group: str | None = None


class Backups(Section):
    """Where copies of a service's data lie, how often one is made, and how long they are kept.

    lag: how far a replica or replicated bucket may be behind; logs: whether a point in time can be restored.
    """

    bucket: str | None = None
    prefix: str = ""
    offsite_bucket: str | None = None
    path: str | None = None
    every: Duration | None = None
    keep: Duration | None = None
    lag: Duration | None = None
    logs: bool = False
    encrypted: bool = False


class Switch(Section):
    """A flag services read (ENABLE_REDIS) and the one system that holds it."""

    config_map: str | None = None
    parameter: str | None = None
    secret: str | None = None
    key: str = ""
    on: str = "true"
    off: str = "false"

    @model_validator(mode="after")
    def _one_holder(self) -> Switch:
        held = [name for name in ("config_map", "parameter", "secret") if getattr(self, name)]
        if len(held) != 1:
            raise ValueError("a switch is held by exactly one of config_map, parameter, secret")
        if not self.parameter and not self.key:
            raise ValueError(f"a switch in a {held[0]} needs its key")
        return self


class ServicePage(Section):
    """How this service pages. escalation_policy is as people name it; phone is what to call when PagerDuty fails."""

    routing_key: SecretRef | None = None
    service: str | None = None
    escalation_policy: str | None = None
    phone: str | None = None


class Resources(Section):
    """What a service consists of at one site. queues: name -> the Prometheus query of its depth."""

    database: Database | None = None
    health_url: Address | None = None
    canary_url: Address | None = None
    url: Address | None = None
    critical_tables: tuple[str, ...] = ()
    cache: Cache | None = None
    dns: Dns | None = None
    balancer: Balancer | None = None
    kubernetes: Workload | None = None
    host: HostPart | None = None
    network: Network | None = None
    backups: Backups | None = None
    queues: dict[str, str] = Field(default_factory=dict)
    switches: dict[str, Switch] = Field(default_factory=dict)


class Service(Resources):
    """Something people depend on. Resources may stand directly (one site) or per site under `resources`.

    tier: 0 (first to recover) to 3; rto, rpo: the longest outage and the most data lost that is acceptable.
    """

    name: str = ""
    title: str = ""
    tier: int = Field(ge=0, le=3)
    rto: Duration
    rpo: Duration
    owners: str | None = None
    recovery_order: int | None = None
    site: str | None = None
    resources: dict[str, Resources] = Field(default_factory=dict)
    pagerduty: ServicePage = ServicePage()
    status_page_components: tuple[str, ...] = ()

    def at(self, site: str | None) -> Service:
        """This service with the resources it has at that site in place of the ones it has everywhere."""
        there = self.resources.get(site or self.site or "")
        if there is None:
            return self
        return self.model_copy(update={name: getattr(there, name) for name in there.model_fields_set})

    def scope(self, site: str | None = None) -> dict[str, Any]:
        """What `${{ service.x }}` reads: JSON values; durations as "15m", secrets as their references."""
        return self.at(site).model_dump(mode="json", exclude={"resources"})
