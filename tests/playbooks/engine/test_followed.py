"""The follow-ups of a post-mortem, below its action items, as they stand."""

from __future__ import annotations

from datetime import UTC, datetime

from playbooks.engine.followed import with_follow_ups
from playbooks.engine.post_mortem_sections import sections
from storage.followups import FollowUp

NOW = datetime(2026, 12, 10, 9, 0, tzinfo=UTC)
DUE, DONE = datetime(2026, 12, 4, 17, 0, tzinfo=UTC), datetime(2026, 12, 3, 12, 0, tzinfo=UTC)
BODY = "# x\n\n## Action items — *to fill in*\n\n- alarm\n\n## Odd\n\nend\n"


def _one(name: str, what: str, **more: object) -> FollowUp:
    return FollowUp("INC-1", name, what, "P-A", "P-B", datetime(2026, 11, 22, tzinfo=UTC), DUE, **more)  # type: ignore[arg-type]


def test_each_with_its_issue_and_how_it_stands() -> None:
    mine = [
        _one("retrospective", "", done_by="P-A", done_at=DONE),
        _one("f1", "alarm on | lag", ticket="OPS-1", ticket_url="https://jira.x/OPS-1", done_by="muster", done_at=DONE),
        _one("f2", "page <earlier>", ticket="OPS-2", ticket_url="https://jira.x/OPS-2", lost=True),
    ]
    found = with_follow_ups(BODY, mine, {"P-A": "Ana", "P-B": "Ben"}, NOW)
    items, odd = sections(found)
    rows = [line for line in items.text.splitlines() if line.startswith("| ")]
    assert rows[2:] == [
        "| f1 | alarm on \\| lag | Ben | 4 Dec 2026 | [OPS-1](https://jira.x/OPS-1) | done 3 Dec 2026 in Jira |",
        "| f2 | page \\<earlier> | Ben | 4 Dec 2026 | [OPS-2](https://jira.x/OPS-2) (not shown any more) | **overdue** |",
        "| retrospective | the retrospective is held | Ben | 4 Dec 2026 | — | done 3 Dec 2026 by Ana |",
    ]
    assert "as of 10 Dec 2026 09:00 UTC" in items.text and items.text.startswith("- alarm\n")
    assert odd.text == "end" and items.wanted, "nothing else moved"
    assert with_follow_ups(BODY, [], {}, NOW) == BODY
    assert "## Follow-ups\n\n**Followed" in with_follow_ups("# x\n\nwords\n", mine, {}, NOW)
