"""The times and switches of the stand-ins, in one place.

Belongs here: every number a test may want to shorten. Does not belong here: what the services know (``world.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

# Events an app is usually subscribed to. A real app receives only what its manifest asks for (contract A11).
SUBSCRIBED = (
    "app_home_opened", "app_mention", "member_joined_channel", "member_left_channel", "message.channels",
    "message.groups", "message.im", "pin_added", "pin_removed", "reaction_added", "reaction_removed",
    "subteam_members_changed", "team_join", "user_change",
)  # fmt: skip


@dataclass
class Settings:
    """Seconds unless a name says otherwise. Changed by ``POST /control/settings``."""

    ack_seconds: float = 3.0  # contract A1, A4: Slack waits three seconds for an answer
    trigger_seconds: float = 3.0  # contract A2: a trigger_id lives three seconds
    response_url_seconds: float = 1800.0  # contract A2: thirty minutes
    response_url_uses: int = 5  # contract A2
    event_retry_seconds: list[float] = field(default_factory=lambda: [0.0, 60.0, 300.0])  # contract A4
    subscribed: list[str] = field(default_factory=lambda: list(SUBSCRIBED))
    own_messages: bool = False  # deliver the app's own messages back to it, as Slack does for message.* subscribers
    pagerduty_delay: float = 0.05  # contract C1: 202 is not "incident exists"
    webhook_retry_seconds: list[float] = field(default_factory=lambda: [1.0, 5.0, 30.0])  # contract C3, shortened
    webhook_answer_seconds: float = 5.0  # contract C3
    reboot_seconds: float = 0.3  # how long a forced failover of RDS takes here
    ssm_record_seconds: float = 0.05  # until SSM shows a command that was just sent
    ssm_delivery_seconds: float = 0.5  # how long a command waits for an agent that is away, shortened
    replica_lag_seconds: float = 4.0  # how far the read replica in the other region is behind
    kubernetes_observe_seconds: float = 0.03  # until the controller has seen a changed deployment
    kubernetes_pod_seconds: float = 0.1  # until a new pod is ready, or fails
    kubernetes_deadline_seconds: float = 1.0  # progressDeadlineSeconds, shortened
    dns_sync_seconds: float = 0.1  # until Route 53's servers, and resolvers with them, know a change
    broken_zone: str = "eu-north-1a"  # the demo's checkout fails while the database writes from this zone

    def change(self, changes: dict[str, object]) -> None:
        """Set fields by name. Raises ValueError on an unknown name or a value of another kind."""
        known = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, given in changes.items():
            if name not in known:
                raise ValueError(f"no setting {name}; there are {', '.join(sorted(known))}")
            now = known[name]
            whole = isinstance(now, float) and isinstance(given, int) and not isinstance(given, bool)
            value = float(str(given)) if whole else given
            if type(value) is not type(now):
                raise ValueError(f"{name} is a {type(now).__name__}, not a {type(value).__name__}")
            setattr(self, name, value)
