"""Whether a follow-up is to have an issue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from commands.ticketing import wanted
from storage import followups, incidents


async def test_only_where_the_policy_says_so_and_never_of_what_stays_here(talk: Any, policy: Any) -> None:
    id = await talk.declare()
    await talk("Ana", "incident followups add alarm on lag")
    found = await talk.read(lambda tx: incidents.get(tx, id))
    (one,) = await talk.read(lambda tx: followups.of_incident(tx, id))
    assert not wanted(policy, found, one), "off until the policy says so"
    with_jira = tickets(policy)
    assert wanted(with_jira, found, one)
    for other in (replace(found, private=True), replace(found, kind="drill"), replace(found, status="cancelled")):
        assert not wanted(with_jira, other, one)
    for other in (
        replace(one, ticket="OPS-1"), replace(one, name="retrospective"), replace(one, done_at=one.added_at),
        replace(one, what="(erased)"),
    ):  # fmt: skip
        assert not wanted(with_jira, found, other)


def tickets(policy: Any) -> Any:
    """The policy, with issues of the follow-ups of sev1."""
    sev1 = policy.severities["sev1"]
    review = sev1.review.model_copy(update={"follow_up_ticket": "jira"})
    severities = {**policy.severities, "sev1": sev1.model_copy(update={"review": review})}
    return policy.model_copy(update={"severities": severities})
