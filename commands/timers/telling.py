"""Writing to the person who has to act when a clock runs out.

Belongs here: who that is and the reply row. Does not belong here: any timer.
"""

from __future__ import annotations

from commands.command import Reply
from storage import incidents, people, replies
from storage.db import Tx
from storage.incidents import Incident


def write_to(tx: Tx, person: str, reply: Reply, *, key: str) -> bool:
    """Write to one person, once for each key, however often it is asked; False when no Slack account is known."""
    mine = people.accounts_of(tx, person, "slack")
    if not mine:
        return False
    body = reply.model_dump(mode="json")
    replies.add(tx, ask=None, account_kind="slack", account=mine[0].id, channel=None, body=body, id=f"timer:{key}")
    return True


def tell(tx: Tx, incident: Incident, text: str, *, key: str, roles: tuple[str, ...] = ()) -> list[str]:
    """Write to whoever wears the first of these hats that is worn, else to who declared it. Returns the people told."""
    worn = incidents.roles(tx, incident.id)
    person = next((worn[role].person for role in roles if role in worn), incident.declared_by)
    return [person] if write_to(tx, person, Reply(text=text), key=key) else []
