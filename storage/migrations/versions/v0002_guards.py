"""What guards the quorum and the record: decisions of two people, factors, reviews, anchors, holds, pruning, escrow.

Belongs here: what stood on the day of this revision, for good.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.migrations.versions.v0001_first_schema import LAW
from storage.types import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A stream leaves the record whole or not at all: the row in `pruned` is what deletes it, in the same statement. That
# row is let in only for an incident that has ended and is not held, at its head, right after the org stream said so.
NOT_NOW = (
    "NEW.stream = 'org' "
    "OR EXISTS (SELECT 1 FROM pruned p WHERE p.stream = NEW.stream) "
    "OR EXISTS (SELECT 1 FROM holds h WHERE h.stream = NEW.stream AND h.until IS NULL) "
    "OR NOT EXISTS (SELECT 1 FROM streams s WHERE s.name = NEW.stream AND s.seq = NEW.seq AND s.hash = NEW.hash) "
    "OR NOT EXISTS (SELECT 1 FROM incidents i WHERE i.id = NEW.stream AND i.status IN ('resolved', 'cancelled')) "
    "OR NOT EXISTS (SELECT 1 FROM events e JOIN streams o ON o.name = 'org' AND e.stream = o.name AND e.seq = o.seq "
    "WHERE e.type = 'stream.pruned' AND e.body LIKE '%\"' || NEW.stream || '\"%' "
    "AND e.body LIKE '%' || NEW.sha256 || '%')"
)
WHY_NOT = "only an ended incident that is not held is pruned, at its head, after the org stream said so"
GONE = "this stream was pruned; nothing is added to it"
PRUNER = "muster_pruner"


def upgrade() -> None:
    """From the first schema to the guarded one."""
    op.add_column("approvals", sa.Column("mode", sa.Text(), nullable=False, server_default="quorum"))
    op.add_column("approvals", sa.Column("overrides", sa.JSON(), nullable=True))
    op.add_column("votes", sa.Column("proof", sa.Text(), nullable=True))
    op.add_column("steps", sa.Column("undone_by", sa.Text(), nullable=True))
    op.add_column("steps", sa.Column("accepted_by", sa.Text(), nullable=True))
    _decisions()
    _step_up()
    _reviews()
    _record()
    if op.get_bind().dialect.name == "sqlite":
        _pruning_on_sqlite()
    else:
        _pruning_on_postgresql()


def downgrade() -> None:
    """There is no way back: decisions and anchors are part of the record."""
    raise NotImplementedError("decisions and anchors are part of the record and are not taken back by a migration")


def _text(*names: str, null: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=null) for name in names]


def _whole(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def _json(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.JSON(), nullable=False) for name in names]


def _time(*names: str, null: bool = False) -> list[sa.Column[object]]:
    return [sa.Column(name, UtcTime(), nullable=null) for name in names]


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def _decisions() -> None:
    op.create_table(
        "decisions",
        *_text("id", "kind", "subject"), *_json("body"), *_text("digest"), *_json("rule"), *_text("stream"),
        *_text("asked_by", null=True), *_text("state"), *_time("opened_at", "expires_at"),
        *_time("decided_at", null=True), *_text("reason", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
    )  # fmt: skip
    op.create_index("ix_decisions_state", "decisions", ["state", "expires_at"])
    op.create_index("ix_decisions_subject", "decisions", ["kind", "subject"])
    op.create_table(
        "decision_votes",
        *_text("decision", "person", "choice", "account", "via"), *_text("reason", "proof", null=True), *_time("at"),
        sa.PrimaryKeyConstraint("decision", "person", name="pk_decision_votes"),
        _refers("decision_votes", "decision", "decisions.id"),
    )  # fmt: skip


def _step_up() -> None:
    op.create_table(
        "factors",
        *_text("person", "secret", "state"), *_whole("last_step", "failures"), *_time("locked_until", null=True),
        *_time("created_at"), *_time("confirmed_at", null=True),
        sa.PrimaryKeyConstraint("person", name="pk_factors"),
        _refers("factors", "person", "people.id"),
    )  # fmt: skip
    op.create_table(
        "proofs",
        *_text("id", "person", "method", "ask"), *_time("at"), *_time("used_at", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_proofs"),
        _refers("proofs", "person", "people.id"),
    )  # fmt: skip
    op.create_table(
        "credentials",
        *_text("id", "person", "digest", "label", "role"), *_time("created_at", "expires_at"),
        *_time("last_used_at", "revoked_at", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_credentials"),
        sa.UniqueConstraint("digest", name="uq_credentials_digest"),
        _refers("credentials", "person", "people.id"),
    )  # fmt: skip


def _reviews() -> None:
    op.create_table(
        "reviews",
        *_text("id", "kind", "approval", "run", "person"), *_time("due_at"), *_text("state"),
        *_text("reviewed_by", null=True), *_time("reviewed_at", null=True), *_text("reason", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
        sa.UniqueConstraint("approval", name="uq_reviews_approval"),
        _refers("reviews", "approval", "approvals.id"),
        _refers("reviews", "run", "runs.id"),
    )  # fmt: skip
    op.create_index("ix_reviews_state", "reviews", ["state", "due_at"])


def _record() -> None:
    op.create_table(
        "anchors",
        *_text("stream"), *_whole("seq"), *_text("place", "hash"), *_text("ref", "run", null=True), *_time("at"),
        sa.PrimaryKeyConstraint("stream", "seq", "place", name="pk_anchors"),
    )  # fmt: skip
    op.create_table(
        "holds",
        *_text("stream"), *_time("since"), *_text("asked_by", "decision", "reason"), *_time("until", null=True),
        sa.PrimaryKeyConstraint("stream", "since", name="pk_holds"),
        _refers("holds", "decision", "decisions.id"),
    )  # fmt: skip
    op.create_table(
        "pruned",
        *_text("stream"), *_whole("seq"), *_text("hash", "sha256", "file"), *_time("at"),
        sa.PrimaryKeyConstraint("stream", name="pk_pruned"),
    )  # fmt: skip
    op.create_table(
        "escrow",
        *_text("person", "sealed"), *_time("erased_at", "until"),
        sa.Column("opened", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("person", name="pk_escrow"),
    )  # fmt: skip


def _pruning_on_sqlite() -> None:
    for table in ("events", "texts"):
        op.execute(f"DROP TRIGGER {table}_refuse_delete")
        pruned = "EXISTS (SELECT 1 FROM pruned WHERE stream = {0}.stream)"
        _refuse(f"{table}_refuse_delete BEFORE DELETE ON {table}", f"WHEN NOT {pruned.format('OLD')}",
                f"DELETE on {table} is refused")  # fmt: skip
        _refuse(f"{table}_refuse_pruned BEFORE INSERT ON {table}", f"WHEN {pruned.format('NEW')}", GONE)
    # INSERT OR REPLACE deletes the row in its way without asking the DELETE trigger: refuse it before.
    own_row = "EXISTS (SELECT 1 FROM pruned WHERE rowid = NEW.rowid)"
    _refuse("pruned_refuse_insert BEFORE INSERT ON pruned", f"WHEN {own_row} OR {NOT_NOW}", WHY_NOT)
    _refuse("pruned_refuse_update BEFORE UPDATE ON pruned", "", "UPDATE on pruned is refused")
    _refuse("pruned_refuse_delete BEFORE DELETE ON pruned", "", "DELETE on pruned is refused")
    op.execute(
        "CREATE TRIGGER pruned_takes_all AFTER INSERT ON pruned BEGIN "
        "DELETE FROM texts WHERE stream = NEW.stream; DELETE FROM events WHERE stream = NEW.stream; END"
    )


def _refuse(trigger: str, when: str, words: str) -> None:
    op.execute(f"CREATE TRIGGER {trigger} {when} BEGIN SELECT RAISE(ABORT, '{LAW}: {words}'); END")


def _pruning_on_postgresql() -> None:
    stop = f"RAISE EXCEPTION '{LAW}: {{0}}' USING ERRCODE = 'integrity_constraint_violation';"
    pruned = "EXISTS (SELECT 1 FROM pruned p WHERE p.stream = {0}.stream)"
    refused = stop.format("% on % is refused").replace("' USING", "', TG_OP, TG_TABLE_NAME USING")
    # Who may delete is a role of its own, taken on purpose (SET ROLE): nobody else, not even a superuser by accident.
    _function(
        "muster_delete_pruned",
        f"IF current_user = '{PRUNER}' AND {pruned.format('OLD')} THEN RETURN OLD; END IF; {refused}",
    )
    _function("muster_refuse_pruned", f"IF {pruned.format('NEW')} THEN {stop.format(GONE)} END IF; RETURN NEW;")
    _function("muster_may_prune", f"IF current_user <> '{PRUNER}' THEN {stop.format(f'only {PRUNER} prunes')} END IF; "
              f"IF {NOT_NOW} THEN {stop.format(WHY_NOT)} END IF; RETURN NEW;")  # fmt: skip
    _function(
        "muster_prune",
        "DELETE FROM texts WHERE stream = NEW.stream; DELETE FROM events WHERE stream = NEW.stream; RETURN NULL;",
    )
    for table in ("events", "texts"):
        op.execute(f"DROP TRIGGER {table}_refuse_delete ON {table}")
        _trigger(f"{table}_refuse_delete BEFORE DELETE ON {table} FOR EACH ROW", "muster_delete_pruned")
        _trigger(f"{table}_refuse_pruned BEFORE INSERT ON {table} FOR EACH ROW", "muster_refuse_pruned")
    _trigger("pruned_refuse_insert BEFORE INSERT ON pruned FOR EACH ROW", "muster_may_prune")
    _trigger("pruned_takes_all AFTER INSERT ON pruned FOR EACH ROW", "muster_prune")
    for verb, level in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        _trigger(f"pruned_refuse_{verb.lower()} BEFORE {verb} ON pruned FOR EACH {level}", "muster_refuse")


def _function(name: str, body: str) -> None:
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")


def _trigger(trigger: str, function: str) -> None:
    op.execute(f"CREATE TRIGGER {trigger} EXECUTE FUNCTION {function}()")
