"""The post-mortem from draft to document: shown, written in a form, shared, exported."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot import retold
from playbooks.errors import Refused
from storage import documents, post_mortems

ANA, BEN, EVE = "U0ANA", "U0BEN", "U0EVE"


async def _view(sb: Any, user: str, old: set[str]) -> Any:
    return next((view for view in await sb.views(user) if view.id not in old), None)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_written_in_a_form_shared_and_exported(town: Any, tmp_path: Path) -> None:
    sb = town.sb
    await town.muster()
    channel = await town.declared()
    await sb.fail("slack", "files.completeUploadExternal", "error:restricted_action", times=-1)
    await town.says(ANA, channel, "/incident postmortem", "Drafting")
    await sb.wait_until(lambda: _drafted(town), timeout=60)
    shown = await town.says(BEN, channel, "/incident postmortem what=show", "version 1 by *Muster*")

    async def write(user: str, words: str, answer: str) -> Any:
        old = {view.id for view in await sb.views(user)}
        await sb.click(user, channel, "✏️ Summary", ts=shown.ts)
        view = await sb.wait_until(lambda: _view(sb, user, old))
        before = {m.ts for m in await sb.messages(channel, user)}
        await sb.submit(user, {"text": words}, view_id=view.id)
        await sb.wait_for(
            channel, lambda m: m.ts not in before and m.ephemeral_for and answer in m.plain, as_user=user, timeout=60
        )
        return view

    view = await write(BEN, "Checkout was down; 決済が停止。 <b>12 min</b> [1]", "version 2")
    assert "declared" in json.dumps(view.raw if hasattr(view, "raw") else view.__dict__, default=str)
    stranger = await town.says(EVE, "#general", "/incident postmortem INC-9 section=summary x", "There is no INC-9")
    assert stranger
    town.sandbox.faults.clear()
    await town.says(BEN, channel, "/incident postmortem share", "Sharing version 2")
    await sb.wait_until(lambda: _uploaded(sb), timeout=60)

    url = town.url
    made = {}
    for form in ("md", "html", "pdf"):
        path = tmp_path / f"x.{form}"
        assert await asyncio.to_thread(retold.exported, url, "INC-1/post-mortem", path, form) == 0
        made[form] = path.read_bytes()
    assert "決済が停止" in made["md"].decode()
    page = made["html"].decode()
    assert "&lt;b&gt;12 min" in page and "<svg" in page and "<script" not in page
    assert made["pdf"].startswith(b"%PDF-") and len(made["pdf"]) > 3000
    with pytest.raises(Refused):
        await asyncio.to_thread(retold.exported, url, "INC-7/post-mortem", None, "md")
    assert [e.body["format"] for e in await town.events("org", "export.made")] == ["md", "html", "pdf"]
    await town.proven()


async def _drafted(town: Any) -> Any:
    return await town.read(lambda tx: documents.of_stream(tx, "INC-1") and post_mortems.latest(tx, "INC-1"))


async def _uploaded(sb: Any) -> Any:
    return [file for file in await sb.files() if file["completed"]]
