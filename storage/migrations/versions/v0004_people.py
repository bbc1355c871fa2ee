"""What people keep beside an incident: see each table.

Belongs here: what stood on the day of this revision, for good.
"""

from __future__ import annotations

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what people keep."""


def downgrade() -> None:
    """There is no way back: what people said is part of the record."""
    raise NotImplementedError("what people said is part of the record and is not taken back by a migration")
