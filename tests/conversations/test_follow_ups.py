"""Follow-ups as issues: written down here, made in Jira, finished there, and the list says so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot import retold
from storage import followups, post_mortems, timers
from tests.conversations.conftest import POLICY, Town
from tests.conversations.test_clocks import has

ANA, BEN, GUEST = "U0ANA", "U0BEN", "U0GUS"


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_an_issue_is_made_followed_and_done(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("commands.timers.tickets", "commands.timers.followup"):
        monkeypatch.setattr(f"{module}.working", lambda policy, at: at)  # whenever this is tested
    text = POLICY.read_text(encoding="utf-8")
    rule = "review: { required: true, "
    assert rule in text
    mine = tmp_path / "jira.yaml"
    mine.write_text(text.replace(rule, f"{rule}follow_up_ticket: jira, "), encoding="utf-8")
    app = await town.muster(policy=mine)
    channel = await town.declared()

    # Jira fails once: it is tried again, and one issue is made.
    await town.sb.fail("jira", "POST /issue", "429", times=1)
    await town.says(ANA, channel, "/incident followups add owner=<@U0BEN|ben> alarm on lag", has("is being made"))

    async def ticketed(number: int) -> bool:
        mine = await app.db.read(lambda tx: followups.of_incident(tx, "INC-1"))
        return sum(bool(one.ticket) for one in mine) == number

    await town.sb.wait_until(lambda: ticketed(1), timeout=60)
    (issue,) = await town.sb.get("jira")
    assert issue["fields"]["summary"] == "alarm on lag" and "Owner: Ben" in issue["fields"]["description"]
    await town.says(ANA, channel, "/incident followups", has("alarm on lag", "OPS-1"))

    # The action items of the text, once.
    await town.says(ANA, channel, "/incident followups take", has("no post-mortem yet"))
    await town.says(ANA, channel, "/incident postmortem", has("Drafting"))

    async def drafted() -> bool:
        return await app.db.read(lambda tx: post_mortems.latest(tx, "INC-1")) is not None

    await town.sb.wait_until(drafted, timeout=60)
    words = "| what | owner | due |\n| --- | --- | --- |\n| alarm on lag | Ben | |\n| page earlier | Ben | 2027-02-01 |"
    await town.says(ANA, channel, f"/incident postmortem section=action-items {words}", has("is written"))
    await town.says(ANA, channel, "/incident followups take", has("1 follow-ups taken", "page earlier", "Ben"))
    await town.says(ANA, channel, "/incident followups take", has("a follow-up already"))
    await town.sb.wait_until(lambda: ticketed(2), timeout=60)
    for form, said in (("md", "[OPS-2](http"), ("html", ">OPS-2</a>"), ("pdf", "")):
        path = tmp_path / f"x.{form}"  # what people read, in every form, says which issue each became
        assert await asyncio.to_thread(retold.exported, town.url, "INC-1/post-mortem", path, form) == 0
        assert said.encode() in path.read_bytes()

    # Done there is done here; what Jira does not answer is asked again; what is gone is said once.
    async def looked() -> None:
        await app.db.write(lambda tx: timers.set(tx, "tickets", "INC-1", tx.now))

    await town.sb.post("jira", move={"OPS-1": "Done", "OPS-2": ""})
    await town.sb.fail("jira", "GET /issue/{key}", "error:down", times=1)
    await looked()

    async def ran(number: int) -> bool:
        runs = [one for one in await town.events("INC-1", "run.requested") if one.body["playbook"] == "followup/look"]
        ended = {one.body["run"] for one in await town.events("INC-1", "run.ended")}
        return len(runs) == number and {one.body["run"] for one in runs} <= ended

    await town.sb.wait_until(lambda: ran(1), timeout=60)
    assert await town.events("INC-1", "followup.done") == []
    await looked()
    await town.sb.wait_for(f"@{BEN}", has("does not show OPS-2 any more", "page earlier"), timeout=60)
    (event,) = await town.events("INC-1", "followup.done")
    assert event.actor == "muster" and event.body == {"followup": "f1", "ticket": "OPS-1"}
    await town.says(ANA, channel, "/incident followups", has("done in Jira", "not shown by Jira any more"))
    assert len(await town.events("INC-1", "followup.lost")) == 1
    await town.sb.user(GUEST, name="Gus", email="gus@example.com", is_restricted=True)
    await town.sb.change_channel(channel.removeprefix("#"), add=[GUEST])
    await town.says(GUEST, channel, "/incident followups take", has("full members"))
    await town.says(BEN, channel, "/incident followups done f2 held", has("f2 is done"))
    await town.proven()
