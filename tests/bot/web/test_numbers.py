"""The page of numbers over real HTTP, held against numbers worked out by hand."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, update

from bot.app import App
from storage import incidents as rows
from storage.db import Tx
from storage.tables import approvals, incidents, runs, steps
from tests.storage.test_phases import STEP
from tests.storage.test_reviews import ASKED, RUN

# Of each: severity, service, kind, status; minutes after the declaration of: detected, acknowledged, decided, restored,
# resolved; minutes its steps of phase "assess" and its wait for approval took; days ago.
HISTORY: tuple[tuple[Any, ...], ...] = (
    ("sev1", "checkout", "real", "resolved", -2, 2, 10, 20, 60, 3, 5, 0),
    ("sev1", "checkout", "real", "resolved", -4, 4, 14, 40, 90, 5, 9, 0),
    ("sev2", "checkout", "real", "resolved", None, 6, None, 30, 45, None, None, 0),
    ("sev2", None, "real", "cancelled", -9, 50, 51, 52, 53, 50, 50, 0),
    ("sev3", None, "drill", "resolved", None, 70, None, 71, 72, None, None, 0),
    ("sev1", "checkout", "real", "resolved", -1, 100, 101, 102, 103, 90, 90, 400),
)


def seed(tx: Tx) -> None:
    for number, (severity, service, kind, status, *minutes, days) in enumerate(HISTORY, 1):
        one = rows.open_incident(tx, title="t", severity=severity, by="P-1", kind=kind, service=service).id
        declared = tx.now - timedelta(days=days)
        *key, worked, waited = [declared + timedelta(minutes=m) if m is not None else None for m in minutes]
        names = ("detected_at", "acknowledged_at", "decided_at", "restored_at", "resolved_at")
        values = {"declared_at": declared, "status": status, **dict(zip(names, key, strict=True))}
        tx.conn.execute(update(incidents).where(incidents.c.id == one).values(**values))
        mine = {**RUN, "stream": one, "incident": one, "state": "succeeded"}
        tx.conn.execute(insert(runs).values(id=f"{one}/1", number=number, created_at=declared, **mine))
        if worked and waited:
            step = {"run": f"{one}/1", "idx": 1, "id": "s", "phase": "assess", "started_at": declared}
            tx.conn.execute(insert(steps).values(**step, ended_at=worked, **STEP))
            asked = {"id": f"{one}/a", "run": f"{one}/1", "opened_at": declared, "expires_at": declared}
            tx.conn.execute(insert(approvals).values(**asked, decided_at=waited, **ASKED))


def table(page: str, title: str) -> dict[str, list[str]]:
    """The rows of the table that is called so: first cell -> the others, as text."""
    inside = page.partition(f'aria-label="{title}"')[2].partition("</table>")[0]
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in inside.split("<tr>")[1:]]
    plain = [[re.sub(r"<[^>]+>", " ", cell).strip() for cell in row] for row in found]
    return {row[0]: [re.sub(r"\s+", " ", cell) for cell in row[1:]] for row in plain}


async def test_every_phase_as_worked_out_by_hand(bot: App, browse: Any) -> None:
    await bot.db.write(seed)
    ana = await browse("U0ANA")
    page = (await ana.go("/numbers")).text
    assert "<strong>4</strong> incidents declared, 0 open, 3 resolved, 1 cancelled" in page, (
        "no drill, none of last year"
    )
    took = {name: cells[1:] for name, cells in table(page, "How long each phase took").items()}
    assert took == {
        "Phase": ["Known for", "Median", "p90"],
        "Detect": ["2", "3 min", "4 min"],
        "Acknowledge (MTTA)": ["3", "4 min", "6 min"],
        "Decide": ["2", "9 min", "10 min"],
        "Repair": ["2", "18 min", "26 min"],
        "Restore (MTTR)": ["3", "30 min", "44 min"],
        "Close": ["3", "40 min", "50 min"],
        "Resolve": ["3", "1 h 2 min", "1 h 34 min"],
        "Waiting for approval": ["2", "7 min", "9 min"],
        "Steps: assess": ["2", "4 min", "5 min"],
        **{f"Steps: {one}": ["0", "—", "—"] for one in ("detect", "decide", "execute", "verify", "communicate")},
    }
    columns = [
        "Incidents",
        "Detect",
        "MTTA",
        "Decide",
        "Repair",
        "MTTR",
        "Close",
        "Resolve",
        "Waiting",
        "steps: assess",
    ]
    by = table(page, "By severity")
    assert by["By severity"] == columns and list(by)[1:] == ["sev1", "sev2"]
    assert by["sev1"] == ["2", "3 min 4 min", "3 min 4 min", "9 min 10 min", "18 min 26 min", "33 min 44 min",
                          "45 min 50 min", "1 h 18 min 1 h 34 min", "7 min 9 min", "4 min 5 min"]  # fmt: skip
    assert by["sev2"][:3] == ["1", "—", "6 min 6 min"]
    assert {name: cells[0] for name, cells in table(page, "By service").items()} == {
        "By service": "Incidents",
        "checkout": "3",
    }
    assert page.count("<svg") == 10 and page.count("<desc>") == 10, "how many, and each phase that is known"
    assert page.count('<tr><th scope="row">20') == 6 + 9, "each picture is a table too"

    one = (await ana.go("/numbers?severity=sev2&per=week&months=3")).text
    assert "<strong>2</strong> incidents" in one and table(one, "How long each phase took")["Detect"][1] == "0"
    assert re.search(r"Acknowledge \(MTTA\): declared to acknowledged, by week", one) and re.search(
        r">20\d\d-W\d\d<", one
    )
    drills = (await ana.go("/numbers?kind=drill&per=quarter")).text
    assert "<strong>1</strong> drill declared" in drills and re.search(r">20\d\d-Q[1-4]<", drills)
    assert table(drills, "How long each phase took")["Acknowledge (MTTA)"][1:] == ["1", "1 h 10 min", "1 h 10 min"]
    last = (await ana.go("/numbers?months=24&service=checkout")).text
    assert table(last, "How long each phase took")["Steps: assess"][1:] == ["3", "5 min", "1 h 30 min"]
    odd = (await ana.go("/numbers?per=century&months=%C2%B2&kind=x&severity=%00")).text
    assert "<strong>0</strong> incidents" in odd and 'value="month" selected' in odd
