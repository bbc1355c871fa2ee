"""The list and the page of one incident over real HTTP: what is shown, to whom, and fresh without being sent again."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

from sqlalchemy import update

from bot.app import App
from bot.render import board
from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from commands import duties
from storage.tables import incidents
from tests.bot.conftest import EXAMPLE


async def test_the_list_and_the_page_of_one(bot: App, people: SandboxClient, browse: Any) -> None:
    await people.type("U0ANA", "incidents", "/incident declare sev1 checkout <b>is</b> down service=checkout")
    await people.wait_for("incidents", "INC-1", as_user="U0ANA")
    await people.type("U0ANA", "incidents", "/incident declare sev2 search is slow")
    await people.wait_for("incidents", "INC-2", as_user="U0ANA")
    ana = await browse("U0ANA")
    shown = ana.page.text
    assert "checkout &lt;b&gt;is&lt;/b&gt; down" in shown and "search is slow" in shown and "<b>is" not in shown
    for query, there in (("severity=sev1", "INC-1"), ("service=checkout", "INC-1"), ("words=slow", "INC-2")):
        rows = re.findall(r'<th scope="row"><a href="/incidents/(INC-\d)"', (await ana.go(f"/incidents?{query}")).text)
        assert rows == [there], query
    assert "Nothing fits" in (await ana.go("/incidents?which=ended")).text
    assert "Nothing fits" in (await ana.go("/incidents?older=1&which=all")).text

    page = (await ana.go("/incidents/inc-1")).text
    for part in ("INC-1", "investigating", "Take command", 'id="timeline"', 'id="event-1"', "<svg", "<desc>", "<main"):
        assert part in page, part
    assert "checkout &lt;b&gt;is&lt;/b&gt; down" in page and "style=" not in page and "<script>" not in page
    tag = ana.page.headers["etag"]
    live = 0
    for _ in range(40):  # what still moves right after a declare changes the tag; then it stays
        again = await ana.http.get(f"{bot.url}/incidents/inc-1", headers={"If-None-Match": tag})
        live = again.status_code
        if live == 304:
            break
        tag = again.headers["etag"]
    assert live == 304, "nothing changed, so nothing is sent"

    seen = await bot.db.read(lambda tx: board.read(tx, "INC-1", bot.house.policy, "https://muster.example"))
    assert seen and "<https://muster.example/incidents/INC-1|on the web>" in str(board.draw(*seen).blocks)

    await ana.press("Ask", typed="incident note tried a restart")
    assert "Noted" in ana.page.text or "noted" in ana.page.text, ana.page.text
    after = await ana.http.get(f"{bot.url}/incidents/inc-1", headers={"If-None-Match": tag})
    assert after.status_code == 200 and "tried a restart" in after.text
    only = (await ana.go("/incidents/INC-1?kind=people&words=restart")).text
    assert only.count('<li id="event-') == 1 and "tried a restart" in only
    assert "No event fits" in (await ana.go("/incidents/INC-1?words=zebra")).text
    assert (await ana.go("/incidents/INC-9")).status_code == 404


async def test_a_private_one_is_there_for_those_who_may_know(bot: App, people: SandboxClient, browse: Any) -> None:
    await people.type("U0BEN", "incidents", "/incident declare sev1 a leak type=security")
    await people.wait_for("incidents", "INC-1", as_user="U0BEN")
    await bot.db.write(lambda tx: tx.conn.execute(update(incidents).values(private=True)))
    ben, eve = await browse("U0BEN"), await browse("U0EVE")
    assert "a leak" in (await ben.go("/incidents?which=all")).text and "private" in ben.page.text
    assert "a leak" in (await ben.go("/incidents/INC-1")).text
    assert "INC-1" not in (await eve.go("/incidents?which=all")).text
    hidden, none = await eve.go("/incidents/INC-1"), None
    none = await eve.go("/incidents/INC-2")
    assert hidden.status_code == none.status_code == 404, "private and not there look the same"
    gone = re.compile(r"INC-\d|Drawn.*|/incidents/\S*")
    assert gone.sub("", hidden.text) == gone.sub("", none.text)
    csrf = eve.form("Sign out").fields["csrf"]
    for about, line in (("INC-1", "incident note i was here"), ("", "incident note INC-1 i was here")):
        given = {"csrf": csrf, "once": "a" * 20 + about[-1:], "line": line, "about": about, "typed": "yes"}
        answer = await eve.http.post(f"{bot.url}/ask", data=given, follow_redirects=True)
        assert "a leak" not in answer.text and "Noted" not in answer.text
    assert "i was here" not in (await ben.go("/incidents/INC-1")).text

    await ben.press("Ask", typed="playbook run checklist/post-dr-4h")
    asks = None
    async with asyncio.timeout(60):
        while asks is None:
            asks = re.search(r"playbook answer (INC-1/\d+) 1 done", (await ben.go("/incidents/INC-1")).text)
            await asyncio.sleep(0 if asks else 0.2)
    form = f"/ask?line=playbook%20answer%20{asks[1]}%20step=1"
    assert "All critical services are restored" in (await ben.go(form)).text
    assert "asks nothing now" in (await eve.go(form)).text and "critical" not in eve.page.text, "nor what its runs ask"


async def test_who_else_may_know_is_said_by_group_by_schedule_and_by_name(
    start: Any, people: SandboxClient, sandbox: Sandbox, browser_of: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(duties, "GOOD_FOR", duties.timedelta(0))
    monkeypatch.setattr(duties, "AGAIN_S", 0.0)
    path, text = tmp_path / "muster.yaml", EXAMPLE.read_text(encoding="utf-8")
    for old, new in (
        ("see_private: [security]", "see_private: [legal, rota, named]"),
        ("\ngroups:\n", "\ngroups:\n  legal: { slack: comms }\n  rota: { pagerduty_schedule: Payments rota }\n"
                         "  named: { people: [eve] }\n"),
        ("  ben: { slack: U0BEN,", "  eve: { slack: U0EVE }\n  ben: { slack: U0BEN, pagerduty: PUSRBEN,"),
        ("  chi: { slack: U0CHI,", "  chi: { slack: U0CHI, pagerduty: PUSRCHI,"),
    ):  # fmt: skip
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    app = await start(muster_config=path)
    await people.type("U0ANA", "incidents", "/incident declare sev3 a leak type=security")
    await people.wait_for("incidents", "INC-1", as_user="U0ANA")

    async def see(*who: str) -> set[str]:
        return {one for one in who if (await browsers[one].go("/incidents/INC-1")).status_code == 200}

    everybody = ("U0ANA", "U0BEN", "U0CHI", "U0DOV", "U0EVE")
    browsers = {one: await browser_of(app, one) for one in everybody}
    assert await see(*everybody) == {"U0ANA", "U0DOV", "U0BEN", "U0EVE"}, "hers; by user group, schedule and name"
    sandbox.pagerduty.on_call = [("PPOLPAY", 1, "PUSRCHI")]  # the rota turns, and nobody tells Muster
    assert await see(*everybody) == {"U0ANA", "U0DOV", "U0CHI", "U0EVE"}
    hidden, none = browsers["U0BEN"].page.text, (await browsers["U0BEN"].go("/incidents/INC-2")).text
    gone = re.compile(r"INC-\d|Drawn.*|/incidents/\S*")
    assert gone.sub("", hidden) == gone.sub("", none), "a stranger sees what they see of one that is not there"
