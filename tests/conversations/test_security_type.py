"""type=security: private, neutrally named, unannounced and unpublished from the first second, whatever fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from storage import runs

EXAMPLE = Path(__file__).parents[2] / "muster.example.yaml"
SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
WORD = "vaultwhisper"
LINE = f"/incident declare sev1 {WORD} keys were read by a stranger service=checkout type=security"


@pytest.fixture
def publishing(tmp_path: Path) -> Path:
    """The example policy, publishing at once: a private incident must stay off the page even then."""
    path = tmp_path / "publishing.yaml"
    path.write_text(EXAMPLE.read_text().replace("mode: draft ", "mode: publish ", 1))
    return path


async def everything(town: Any, user: str) -> str:
    """Whatever this person can see: messages, topics and names of their channels, files there, the public page."""
    seen = [json.dumps((await town.sb.statuspage())["incidents"])]
    for channel in await town.sb.channels():
        if channel["is_private"] and user not in channel["members"]:
            continue
        if channel["is_im"] and user not in channel["members"]:
            continue
        seen += [channel["name"], json.dumps(channel["topic"])]
        seen += [m.plain + m.text + json.dumps(m.blocks) for m in await town.sb.messages(channel["name"], user)]
    return "\n".join(seen)


async def opened(town: Any) -> dict[str, Any]:
    """The incident's channel once its board stands in it."""
    await town.sb.type("U0ANA", "#general", LINE)
    found = await town.sb.find_channel("inc-1")
    await town.sb.wait_for(found["name"], lambda m: m.button("Resolve") is not None)
    return dict(found)


async def over(town: Any) -> Any:
    """The declare's run once it has ended."""

    async def look() -> Any:
        run = await town.read(lambda tx: runs.get(tx, "INC-1/1"))
        return run if run and run.state in ("succeeded", "incomplete", "aborted") else None

    return await town.sb.wait_until(look, 45)


async def test_nobody_else_learns_of_it(town: Any, publishing: Path) -> None:
    """On both databases: the channel, the page, the announcement, the status page, and what Eve can ask for."""
    await town.muster(policy=publishing)
    channel = await opened(town)
    assert channel["is_private"]
    assert channel["name"] == "inc-1-restricted"
    await over(town)
    members = next(c for c in await town.sb.channels() if c["name"] == channel["name"])["members"]
    assert {"U0CHI", "U0ANA"} <= set(members), "the security contacts and whoever declared it are invited"
    assert not {"U0EVE", "U0BEN", "U0DOV"} & set(members), "nobody else is"
    assert not (await town.sb.statuspage())["incidents"]
    assert not [m for m in await town.sb.messages("#incidents") if "INC-1" in m.plain]
    pages = json.dumps(await town.sb.pagerduty())
    assert "INC-1" in pages, "the on-call is paged"
    assert WORD not in pages, "the page says nothing of what it is about"
    for line in ("/incident list", "/incident status INC-1", "/incident timeline INC-1", "/incident status"):
        before = len(await town.sb.messages("#general", "U0EVE"))
        await town.sb.type("U0EVE", "#general", line)
        await town.sb.wait_until(lambda n=before: _more(town, n))
    await town.says("U0EVE", "#general", "/playbook status INC-1/1", "There is no")
    assert WORD not in await everything(town, "U0EVE")
    assert "INC-1 " not in (await _last(town, "U0EVE", "/incident list"))
    assert "INC-1" in (await _last(town, "U0CHI", "/incident list")), "security may see it"
    await town.proven()


async def _more(town: Any, before: int) -> bool:
    return len(await town.sb.messages("#general", "U0EVE")) > before


async def _last(town: Any, user: str, line: str) -> str:
    return str((await town.says(user, "#general", line, lambda m: True)).plain)


@SQLITE
async def test_updates_publishing_and_resolving_stay_inside(town: Any, publishing: Path) -> None:
    await town.muster(policy=publishing)
    channel = f"#{(await opened(town))['name']}"  # Ana, who declared it, and the security contacts: Chi
    await over(town)
    preview = await town.says("U0CHI", channel, f"/incident update {WORD} is contained", "contained")
    assert preview.button("Send")
    await town.sb.click("U0CHI", channel, "Send", ts=preview.ts)
    await town.sb.wait_for(channel, lambda m: "*Update*" in m.plain and WORD in m.plain)
    await town.sb.type("U0CHI", channel, "/incident publish")
    await town.says("U0CHI", channel, f"/incident resolve {WORD} rotated", "resolved")
    await town.sb.wait_until(lambda: _uploaded(town), timeout=60)
    assert not (await town.sb.statuspage())["incidents"]
    assert WORD not in await everything(town, "U0EVE")
    for file in await town.sb.files():
        assert "C0GENERAL" not in json.dumps(file.get("channels")), "the draft is shared in its own channel only"


async def _uploaded(town: Any) -> bool:
    return any(file["completed"] for file in await town.sb.files())


@SQLITE
@pytest.mark.parametrize("mode", ["missing_scope", "error:restricted_action", "429", "500", "timeout_after"])
async def test_it_never_becomes_public_because_private_fails(town: Any, publishing: Path, mode: str) -> None:
    """Refused, throttled or unanswered: only private channels are ever asked for, and nothing falls back."""
    await town.muster(policy=publishing, muster_read_timeout=3.0)
    for_good = mode in ("missing_scope", "error:restricted_action")
    await town.sb.fail("slack", "conversations.create", mode, times=-1 if for_good else 1, retry_after=1)
    await town.sb.type("U0ANA", "#general", LINE)
    assert (await over(town)).state == ("incomplete" if for_good else "succeeded")
    asked = await town.sb.calls("slack", "conversations.create")
    assert asked
    assert all(str(call["arguments"].get("is_private")).lower() in ("true", "1") for call in asked)
    made = [c for c in await town.sb.channels() if c["name"].startswith("inc-")]
    assert [c["is_private"] for c in made] == ([] if for_good else [True])
    if for_good:
        told = await town.sb.wait_for("#general", "Open the channel", as_user="U0ANA")
        assert "⚠️" in told.plain
    assert WORD not in await everything(town, "U0EVE")
