"""Muster's own pages in a real browser: declare, approve as two people, watch it run; keyboard, phone, dark, no script.

One browser, one sandbox and one Muster play the whole file; the scenes follow each other, as one test.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import update

from bot.app import App, build
from bot.sandbox import Sandbox
from bot.settings import Settings
from storage import incidents
from storage.db import Tx
from storage.tables import incidents as table
from tests.browser.conftest import SIZE, Camera, opened

POLICY = Path(__file__).parents[2] / "muster.example.yaml"
RUN = "playbook run failover/rds-multi-az service=checkout"
PHONE = {"width": 390, "height": 844}
LONG = "disk_full_on_search_index_node_17_since_the_nightly_rebuild_of_catalogue"  # nothing a line could be broken at
# What a page must not have: controls and regions without a name, skipped headings, ids twice, links to nowhere, words
# that stand out less than 4.5:1 from what is behind them.
WRONG = """() => {
  const found = [], all = query => [...document.querySelectorAll(query)];
  const closed = all('details:not([open])');
  for (const e of closed) e.open = true;
  const named = e => e.getAttribute('aria-label') || document.getElementById(e.getAttribute('aria-labelledby'));
  for (const e of all('input:not([type=hidden]), select, textarea, button, a, svg'))
    if (e.checkVisibility() && !(e.labels?.length || e.textContent.trim() || named(e))) found.push(e.outerHTML);
  for (const e of all('[tabindex="0"], nav, section')) if (!named(e)) found.push(`no name: ${e.outerHTML.slice(0, 80)}`);
  for (const e of all('table'))
    if (!e.caption && !e.closest('[aria-label], section, .runbook')) found.push(`no name: ${e.outerHTML.slice(0, 80)}`);
  const levels = all('h1, h2, h3, h4').map(e => Number(e.tagName[1]));
  if (levels.filter(one => one === 1).length !== 1) found.push(`headings ${levels}`);
  levels.forEach((one, n) => { if (one > (levels[n - 1] || 0) + 1) found.push(`headings ${levels}`); });
  const ids = all('[id]').map(e => e.id);
  if (new Set(ids).size < ids.length) found.push(`ids ${ids}`);
  for (const e of all('a[href^="#"]')) if (!ids.includes(e.hash.slice(1))) found.push(e.outerHTML);
  const parts = said => { const at = said.match(/[\\d.]+/g).map(Number); return at.length < 4 ? [...at, 1] : at; };
  const light = at => at.slice(0, 3).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  for (const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); words.nextNode();) {
    const e = words.currentNode.parentElement, style = getComputedStyle(e);
    if (!words.currentNode.textContent.trim() || !e.checkVisibility() || e.closest('title, desc')) continue;
    let behind = [0, 0, 0, 0];
    for (let on = e; on && !behind[3]; on = on.parentElement) behind = parts(getComputedStyle(on).backgroundColor);
    const two = [light(parts(e.closest('svg') ? style.fill : style.color)), light(behind)].sort((a, b) => b - a);
    if ((two[0] + 0.05) / (two[1] + 0.05) < 4.5) found.push(`pale: ${e.outerHTML.slice(0, 80)}`);
  }
  for (const e of closed) e.open = false;
  return found;
}"""


@dataclass
class Desks:
    """A browser window each for several people. complaints: what any page's console said."""

    browser: Any
    app: App
    camera: Camera
    pages: dict[str, Any] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def _said(self, said: Any) -> None:
        """Keep errors of Muster's pages; the stand-in for Slack's sign-in is not looked at."""
        if said.type == "error" and self.app.url in str(said.location):
            self.complaints.append(f"{said.text} {said.location}")

    async def of(self, name: str, **options: Any) -> Any:
        """This person's page, signed in by picking them; options: of a window of their own."""
        key = f"{name}{sorted(options)}"
        if key not in self.pages:
            context = await self.browser.new_context(**{"viewport": SIZE, **options})
            page = await context.new_page()
            page.on("console", self._said)
            page.on("pageerror", lambda error: self.complaints.append(str(error)))
            await page.goto(f"{self.app.url}/incidents")
            await page.get_by_role("link", name="Sign in with Slack").click()
            await page.get_by_role("link", name=name).click()
            await page.get_by_role("heading", name="Incidents", exact=True).wait_for()
            self.pages[key] = page
        return self.pages[key]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desks(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desks]:
    folder = tmp_path_factory.mktemp("pages")
    async with opened() as browser, Sandbox(rate_factor=0) as sandbox:
        await sandbox.aws.start()
        with pytest.MonkeyPatch.context() as env:
            for name, value in sandbox.env().items():
                env.setenv(name, value)
            app = build(Settings.of(
                sandbox.env(), database_url=f"sqlite:///{folder / 'muster.db'}", muster_config=POLICY, muster_port=0,
                muster_journal=folder / "journal.jsonl",
            ))  # fmt: skip
            await app.start()
            desks = Desks(browser, app, Camera())
            yield desks
            for page in desks.pages.values():  # before the app: they go on asking it
                await page.context.close()
            await app.stop()


