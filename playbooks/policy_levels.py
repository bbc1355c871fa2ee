"""The section `disaster_levels` of muster.yaml: what kinds of disaster there are, and what each allows.

Belongs here: its typed shape and its words. Does not belong here: declaring one (commands/incident/level.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from playbooks.durations import Duration, words
from playbooks.policy_sections import Section, Words
from playbooks.policy_services import Site

BY_WHOM = {
    "automatic": "playbooks do it once it is approved",
    "partial": "playbooks do a part of it",
    "manual": "people do it, with checklists",
}


class DisasterLevel(Section):
    """One kind of disaster. rto, rpo: what it allows; recovery: where it is recovered, in words; site: the same as a
    site of the policy, where there is one; severity: what it is at least; playbooks: what to run, in order.
    """

    name: str = ""
    title: str
    aliases: Words = ()
    rto: Duration
    rpo: Duration
    recovery: str = ""
    site: str | None = None
    automation: Literal["automatic", "partial", "manual"] = "manual"
    severity: str
    playbooks: tuple[str, ...] = ()

    def where(self, sites: Mapping[str, Site]) -> str:
        """`Recovers at other region (secondary: Ireland); playbooks do a part of it.`"""
        site = sites.get(self.site) if self.site else None
        named = f"{self.site}: {site.title}" if site and site.title else self.site or ""
        at = f"{self.recovery} ({named})" if self.recovery and named else self.recovery or named or "where it is"
        return f"Recovers at: {at}; {BY_WHOM[self.automation]}."

    def option(self) -> str:
        """One line to choose it by: `regional_outage: Regional outage, RTO 1 h, RPO 15 min, …`."""
        what = f"{self.name}: {self.title}, RTO {words(self.rto)}, RPO {words(self.rpo)}"
        run = ", ".join(self.playbooks)
        return f"{what}{f', {self.recovery}' if self.recovery else ''}{f' ({run})' if run else ''}"
