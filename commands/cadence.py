"""How often people hear from us.

Belongs here: the next update's due time from the severity. Does not belong here: sending or reminding.
"""

from __future__ import annotations

from datetime import timedelta

from playbooks.policy import Severity


def cadence_of(severity: Severity, *, private: bool) -> timedelta | None:
    """The shorter of the internal and, for what is published, the status page's; None: no updates are due."""
    page = None if private or severity.status_page.mode == "none" else severity.status_page.cadence
    known = [length for length in (severity.update_cadence, page) if length is not None]
    return min(known) if known else None
