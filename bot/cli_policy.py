"""`muster policy`: which approvals, groups, people and permissions rule, what files propose, and asking people for it.

Belongs here: these words, each an exit code. Does not belong here: who approves
(playbooks/engine/decisions/policy.py), what a difference is (playbooks/engine/policy_change.py).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from bot.ruling import ruling_policy
from bot.settings import Settings
from playbooks.engine import deciding
from playbooks.engine.decisions import policy as changing
from playbooks.engine.held import House
from playbooks.engine.policy_change import as_read, difference, sections_of
from playbooks.errors import Refused
from playbooks.policy import Policy, load_policy
from storage import decisions, policies
from storage.db import Database, Tx
from storage.decisions import OPEN, Decision
from storage.policies import PROPOSED, PolicyRow


async def show(settings: Settings) -> int:
    """What rules, what is proposed with the difference, and how far each proposal is. 1: this file does not rule."""
    file = load_policy(settings.muster_config)
    db = Database(settings.database_url)
    try:
        lines, same = await db.read(lambda tx: _shown(tx, file))
    finally:
        await db.close()
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if same else 1


def _shown(tx: Tx, file: Policy) -> tuple[list[str], bool]:
    ruling, mine = policies.active(tx), file.digest()
    if ruling is None:
        return [f"No policy rules yet: the first start adopts this file's ({_short(mine)})."], True
    ruling = as_read(file, ruling)
    since = f"{ruling.adopted_at:%d %b %Y %H:%M} UTC" if ruling.adopted_at else "?"
    lines = [f"In force: {_short(ruling.digest)} since {since}" + (" (this file's)" if ruling.digest == mine else "")]
    known = [one.digest for one in policies.proposed(tx)]
    if mine not in (ruling.digest, *known):
        lines += [f"This file: {_short(mine)}, not proposed yet: `muster policy propose`, or the next start, does."]
        lines += [f"  {line}" for line in difference(ruling.sections, sections_of(file))]
    for row in policies.proposed(tx):
        lines += _proposal(tx, ruling, row, " (this file's)" if row.digest == mine else "")
    return lines, ruling.digest == mine


def _proposal(tx: Tx, ruling: PolicyRow, row: PolicyRow, whose: str) -> Iterator[str]:
    yield f"Proposed: {_short(row.digest)}{whose}, last found {row.seen_at:%d %b %Y %H:%M} UTC"
    yield from (f"  {line}" for line in difference(ruling.sections, row.sections))
    for one in decisions.of_subject(tx, changing.KIND, row.digest)[-1:]:
        yield f"  {one.id}: {_how_far(tx, one)}"


def _how_far(tx: Tx, one: Decision) -> str:
    if one.state != OPEN:
        return f"{one.state}{f' ({one.reason})' if one.reason else ''}; `muster policy propose` asks again"
    tally = deciding.stands(tx, one, showing=True).tally
    until = f"{one.expires_at:%d %b %H:%M} UTC"
    return f"{len(tally.slots) - tally.missing} of {len(tally.slots)} so far, until {until}: /playbook confirm {one.id}"


async def propose(settings: Settings) -> int:
    """Ask people to let this file's sections rule; also once more after they said no."""
    file = load_policy(settings.muster_config)
    db = Database(settings.database_url)

    def work(tx: Tx) -> Decision | None:
        ruling = ruling_policy(tx, file)
        house = House(db, {}, ruling, settings.url, settings.muster_replica, 0.0)
        return changing.ask(tx, house, file.digest(), again=True)

    try:
        made = await db.write(work)
        state = (await db.read(lambda tx: policies.get(tx, file.digest()))) or None
    finally:
        await db.close()
    if made is None:
        assert state is not None and state.state != PROPOSED
        raise Refused("This file's approvals, groups, people and permissions rule already.")
    sys.stdout.write(
        f"{made.id}: {made.body['title']}\n{made.body['shown']}\nPeople answer: /playbook confirm {made.id}\n"
    )
    return 0


def _short(digest: str) -> str:
    return f"sha256:{digest[:12]}"