async def declare_approve_as_two_and_watch_it_run(desks: Desks) -> None:
    ana = await desks.of("Ana")
    await ana.get_by_role("link", name="Declare an incident").click()
    await ana.get_by_label("Title").fill("checkout is down")
    await ana.get_by_label("Severity").select_option("sev1")
    await ana.get_by_label("Service").select_option("checkout")
    await ana.get_by_role("button", name="Send").click()
    await ana.get_by_text("INC-1").first.wait_for()
    await ana.goto(f"{desks.app.url}/ask")
    await ana.get_by_role("textbox", name="Line").fill(f"incident declare sev3 {LONG}")
    await ana.get_by_role("button", name="Ask", exact=True).click()
    await ana.get_by_text("INC-2").first.wait_for()
    await ana.goto(f"{desks.app.url}/incidents/INC-1")
    await ana.get_by_role("textbox", name="Line").fill(RUN)
    await ana.get_by_role("button", name="Ask", exact=True).click()
    await ana.goto(f"{desks.app.url}/incidents/INC-1")  # from here on nobody reloads this page
    await ana.get_by_role("heading", name="Waiting for approval").wait_for(timeout=30_000)
    await desks.camera.keep(ana, "page-incident")

    for name in ("Ben", "Chi"):
        page = await desks.of(name)
        await page.goto(f"{desks.app.url}/incidents/INC-1")
        await page.get_by_role("button", name="Approve").first.click()
        await page.get_by_role("link", name="Back").wait_for()
        assert "Refused" not in await page.inner_text("h1")
    await ana.locator("#runs").get_by_text("finished").first.wait_for(timeout=60_000)
    assert await ana.get_by_role("heading", name="Waiting for approval").count() == 0
    link = ana.locator("#timeline a.seq").first
    await link.click()
    assert "#event-" in ana.url and await ana.locator("li:target").count() == 1
    await desks.camera.keep(ana, "page-incident-timeline")


async def the_post_mortem_is_written_and_shared(desks: Desks) -> None:
    ana, path = await desks.of("Ana"), f"{desks.app.url}/incidents/INC-1/post-mortem"
    await ana.goto(path)
    await ana.get_by_role("button", name="Draft it").click()
    await ana.get_by_text("Drafting the post-mortem").wait_for()
    for _ in range(50):
        await ana.goto(path)
        if await ana.get_by_role("link", name="Edit Summary").count():
            break
        await ana.wait_for_timeout(200)
    await ana.get_by_role("link", name="Edit Summary").click()
    await ana.get_by_label("Text").fill("Checkout was down for three minutes [1]; nobody lost an order.")
    await ana.get_by_role("button", name="Send").click()
    await ana.get_by_text("is written: version 2").wait_for()
    await ana.goto(path)
    await ana.get_by_text("nobody lost an order").wait_for()
    await desks.camera.keep(ana, "page-post-mortem")
    await ana.locator("#summary").get_by_role("link", name="1", exact=True).click()
    await ana.locator("#event-1:target").wait_for()
    await ana.goto(path)
    await ana.get_by_role("button", name="Share in its channel").click()
    await ana.get_by_text("Sharing version 2").wait_for()


