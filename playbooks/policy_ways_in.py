"""The sections `alerts` and `capture` of muster.yaml: what comes in by itself, and what people put on a timeline.

Belongs here: their typed shapes and what follows from one section alone. Does not belong here: reading webhooks
(bot/web), cards and incidents (commands/hooks/alerts.py), secrets of whoever may call (environment).
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from playbooks.policy_sections import Section


class OpensItself(Section):
    """Alerts that open an incident without a person. labels: all of them must be there, word for word."""

    labels: dict[str, str] = Field(min_length=1)
    severity: str

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels is meant."""
        return all(labels.get(name) == value for name, value in self.labels.items())


class Alerts(Section):
    """What becomes of alerts that come in. channel: where their cards stand, else where incidents are announced.

    severities: the word an alert has for its own severity -> ours, offered in the form; opens: alerts that open an
    incident by themselves, at most `most_per_hour` of them; all others wait for a person. cards_most: so many open
    cards of one source within ten minutes, then the rest of a storm stands on one card.
    """

    channel: str | None = None
    severities: dict[str, str] = Field(default_factory=dict)
    opens: tuple[OpensItself, ...] = ()
    most_per_hour: int = Field(default=3, ge=1, le=60)
    cards_most: int = Field(default=5, ge=1, le=50)

    def opening(self, labels: Mapping[str, str]) -> OpensItself | None:
        """The first rule that an alert with these labels opens an incident by, or None."""
        return next((rule for rule in self.opens if rule.fits(labels)), None)


class Capture(Section):
    """What puts a message of an incident's channel on its timeline. reaction: an emoji's name without colons."""

    reaction: str | None = Field(default=None, pattern=r"^[\w+'-]{1,80}$")
    pins: bool = False

    @property
    def wanted(self) -> bool:
        """Whether anything captures."""
        return self.pins or self.reaction is not None
