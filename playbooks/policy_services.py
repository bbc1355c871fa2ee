"""The sections of muster.yaml about what is run and where: services and sites.

Belongs here: their typed shapes, and a service's values at one site as playbooks read them (`${{ service.x }}`).
Does not belong here: looking one up by name (policy.py), evaluating references (engine/values.py).
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from playbooks.durations import Duration
from playbooks.policy_sections import Address, Section
from playbooks.secrets import SecretRef


class Site(Section):
    """A place services run. kind: production, drill (a sandbox) or cold (empty until needed)."""

    name: str = ""
    title: str = ""
    region: str | None = None
    kind: Literal["production", "drill", "cold"] = "production"
    drills: bool = False

    def scope(self) -> dict[str, Any]:
        """What `${{ site.x }}` reads: JSON values."""
        return self.model_dump(mode="json")


class Database(Section):
    """A service's database. instance: its RDS identifier; dsn: a secret reference, never an address with a password."""

    instance: str | None = None
    dsn: SecretRef | None = None
    engine: Literal["postgres", "mysql", "aurora-postgresql", "aurora-mysql"] = "postgres"


class ServicePage(Section):
    """How this service pages. escalation_policy is as people name it; phone is what to call when PagerDuty fails."""

    routing_key: SecretRef | None = None
    service: str | None = None
    escalation_policy: str | None = None
    phone: str | None = None


class Resources(Section):
    """What a service consists of at one site."""

    database: Database | None = None
    health_url: Address | None = None
    critical_tables: tuple[str, ...] = ()


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
