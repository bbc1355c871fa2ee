"""The local workspace in a real browser: a sev1 with two approvers, a form, an answer for one, a failure.

One browser, one sandbox and one Muster play the whole file; the tests follow each other in the order they stand in.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.app import build
from bot.sandbox import Sandbox, SandboxClient
from bot.settings import Settings
from tests.browser.conftest import SIZE, Camera, opened

POLICY = Path(__file__).parents[2] / "muster.example.yaml"
RDS = "failover/rds-multi-az service=checkout"
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("workspace")]


@dataclass
class Desk:
    """The page as somebody sits before it."""

    page: Any
    sandbox: Sandbox
    sb: SandboxClient
    camera: Camera
    refused: list[str]

    async def be(self, name: str) -> None:
        await self.page.get_by_role("radio", name=name).click()
        await self.page.locator(f'#people [aria-checked=true]:has-text("{name}")').wait_for()

    async def goes(self, channel: str) -> None:
        await self.page.locator("#channels button", has_text=channel).first.click()
        await self.page.locator("#title", has_text=channel).wait_for()

    async def types(self, line: str) -> None:
        await self.page.locator("#box").fill(line)
        await self.page.locator("#box").press("Enter")

    async def sees(self, words: str, where: str = "#messages") -> Any:
        """The last message with these words, once it is there."""
        found = self.page.locator(f"{where} .message", has_text=re.compile(words, re.DOTALL)).last
        await found.wait_for(timeout=15_000)
        return found

    async def card(self, words: str) -> Any:
        return await self.sees(words)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    folder, patch = tmp_path_factory.mktemp("workspace"), pytest.MonkeyPatch()
    async with opened() as browser, Sandbox(rate_factor=0) as sandbox, SandboxClient(sandbox.url) as sb:
        env = sandbox.env()
        for name, value in env.items():
            patch.setenv(name, value)
        settings = Settings.of(
            env, database_url=f"sqlite:///{folder}/muster.db", muster_config=POLICY, muster_port=0,
            muster_replica="desk", muster_journal=folder / "journal.jsonl",
        )  # fmt: skip
        app = build(settings)
        await asyncio.gather(app.start(), sandbox.aws.start(), sandbox.database.start())
        assert app.socket is not None
        async with asyncio.timeout(20):
            await app.socket.up.wait()
        await sb.deliver_to("socket", pagerduty_url=f"{app.url}/webhooks/pagerduty")
        page = await browser.new_page(viewport=SIZE)
        page.set_default_timeout(10_000)
        refused: list[str] = []
        page.on("console", lambda said: refused.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: refused.append(str(error)))
        await page.goto(sandbox.page.url)
        yield Desk(page, sandbox, sb, Camera(), refused)
        await page.close()
        await app.stop()
        patch.undo()


async def test_a_line_is_completed_from_what_muster_knows(desk: Desk) -> None:
    box, offered = desk.page.locator("#box"), desk.page.locator("#offered li")
    await box.fill("/inc")
    await offered.first.wait_for()
    await box.press("Tab")
    await desk.page.locator("#offered li", has_text="declare").first.wait_for()
    await box.type("decl")
    await desk.page.locator("#offered li:only-child", has_text="declare").wait_for()
    await box.press("ArrowDown")
    await box.press("Enter")
    assert await box.input_value() == "/incident declare "
    await desk.page.locator("#offered li", has_text="sev1").wait_for()
    await box.press("Escape")
    assert await desk.page.locator("#offered").is_hidden()


async def test_ana_declares_with_a_form_that_says_what_is_wrong(desk: Desk) -> None:
    await desk.types("/incident declare")
    modal = desk.page.locator("#modal")
    await modal.wait_for()
    await modal.get_by_role("button", name="Send").click()
    await modal.locator(".error:visible").first.wait_for()
    await modal.get_by_label("Severity").select_option("sev1")
    await modal.get_by_label("Title").fill("checkout is down")
    await modal.get_by_label("Service").select_option("checkout")
    await desk.camera.keep(desk.page, "workspace-form")
    await modal.get_by_role("button", name="Send").click()
    await modal.wait_for(state="hidden")
    answer = await desk.sees("INC-1")
    assert "Only you" in await answer.inner_text()
    await desk.goes("inc-1-checkout-is-down")
    await desk.card("Resolve")
