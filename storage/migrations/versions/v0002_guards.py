"""What guards the quorum and the record: decisions of two people, factors, reviews, anchors, holds, pruning, escrow.

Belongs here: what stood on the day of this revision, for good.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.types import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the first schema to the guarded one."""
    op.add_column("approvals", sa.Column("mode", sa.Text(), nullable=False, server_default="quorum"))
    op.add_column("approvals", sa.Column("overrides", sa.JSON(), nullable=True))
    op.add_column("votes", sa.Column("proof", sa.Text(), nullable=True))
    _decisions()
    _step_up()
    _reviews()
    _record()


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