def a_year(tx: Tx) -> None:
    """What happened before, so that the numbers have something to count."""
    dice = random.Random(11)
    for number in range(40):
        title, severity = f"earlier trouble {number}", f"sev{dice.choice('12334')}"
        one = incidents.open_incident(tx, title=title, severity=severity, by="P-1", service="checkout").id
        declared = tx.now - timedelta(days=dice.randint(3, 170), minutes=dice.randint(0, 900))
        times, at = {"detected_at": declared - timedelta(minutes=dice.randint(1, 9))}, declared
        for name, most in (("acknowledged_at", 9), ("decided_at", 20), ("restored_at", 60), ("resolved_at", 240)):
            at = times[name] = at + timedelta(minutes=dice.randint(1, most))
        change = update(table).where(table.c.id == one)
        tx.conn.execute(change.values(declared_at=declared, status="resolved", **times))


async def keyboard_phone_dark_and_no_script(desks: Desks) -> None:
    await desks.app.db.write(a_year)
    ana = await desks.of("Ana")
    await ana.goto(f"{desks.app.url}/incidents/INC-1")
    await ana.keyboard.press("Tab")
    assert await ana.evaluate("document.activeElement.textContent") == "Skip to the content"
    await ana.keyboard.press("Enter")
    assert await ana.evaluate("document.activeElement.id") == "main"
    paths = ("/incidents", "/incidents/INC-1", "/playbooks", "/playbooks/failover/rds-multi-az", "/services", "/numbers",
             "/audit?stream=INC-1", "/ask")  # fmt: skip
    phone = await desks.of("Dov", viewport=PHONE, color_scheme="dark")
    for path in paths:
        await phone.goto(f"{desks.app.url}{path}")
        wide = await phone.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"], f"{path} is {wide} pixels wide on a phone"
        assert await phone.evaluate(WRONG) == [], path
        for mark in ("main", "nav", "h1", "header", "footer"):
            assert await phone.locator(mark).count() >= 1, (path, mark)
    await phone.goto(f"{desks.app.url}/incidents/INC-1")
    await desks.camera.keep(phone, "page-incident-phone")
    dark = await phone.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark == "rgb(13, 17, 23)"
    await phone.goto(f"{desks.app.url}/ask?line=incident%20declare")
    assert await phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], "also with a word as long"
    assert "#inc-1-" in await phone.inner_text("main"), "channels by name"
    for path, name in zip(paths[3:7], ("playbook", "services", "numbers", "record"), strict=True):
        await ana.goto(f"{desks.app.url}{path}")
        assert await ana.evaluate(WRONG) == [], f"{path}, light"
        await desks.camera.keep(ana, f"page-{name}")

    quiet = await desks.of("Eve", java_script_enabled=False)
    await quiet.goto(f"{desks.app.url}/incidents/INC-1")
    assert "finished" in await quiet.inner_text("#runs") and await quiet.locator("#picture svg rect").count() > 1
    await quiet.get_by_role("link", name="refresh").click()
    await quiet.get_by_role("link", name="Incidents").click()
    await desks.camera.keep(quiet, "page-incidents")
    assert desks.complaints == [], "no page breaks its own security policy"


@pytest.mark.timeout(240)
@pytest.mark.asyncio(loop_scope="module")
async def test_the_pages_as_people_use_them(desks: Desks) -> None:
    for scene in (
        declare_approve_as_two_and_watch_it_run,
        the_post_mortem_is_written_and_shared,
        keyboard_phone_dark_and_no_script,
    ):
        try:
            await scene(desks)
        except BaseException as error:
            error.add_note(f"in the scene {scene.__name__}")
            raise
