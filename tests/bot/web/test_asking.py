"""A press on a page is the press of the same button in Slack: same people, digest, code and record; once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from bot.app import App
from bot.sandbox.client import SandboxClient
from bot.sandbox.server import Sandbox
from storage import people as persons
from storage import runs, timeline
from storage.db import Tx
from storage.sealing import Seal, new_key
from storage.tables import inbox, replies
from tests.bot.conftest import EXAMPLE
from tests.bot.web.conftest import Browser
from tests.phone import Phone

KEY = new_key()
RUN = "playbook run failover/rds-multi-az service=checkout"


async def until(browser: Browser, path: str, words: str, seconds: float = 40.0) -> str:
    """Look at a page until it says this."""
    async with asyncio.timeout(seconds):
        while words not in (await browser.go(path)).text:
            await asyncio.sleep(0.2)
    return browser.page.text  # type: ignore[union-attr]


async def phone_of(app: App, user: str) -> Phone:
    def who(tx: Tx) -> str:
        found = persons.account(tx, "slack", f"T0MUSTER/{user}")
        assert found and found.person
        return found.person

    return await Phone.of(app.db, Seal(KEY), await app.db.read(who))


async def test_two_people_approve_a_failover_on_the_page(
    start: Any, sandbox: Sandbox, people: SandboxClient, tmp_path: Path, browser_of: Any
) -> None:
    await sandbox.aws.start()
    file = tmp_path / "muster.yaml"
    file.write_text(EXAMPLE.read_text(encoding="utf-8").replace("  mfa: off ", "  mfa: required "), encoding="utf-8")
    app = await start(muster_config=file, muster_key=KEY)
    ana, ben, chi, eve = [await browser_of(app, who) for who in ("U0ANA", "U0BEN", "U0CHI", "U0EVE")]

    # A bare declare is a form, as in Slack; what is wrong in it stands beside the field, and nothing was asked.
    await ana.go("/ask?line=incident%20declare&back=/incidents")
    assert 'name="field:title"' in ana.page.text and "sev1" in ana.page.text
    answer = await ana.press("Send", field_title="checkout is down", field_severity="sev1", field_service="checkout")
    assert "INC-1" in answer.text and answer.status_code == 200
    await ana.go("/incidents/INC-1")
    asked = (await ana.press("Ask", typed=RUN)).text.partition("<main")[2]
    assert "Refused" not in asked, asked
    await until(ana, "/incidents/INC-1", "Waiting for approval")
    await ana.press("Ask", typed="incident sev")
    assert 'name="field:severity"' in ana.page.text, "a line that wants a form opens it"

    page = await until(ben, "/incidents/INC-1", "Waiting for approval")
    assert "Reboot orders-db" in page or "orders-db" in page
    form = ben.form("Approve", "playbook approve INC-1/")
    digest = form.fields["line"].split()[-1]
    assert len(digest) == 12, "bound to the digest that is shown"
    forged = await ben.http.post(f"{app.url}/ask", data={**form.fields, "csrf": "x", "field:code": "123456"})
    assert forged.status_code == 403 and "Nothing was done" in forged.text
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert (await ben.http.post(f"{app.url}/ask", data=form.fields, headers=elsewhere)).status_code == 403
    short = await ben.http.post(f"{app.url}/ask", data={**form.fields, "field:code": "12"})
    assert short.status_code == 422 and "Six digits" in short.text

    phones = {"ben": await phone_of(app, "U0BEN"), "chi": await phone_of(app, "U0CHI")}
    assert (
        "Refused"
        in (await eve.go("/incidents/INC-1") and await eve.press("Approve", "INC-1/", field_code="123456")).text
    )
    await ben.go("/incidents/INC-1")
    code = await phones["ben"].code()
    sent = {**ben.form("Approve", "INC-1/").fields, "field:code": code}
    first = await ben.http.post(f"{app.url}/ask", data=sent, follow_redirects=True)
    again = await ben.http.post(f"{app.url}/ask", data=sent, follow_redirects=True)
    assert "1 of 2" in first.text or "one more" in first.text.lower(), first.text
    assert again.url == first.url, "sent twice it is one ask"
    other = await chi.go(str(first.url).removeprefix(app.url))
    assert other.status_code == 404, "an answer is there for who asked"
    await chi.go("/incidents/INC-1")
    await chi.press("Approve", "INC-1/", field_code=await phones["chi"].code())
    page = await until(ana, "/incidents/INC-1", "finished</strong>", 60)
    assert "Waiting for approval" not in page and "<progress" in page

    def look(tx: Tx) -> Any:
        run = next(one for one in runs.of_incident(tx, "INC-1") if one.playbook == "failover/rds-multi-az")
        votes = [vote for asked in runs.approvals_of(tx, run.id) for vote in runs.votes_on(tx, asked.id)]
        told = [e for e in timeline.read(tx, "INC-1") if e.type == "approval.voted"]
        kept = str(tx.conn.execute(select(inbox)).all())
        routes = set(tx.conn.execute(select(replies.c.route).where(replies.c.ask.startswith("web:"))).scalars())
        return run, votes, told, kept, routes

    run, votes, told, kept, routes = await app.db.read(look)
    assert run.state == "succeeded" and len(votes) == 2 and all(vote.via.startswith("web") for vote in votes)
    assert all(vote.proof == "totp" for vote in votes) and code not in kept
    assert [e.body["counted"] for e in told].count(True) == 2 and False in [e.body["counted"] for e in told]
    assert routes <= {"page", None} and "page" in routes, "Slack is not told what the page shows"


async def test_what_cannot_be_asked(bot: App, browse: Any) -> None:
    ana = await browse("U0ANA")
    await ana.go("/ask")
    assert "There is no" in (await ana.press("Ask", typed="incident explode")).text and "Refused" in ana.page.text
    await ana.go("/ask")
    form = ana.form("Ask")
    for bad in ({"once": "short"}, {"line": " "}):
        answer = await ana.http.post(f"{bot.url}/ask", data={**form.fields, "line": "incident list", **bad})
        assert answer.status_code == 400 and "Nothing was done" in answer.text
    assert (await ana.http.get(f"{bot.url}/ask?line=nonsense&back=/x")).status_code == 400
    assert (await ana.http.get(f"{bot.url}/asks/{'x' * 20}")).status_code == 404
    assert 'href="/incidents"' in (await ana.go("/ask?line=incident%20declare&back=https://evil.example")).text
    assert "evil" not in ana.page.text


async def test_odd_requests_are_answered_in_words_and_never_break(bot: App, browse: Any) -> None:
    ana = await browse("U0ANA")
    csrf = ana.form("Sign out").fields["csrf"].encode()
    form, parts = "application/x-www-form-urlencoded", "multipart/form-data; boundary=zz"
    part = b'--zz\r\nContent-Disposition: form-data; name="csrf"\r\n%s\r\n\r\nx\r\n--zz--\r\n'
    for kind, sent, status in (
        (form, "csrf=é".encode(), 403), (f"{form}; charset=none", b"csrf=" + csrf, 400), (form, b"csrf=\xff", 400),
        (parts, b"xx", 400), ("multipart/form-data", b"xx", 400), ("application/json", b"{}", 403),
        (parts, part % b"Content-Transfer-Encoding: none", 400), (form, b"csrf=" + b"a" * 3_000_000, 413),
    ):  # fmt: skip
        answer = await ana.http.post(f"{bot.url}/ask", content=sent, headers={"Content-Type": kind})
        assert answer.status_code == status and "Nothing was done" in answer.text, (kind, sent[:20], answer.text)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    for query in ("older=%C2%B2", "older=99999999999999999999", "older=-1", "words=%00", "severity=%ED%A0%80"):
        assert (await ana.go(f"/incidents?which=all&{query}")).status_code == 200, query
    odd = {"Cookie": b"muster=\xff\xfe"}
    async with httpx.AsyncClient(trust_env=False, timeout=20) as other:
        answer = await other.get(f"{bot.url}/incidents", headers=odd)
    assert answer.status_code == 303 and answer.headers["server"] == "Muster", "whom nobody knows signs in"


async def test_a_question_of_a_run_is_answered_on_the_page(bot: App, people: SandboxClient, browse: Any) -> None:
    await people.type("U0ANA", "incidents", "/incident declare sev2 checkout was down service=checkout")
    await people.wait_for("incidents", "INC-1", as_user="U0ANA")
    ana = await browse("U0ANA")
    await until(ana, "/incidents", "INC-1")
    await until(ana, "/incidents/INC-1", "showed the board")
    shown = (await ana.go("/ask") and await ana.press("Ask", typed="incident list")).text
    assert "#inc-1-checkout-was-down" in shown and "#C0" not in shown, "a channel has its name on a page too"
    assert "#inc-1-" in (await ana.go("/ask?line=incident%20declare")).text
    await ana.go("/incidents/INC-1")
    await ana.press("Ask", typed="playbook run checklist/post-dr-4h")
    page = await until(ana, "/incidents/INC-1", "Waiting for an answer")
    assert page.count(">Done</button>") > 1 and 'href="#questions"' in page
    for odd in ("before=%C2%B2", "after=99999999999", "before=0&after=x", "words=%00"):
        assert (await ana.go(f"/incidents/INC-1?{odd}")).status_code == 200, odd
    assert "tech lead" in (await ana.press("Done", "playbook answer INC-1/2 1 done")).text, "not hers to answer"
    await ana.go("/incidents/INC-1")
    await ana.press("Ask", typed="incident role tech_lead me")
    await ana.go("/incidents/INC-1")
    said = (await ana.press("Done", "playbook answer INC-1/2 1 done")).text.partition("<main")[2]
    assert "Refused" not in said, said
    page = await until(ana, "/incidents/INC-1", "☑ 1.")
    assert "☑ 1." in page.partition('id="board"')[0] and "playbook answer INC-1/2 1 done" not in page
