"""Action items as people leave them in the text."""

from __future__ import annotations

from datetime import date

from playbooks.engine.action_items import Item, items

TABLE = """# x

## Action items

| what | owner | due | because of |
| --- | --- | --- | --- |
| Alarm on `lag` \\| queue | Ben | 2026-12-04 | #12 |
| Find out why \\*it\\* failed | *(yours)* | *(yours)* | #13 |
| alarm on `lag` \\|  queue | Eve | | |

- [ ] write the runbook
1. page earlier
*(none suggested by the timeline; add yours)*

## Other

- not this
"""


def test_rows_and_lines_each_once() -> None:
    assert items(TABLE) == [
        Item("Alarm on `lag` | queue", "Ben", date(2026, 12, 4)),
        Item("Find out why *it* failed"),
        Item("write the runbook"),
        Item("page earlier"),
    ]
    assert items("# x\n") == []
    bad = "## Action items\n\n| a | b | 2026-13-40 |\n- *(yours)*\n| *(yours)* | | |"
    assert items(bad) == [Item("a", "b")]
