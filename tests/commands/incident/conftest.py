"""Due timers and what was written to people, as the tests of timers have them."""

from __future__ import annotations

from tests.commands.timers.conftest import fire, sent

__all__ = ["fire", "sent"]
