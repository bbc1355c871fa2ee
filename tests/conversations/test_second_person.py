"""Where policy says so, nobody publishes their own words: a second person reads them on a card and lets them go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "muster.example.yaml"
ANA, BEN, DOV = "U0ANA", "U0BEN", "U0DOV"


@pytest.fixture
def careful(tmp_path: Path) -> Path:
    """The example policy, with a second person for sev1's status page and for letters to customers."""
    path, text = tmp_path / "careful.yaml", EXAMPLE.read_text()
    for old, new in (
        ("      impact: critical\n", "      impact: critical\n      second_person: true\n"),
        ("    title: Customers\n", "    title: Customers\n    second_person: true\n"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)
    return path


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_nobody_publishes_their_own_words(town: Any, careful: Path) -> None:
    """The first word, an update and a letter: refused for who wrote them, sent once by somebody else."""
    sb = town.sb
    await town.muster(policy=careful)
    channel = await town.declared()

    async def waiting(words: str) -> Any:
        return await sb.wait_for(
            channel, lambda m: "not published yet" in m.plain and words in m.plain and m.button("Publish"), timeout=60
        )

    draft = await sb.wait_for(channel, lambda m: "draft" in m.plain and m.button("Publish") is not None, timeout=60)
    await town.presses(DOV, channel, "Publish", draft, "not published yet")
    card = await waiting("We are investigating a problem with Checkout")
    await town.presses(DOV, channel, "Publish", card, "You wrote these words")
    assert not (await sb.statuspage())["incidents"], "one person is not two"
    await sb.fail("statuspage", "POST /incidents", "500", times=1)  # tried again by itself
    await town.presses(BEN, channel, "Publish", card, "subscribers are told")
    page = await sb.wait_until(lambda: _page(sb), timeout=30)
    assert page["name"] == "checkout is down"
    await sb.wait_for(channel, lambda m: "released by *Ben*" in m.plain and not m.button("Publish"), timeout=60)

    preview = await town.says(ANA, channel, "/incident update status=identified A disk is full.", "somebody else")
    await town.presses(ANA, channel, "Send", preview, "not updated yet")
    await sb.wait_for(channel, lambda m: "*Update*" in m.plain and "A disk is full." in m.plain, timeout=60)
    card = await waiting("A disk is full.")
    assert (await _page(sb))["status"] == "investigating", "the channel is told at once, the page is not"
    await sb.wait_for(channel, lambda m: "an update waits for a second person" in m.plain and m.button("Resolve"))
    await town.presses(ANA, channel, "Publish", card, "Anybody else can")
    await town.presses(BEN, channel, "Publish", card, "goes to the status page")
    await sb.wait_until(lambda: _page(sb, status="identified"), timeout=60)
    await sb.wait_for(channel, lambda m: m.ts == card.ts and "released by *Ben*" in m.plain and not m.button("Publish"))

    preview = await town.says(ANA, channel, "/incident tell customers Payments fail.", "somebody else")
    await town.presses(ANA, channel, "Send", preview, "not sent yet")
    card = await waiting("Payments fail.")
    await town.presses(BEN, channel, "Publish", card, "goes to")
    await sb.wait_until(lambda: _mail(town), timeout=60)
    assert [e.actor != f.actor for e, f in await _pairs(town)] == [True] * 3
    await town.proven()


async def _pairs(town: Any) -> list[tuple[Any, Any]]:
    asked = {e.seq: e for e in await town.events("INC-1", "public.proposed")}
    return [(asked[e.body["proposal"]], e) for e in await town.events("INC-1", "public.released")]


async def _page(sb: Any, status: str = "") -> Any:
    found = [one for one in (await sb.statuspage())["incidents"] if not status or one["status"] == status]
    return found[0] if found else None


async def _mail(town: Any) -> Any:
    return [one for one in town.sandbox.mail.kept if "Payments fail." in one["body"]]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_playbook_asked_for_by_hand_is_no_way_round(town: Any, careful: Path) -> None:
    """What it mails or puts on the page waits for somebody else; who asked, or filled in the words, is refused."""
    sb = town.sb
    await town.muster(policy=careful)
    channel = await town.declared()

    async def asks(words: str) -> Any:
        wanted = ("May these words go to", "somebody else* than who asked", words)
        return await sb.wait_for(
            channel, lambda m: all(one in m.plain for one in wanted) and m.button("Publish"), timeout=30
        )

    await town.says(BEN, channel, "/playbook run comms/publish", "comms/publish")
    card = await asks("We are investigating a problem with Checkout")
    await town.presses(BEN, channel, "Publish", card, "somebody else to read these words first")
    assert not (await sb.statuspage())["incidents"], "one person is not two"
    await sb.fail("statuspage", "POST /incidents", "429", times=1)  # tried again by itself, and nobody is asked again
    await town.presses(DOV, channel, "Publish", card, "Recorded")
    await sb.wait_until(lambda: _page(sb), timeout=30)

    values = "service=Checkout,status=Payments fail.,eta=an hour,url=https://x.test"
    line = f'to=customers template=dr_activation values="{values}"'
    await town.says(BEN, channel, f"/playbook run comms/tell {line}", "comms/tell")
    card = await asks("Payments fail.")
    assert not await _mail(town)
    await town.presses(DOV, channel, "No", card, "Recorded")
    await sb.wait_for(channel, lambda m: "said no to these words" in m.plain, timeout=30)
    assert not await _mail(town)
    await town.proven()
