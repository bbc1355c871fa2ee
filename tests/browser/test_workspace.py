"""The local workspace in a real browser: a sev1 with two approvers, a form, an answer for one, a failure.

One browser, one sandbox and one Muster play the whole file; the scenes follow each other, as one test.
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
from storage.sealing import new_key
from tests.browser.conftest import SIZE, Camera, opened

POLICY = Path(__file__).parents[2] / "muster.example.yaml"
RDS = "failover/rds-multi-az service=checkout"


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
            muster_replica="desk", muster_journal=folder / "journal.jsonl", muster_key=new_key(),
        )  # fmt: skip
        app = build(settings)
        await asyncio.gather(app.start(), sandbox.aws.start(), sandbox.database.start())
        assert app.socket is not None
        async with asyncio.timeout(20):
            await app.socket.up.wait()
        await sb.deliver_to("socket", pagerduty_url=f"{app.url}/webhooks/pagerduty")
        page = await browser.new_page(viewport=SIZE)
        page.set_default_timeout(30_000)
        refused: list[str] = []
        page.on(
            "console", lambda said: refused.append(f"{said.text} {said.location}") if said.type == "error" else None
        )
        page.on("pageerror", lambda error: refused.append(str(error)))
        await page.goto(sandbox.page.url)
        yield Desk(page, sandbox, sb, Camera(), refused)
        await page.close()
        await app.stop()
        patch.undo()


async def a_line_is_completed_from_what_muster_knows(desk: Desk) -> None:
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


async def ana_declares_with_a_form_that_says_what_is_wrong(desk: Desk) -> None:
    await desk.types("/incident declare")
    modal = desk.page.locator("#modal")
    await modal.wait_for()
    await modal.get_by_role("button", name="Send").click()
    await modal.locator(".error:visible").first.wait_for()
    await modal.get_by_label("Severity").select_option("sev1")
    await modal.get_by_label("Title").fill("   ")  # something for Slack, nothing for Muster
    await modal.get_by_role("button", name="Send").click()
    await modal.locator(".error", has_text="Say what is wrong, in a few words").wait_for()
    await desk.camera.keep(desk.page, "workspace-form")
    await modal.get_by_label("Title").fill("checkout is down")
    await modal.get_by_label("Service").select_option("checkout")
    await modal.get_by_role("button", name="Send").click()
    await modal.wait_for(state="hidden")
    answer = await desk.sees("INC-1")
    assert "Only you" in await answer.inner_text()
    await desk.goes("inc-1-checkout-is-down")
    await desk.card("Resolve")


async def two_people_approve_and_everybody_watches_it_run(desk: Desk) -> None:
    page = desk.page
    await page.get_by_role("button", name="Acknowledge as Ben").click()
    await page.locator("#panel-pagerduty .status-acknowledged").wait_for()
    await desk.types(f"/playbook run {RDS}")
    card = await desk.card("aws.rds_failover.*Approve")
    await card.get_by_role("button", name="Approve", exact=True).click()
    refused = await desk.sees("your approval does not count")
    assert "Only you (Ana)" in await refused.inner_text()
    await desk.be("Ben")
    await (await desk.card("aws.rds_failover.*Approve")).wait_for()
    assert await page.locator("#messages .message", has_text="your approval does not count").count() == 0
    await desk.camera.keep(page, "workspace-approval")
    await (await desk.card("Approve")).get_by_role("button", name="Approve", exact=True).click()
    await desk.card("1 of 2")
    assert "writes in eu-north-1a" in await page.locator("#panel-aws").inner_text()
    await desk.be("Chi")
    await (await desk.card("1 of 2")).get_by_role("button", name="Approve", exact=True).click()
    await page.locator("#panel-aws .row", has_text="writes in eu-north-1b").wait_for(timeout=20_000)
    await page.locator("#panel-aws", has_text="200 up").wait_for()
    await desk.card("failover/rds-multi-az.*finished")
    await page.locator("#steps .next", has_text="Resolve").wait_for()
    await desk.camera.keep(page, "workspace-finished")


async def a_line_of_people_a_thread_a_pin_and_a_reaction(desk: Desk) -> None:
    page = desk.page
    await desk.types('what is <img src=x onerror="alert(1)"> *bold* with @ben & `code`?')
    said = await desk.sees("what is <img")
    assert await said.locator("img").count() == 0
    assert await said.locator("strong", has_text="bold").count() == 1
    await said.hover()
    await said.get_by_role("button", name="React eyes").click()
    await said.locator(".reactions", has_text="1").wait_for()
    await page.keyboard.press("Enter")  # still on the same button, though the message was drawn again
    await said.locator(".reactions").wait_for(state="detached")
    await said.get_by_role("button", name="Pin", exact=True).press("Enter")
    await said.get_by_role("button", name="Unpin").press("Enter")
    await said.get_by_role("button", name="Pin", exact=True).wait_for(state="attached")
    await said.get_by_role("button", name="Edit").press("Enter")
    await page.locator("#confirm textarea").fill("what was <img>?")
    await page.locator("#confirm").get_by_role("button", name="Save").click()
    said = await desk.sees("what was <img>")
    await said.hover()
    await said.get_by_role("button", name="Reply").click()
    await page.locator("#thread textarea").fill("it is a thread")
    await page.locator("#thread textarea").press("Enter")
    await desk.sees("it is a thread", "#thread")
    await said.locator(".replies", has_text="1 reply").wait_for()
    await page.keyboard.press("Escape")
    assert await page.locator("#thread").is_hidden()
    await page.keyboard.press("Alt+1")
    await page.locator('#people [aria-checked=true]:has-text("Ana")').wait_for()


async def a_file_and_a_word_between_two_people_who_look_at_the_same_time(desk: Desk) -> None:
    page, room = desk.page, desk.sandbox.world.named("inc-1-checkout-is-down")
    assert room is not None
    ben = await page.context.browser.new_page(viewport=SIZE)  # a window of its own
    ben.set_default_timeout(30_000)
    await ben.goto(f"{desk.sandbox.page.url}#U0BEN/{room.id}")
    picture = {"name": "errors.png", "mimeType": "image/png", "buffer": await page.screenshot()}
    await page.locator("#chosen").set_input_files([picture, {**picture, "name": "not this one.png"}])
    await page.get_by_role("button", name="Do not send not this one.png").click()
    await page.get_by_role("button", name="Attach files").wait_for()
    await desk.types("errors since 13:58, see https://example.com/graph?a=1&b=2.")
    shared = ben.locator("#messages .message", has_text="errors since 13:58").last
    await shared.locator('a[href="https://example.com/graph?a=1&b=2"]').wait_for()
    drawn = shared.get_by_role("img", name="errors.png")
    await drawn.scroll_into_view_if_needed()
    await ben.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=await drawn.element_handle())
    assert await page.locator("#messages .message", has_text="not this one").count() == 0
    await shared.get_by_role("button", name="Add to the timeline").press("Enter")
    await ben.locator("#messages .message", has_text="is on INC-1").last.wait_for()

    await page.locator("#write").select_option(label="Ben")
    await page.locator("#title", has_text="Ben").wait_for()
    await desk.types("are you awake?")
    await ben.locator("#direct button.unread", has_text="Ana").click()
    await ben.locator("#messages .message", has_text="are you awake?").wait_for()
    await ben.locator("#box").fill("I am now")
    await ben.locator("#box").press("Enter")
    await desk.sees("I am now")
    await ben.close()
    await page.locator("#direct button", has_text="Muster").first.click()
    await page.locator("#title", has_text="Muster").wait_for()
    await desk.types("incident status INC-1")
    await desk.sees("checkout is down.*Incident commander")
    await desk.be("Ana")
    await desk.goes("inc-1-checkout-is-down")
    await desk.be("Gus")  # a guest, who cannot see it: what he can see is opened instead
    await page.locator("#title", has_text="Muster").wait_for()
    await desk.be("Ana")
    await desk.goes("inc-1-checkout-is-down")
    await desk.camera.keep(page, "workspace-files")


async def a_telephone_shows_the_codes_muster_asks_for(desk: Desk) -> None:
    modal = desk.page.locator("#modal")
    await desk.types("/playbook mfa")
    await modal.get_by_role("button", name="Add it to Ana's phone").click()
    await modal.get_by_role("button", name="Read it from the phone").click()
    assert re.fullmatch(r"\d{6}", await modal.get_by_label("Code").input_value())
    await modal.get_by_role("button", name="Send").click()
    await desk.sees("Your one-time codes are set up")
    assert "Ana's authenticator" in await desk.page.locator("#phone").inner_text()


async def a_failure_is_switched_on_said_in_words_and_healed(desk: Desk) -> None:
    page, panel = desk.page, desk.page.locator("#panel-pagerduty")
    await panel.get_by_text("Make it fail").click()
    await panel.get_by_label("How", exact=True).select_option("error:invalid key")
    await panel.get_by_label("How often").select_option("-1")
    await panel.get_by_role("button", name="Fail").click()
    await panel.locator(".trouble", has_text="invalid key").wait_for()
    await page.locator("#failing", has_text="Made to fail: PagerDuty").wait_for()
    await desk.goes("general")
    await desk.types("/incident declare sev1 payments are failing service=checkout")
    warned = await desk.sees("PagerDuty.*\\+1-555-")
    assert "Only you (Ana)" in await warned.inner_text()
    await desk.camera.keep(page, "workspace-failure")
    await panel.get_by_role("button", name="Heal").click()
    await panel.locator(".heal").wait_for(state="hidden")


async def while_muster_is_away_the_page_says_so(desk: Desk) -> None:
    said = desk.page.locator("#link-state", has_text="Muster is not connected")
    await desk.sb.fail("slack", "apps.connections.open", "500", -1)
    await desk.sb.post("disconnect", hard=True)
    await said.wait_for()
    await desk.sb.clear_faults()
    await said.wait_for(state="hidden", timeout=30_000)


async def home_shows_what_waits_and_a_shortcut_opens_its_form(desk: Desk) -> None:
    page = desk.page
    await page.locator("#direct button", has_text="Home").click()
    await page.locator("#other .home", has_text="INC-1").wait_for(timeout=15_000)
    await desk.camera.keep(page, "workspace-home")
    await page.locator("#shortcuts button", has_text="Declare an incident").click()
    await page.locator("#modal").get_by_label("Title").wait_for()
    await page.keyboard.press("Escape")
    await page.locator("#modal").wait_for(state="hidden")
    await desk.goes("inc-1-checkout-is-down")
    await desk.types("/playbook run")
    await page.locator("#modal").get_by_label("Playbook").select_option(RDS.split(maxsplit=1)[0])
    await page.locator("#modal").get_by_role("button", name="Next").click()  # the same modal, updated
    await page.locator("#modal").get_by_label("Service").wait_for()
    await page.keyboard.press("Escape")
    await page.locator("#modal").wait_for(state="hidden")


async def monitoring_tells_muster_and_the_card_is_declared(desk: Desk) -> None:
    page = desk.page
    await page.locator("#panel-monitoring summary").click()
    await page.get_by_role("button", name="Fifty at once").click()
    await desk.goes("incidents")
    card = await desk.sees("CheckoutErrors.*Declare")
    assert await page.locator("#messages .message", has_text="CheckoutErrors").count() == 1
    await card.get_by_role("button", name="Declare", exact=True).wait_for()


async def another_page_cannot_drive_it_and_nothing_was_refused_by_its_own_rules(desk: Desk) -> None:
    import httpx

    url, line = desk.sandbox.page.url, {"user": "U0EVE", "channel": "C0GENERAL", "text": "hello"}
    async with httpx.AsyncClient() as other:
        for address in (f"{url}act/type", f"{desk.sandbox.url}/control/type"):
            for headers in ({"Origin": "http://127.0.0.1:9"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.test"}):
                assert (await other.post(address, json=line, headers=headers)).status_code == 403
        assert (
            await other.post(url.replace(desk.sandbox.page.key, "guess") + "act/type", json=line)
        ).status_code == 404
        assert (await other.post(f"{url}act/type", content="{}")).status_code == 415
        document = await other.get(url)
        assert "script-src 'self'" in document.headers["content-security-policy"]
        assert (await other.get(f"{url}static/..%2froutes.py")).status_code == 404
    assert all("hello" not in message.text for message in await desk.sb.messages("#general"))
    assert desk.refused == []


@pytest.mark.timeout(240)
@pytest.mark.asyncio(loop_scope="module")
async def test_the_workspace_as_people_use_it(desk: Desk) -> None:
    for scene in (
        a_line_is_completed_from_what_muster_knows,
        ana_declares_with_a_form_that_says_what_is_wrong,
        two_people_approve_and_everybody_watches_it_run,
        a_line_of_people_a_thread_a_pin_and_a_reaction,
        a_file_and_a_word_between_two_people_who_look_at_the_same_time,
        a_telephone_shows_the_codes_muster_asks_for,
        a_failure_is_switched_on_said_in_words_and_healed,
        while_muster_is_away_the_page_says_so,
        home_shows_what_waits_and_a_shortcut_opens_its_form,
        monitoring_tells_muster_and_the_card_is_declared,
        another_page_cannot_drive_it_and_nothing_was_refused_by_its_own_rules,
    ):
        try:
            await scene(desk)
        except BaseException as error:
            error.add_note(f"in the scene {scene.__name__}")
            raise
