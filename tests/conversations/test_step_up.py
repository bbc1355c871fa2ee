"""One-time codes from outside: set up in a form, asked for when approving, good once, in nobody's log, row or channel."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import inspect, text

from bot.app import App
from playbooks import step_up
from storage import runs
from storage.db import Tx
from storage.sealing import Seal, new_key
from tests.conversations.conftest import POLICY
from tests.conversations.test_approvals_votes import ANA, BEN, CHI, DOV, RUN, Box
from tests.phone import Phone

KEY = new_key()
SEAL = Seal(KEY)


@pytest.fixture
async def app(town: Any, tmp_path: Path) -> App:
    """A Muster whose policy asks approvers for a code."""
    await town.sb.group("sre", add=[DOV])
    file = tmp_path / "muster.yaml"
    file.write_text(POLICY.read_text(encoding="utf-8").replace("  mfa: off ", "  mfa: required "), encoding="utf-8")
    made: App = await town.muster(policy=file, muster_key=KEY, muster_url="https://muster.example.com")
    return made


async def form(town: Any, user: str, but: str = "") -> Any:
    """The form that is open for this person."""

    async def look() -> Any:
        return next((view for view in await town.sb.views(user) if view.id != but), None)

    return await town.sb.wait_until(look)


def everything(tx: Tx) -> str:
    """All rows of all tables, as text."""
    names = inspect(tx.conn).get_table_names()
    return "\n".join(str(tx.conn.execute(text(f'SELECT * FROM "{name}"')).all()) for name in names)


async def picture(app: App, url: str) -> None:
    """Slack fetches it from the public address: once."""
    assert url.startswith("https://muster.example.com/mfa/") and len(url) < 3000
    path = url.removeprefix("https://muster.example.com")
    async with httpx.AsyncClient(trust_env=False, base_url=app.url) as http:
        assert (await http.head(path)).status_code == 200, "looking is not fetching"
        first, second = await http.get(path), await http.get(path)
        bent = await http.get(path.replace("/mfa/", "/mfa/x"))
    assert first.status_code == 200 and first.content.startswith(b"\x89PNG") and len(first.content) > 300
    assert "no-store" in first.headers["cache-control"]
    assert second.status_code == bent.status_code == 404 and second.content == bent.content == b""


async def enrolled_in_the_form(town: Any, app: App, box: Box, user: str) -> Phone:
    """As a person does: open, scan, mistype, try again."""
    await town.sb.type(user, "#incidents", "/playbook mfa")
    first = await form(town, user)
    secret = re.search(r"`((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})`", first.plain)
    assert secret, first.plain
    (image,) = [block["image_url"] for block in first.blocks if block["type"] == "image"]
    await picture(app, image)
    phone = Phone(app.db, str(await box.person(user)), secret[1].replace(" ", ""))
    bad = await town.sb.submit(user, {"code": "12 34x"})
    assert bad.body["response_action"] == "errors", "what is no code costs no try"
    before = {m.ts for m in await town.sb.messages("#incidents", user)}
    await town.sb.submit(user, {"code": await phone.bad()})
    said = await box.told(user, "4 tries left", before)
    await town.sb.click(user, "#incidents", "Enter a code again", ts=said.ts)
    again = await form(town, user, but=first.id)
    assert phone.secret not in str(again.raw).replace(" ", "")
    await town.sb.submit(user, {"code": await phone.code()})
    await box.told(user, "are set up", before)
    assert await app.db.read(lambda tx: step_up.enrolled(tx, phone.person))
    assert phone.secret not in await app.db.read(everything)
    return phone


async def gives(town: Any, box: Box, user: str, code: str, wanted: str) -> Any:
    """Press Approve, type a code into the form it opens."""
    before = {m.ts for m in await town.sb.messages("#incidents", user)}
    open_before = {view.id for view in await town.sb.views(user)}
    await town.sb.click(user, "#incidents", "Approve", ts=box.card.ts)

    async def opened() -> bool:
        return bool({view.id for view in await town.sb.views(user)} - open_before)

    await town.sb.wait_until(opened)
    await town.sb.submit(user, {"code": code})
    return await box.told(user, wanted, before)


async def test_where_policy_asks_for_a_code_only_votes_with_one_count(
    town: Any, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    box = Box(town, None)  # type: ignore[arg-type]
    await town.says(BEN, "#incidents", "/incident list", "")
    ben = await enrolled_in_the_form(town, app, box, BEN)
    box = await Box.asked(town)
    assert "each with a one-time code" in box.card.plain
    chi = await Phone.of(app.db, SEAL, str(await box.person(CHI)))
    await box.types(CHI, f"/playbook approve {RUN}", "needs a one-time code")
    await gives(town, box, DOV, "123456", "no one-time codes set up")
    await gives(town, box, BEN, await chi.code(), "wrong")
    used = await ben.code()
    await gives(town, box, BEN, used, "1 of 2")
    sent = (await town.sb.deliveries("interactive"))[-1]
    assert (await town.sb.redeliver(sent["id"])).acked
    assert app.metrics.registry.get_sample_value("muster_asks_repeated_total", {"kind": "form"}) == 1
    await box.types(BEN, f"/playbook approve {RUN} code={used}", "has been used")
    for number in range(4):
        wanted = f"{4 - number} tries left" if number < 3 else "one try left"
        await box.types(CHI, f"/playbook approve {RUN} {await chi.bad()}", wanted)
    await box.types(CHI, f"/playbook approve {RUN} code={await chi.bad()}", "locked until")
    await box.types(CHI, f"/playbook approve {RUN} code={await chi.code()}", "locked until")
    await box.state("open")
    dov = await Phone.of(app.db, SEAL, str(await box.person(DOV)))
    last = await dov.code()
    await box.types(DOV, f"/playbook approve {RUN} code={last}", "it starts now")
    await box.ended()
    votes = await town.read(lambda tx: runs.votes_on(tx, f"{RUN}/1"))
    assert {(vote.person, vote.proof) for vote in votes} == {(ben.person, "totp"), (dov.person, "totp")}
    refused, yes = (BEN, "approve", False), (BEN, "approve", True)
    tries = [(CHI, "approve", False)] * 7
    await box.holds(yes, refused, refused, (DOV, "approve", False), (DOV, "approve", True), *tries, reboots=1)
    kept = await app.db.read(everything)
    for secret in (used, last, ben.secret, chi.secret, dov.secret):
        assert secret not in kept and secret not in caplog.text
    assert f"playbook approve {RUN} code=proof-" in kept and "code=wrong:replayed" in kept
    types = [e.type for e in await town.events("org") if e.type.startswith("factor.")]
    assert types.count("factor.locked") == 1 and types.count("factor.failed") == 9
    shown = str([m for c in ("#incidents", "#general") for m in await town.sb.messages(c, ANA)])
    assert not any(secret in shown for secret in (used, last, ben.secret))


async def test_a_vote_that_lost_its_proof_is_counted_out_at_the_start(town: Any, app: App) -> None:
    """Whatever the rows say of votes, the start counts only those with the proof that the rule needs."""
    box = await Box.asked(town)
    ben = await Phone.of(app.db, SEAL, str(await box.person(BEN)))
    chi = await Phone.of(app.db, SEAL, str(await box.person(CHI)))
    await box.types(BEN, f"/playbook approve {RUN} code={await ben.code()}", "1 of 2")
    await box.write("UPDATE votes SET proof = NULL")
    await box.types(CHI, f"/playbook approve {RUN} code={await chi.code()}", "1 of 2")
    await box.state("open")
    await box.types(BEN, f"/playbook approve {RUN} code={await ben.code()}", "it starts now")
    await box.ended()
    await box.holds((BEN, "approve", True), (CHI, "approve", True), (BEN, "approve", True), reboots=1)
