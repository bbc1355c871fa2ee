"""`postgres.audit_query`: what did somebody, or a key, do between two times?"""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, field_validator, model_validator

from playbooks.action import Action, Again, Outputs, Risk, World, action
from playbooks.connectors.postgres import AuditLog, PostgresReads
from playbooks.connectors.postgres_tables import SECRETS
from playbooks.secrets import SecretRef

NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"


class Audited(Outputs):
    """What the audit log holds."""

    total: int = Field(description="Entries that fit, all of them")
    actors: int = Field(description="How many different actors they name")
    first_at: datetime | None = Field(description="Time of the first (UTC)")
    last_at: datetime | None = Field(description="Time of the last (UTC)")
    rows: tuple[dict[str, str], ...] = Field(
        description="The first of them; secrets, addresses and card numbers masked"
    )
    more: bool = Field(description="Whether there are more than shown")


@action("postgres.audit_query", risk=Risk.READ, again=Again.SAFE, needs=("postgres:SELECT",), result=Audited)
class AuditQuery(Action):
    """Ask the audit log what somebody or a key did

    Example: {uses: postgres.audit_query, with: {dsn: "env://SHOP_DSN", key: AKIAEXAMPLE, since: "2026-11-22T08:00Z"}}

    Only names and values are given, never a query. A key is named by its id; what looks like a key itself is refused,
    since a step's parameters stand on the timeline.
    """

    dsn: SecretRef = Field(description="Reference to the database's address")
    since: datetime = Field(description="From when (with its zone)")
    until: datetime | None = Field(default=None, description="Up to when, now when left out")
    actor: str = Field(default="", description="Whose entries", max_length=200)
    key: str = Field(default="", description="Entries made with the key of this id", max_length=200)
    table: str = Field(default="audit_logs", description="The audit log", pattern=r"^[A-Za-z_][A-Za-z0-9_.]{0,126}$")
    time_column: str = Field(default="created_at", description="When something was done", pattern=NAME)
    actor_column: str = Field(default="actor", description="Who did it", pattern=NAME)
    key_column: str = Field(default="key_id", description="With which key", pattern=NAME)
    show: list[str] = Field(
        default=["created_at", "actor", "action", "resource"],
        description="Columns to show",
        min_length=1,
        max_length=12,
    )
    most: int = Field(default=30, ge=1, le=100, description="How many entries to show")

    @field_validator("key", "actor")
    @classmethod
    def _no_secret(cls, value: str) -> str:
        if "@" not in value and SECRETS.search(value):
            raise ValueError("that looks like a secret itself; give its id")
        return value

    @field_validator("since", "until")
    @classmethod
    def _zoned(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time needs its zone: 2026-11-22T08:00Z")
        return value

    @model_validator(mode="after")
    def _somebody(self) -> AuditQuery:
        if not (self.actor or self.key):
            raise ValueError("say whose entries: actor, key or both")
        return self

    async def look(self, world: World) -> Audited:
        """Ask once."""
        log = AuditLog(self.table, self.time_column, self.actor_column, self.key_column, tuple(self.show))
        seen = await world.use(PostgresReads).audit_rows(
            self.dsn,
            log,
            since=self.since,
            until=self.until or world.now,
            actor=self.actor,
            key=self.key,
            limit=self.most,
        )
        return Audited(total=seen.total, actors=seen.actors, first_at=seen.first, last_at=seen.last, rows=seen.rows,
                       more=seen.total > len(seen.rows))  # fmt: skip

    def say(self, done: Audited) -> str:
        """12 entries of key AKIA..., 22 Nov 08:00 - 09:10 UTC."""
        who = " ".join(part for part in (self.actor, f"key {self.key}" if self.key else "") if part)
        if done.first_at is None or done.last_at is None:
            return f"no entry of {who}"
        count = f"{done.total} entr{'y' if done.total == 1 else 'ies'}"
        return f"{count} of {who}, {done.first_at:%d %b %H:%M} to {done.last_at:%d %b %H:%M} UTC"
