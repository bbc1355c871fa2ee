"""The post-mortem's page over real HTTP: drafted by its button, read with links to events, kept in versions, a file."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from bot.app import App
from bot.sandbox.client import SandboxClient


async def test_drafted_written_shared_and_downloaded(bot: App, people: SandboxClient, browse: Any) -> None:
    await people.type("U0ANA", "incidents", "/incident declare sev2 checkout <i>is</i> slow")
    await people.wait_for("incidents", "INC-1", as_user="U0ANA")
    ana, ben = await browse("U0ANA"), await browse("U0BEN")
    path = "/incidents/INC-1/post-mortem"
    assert "There is none yet" in (await ana.go(path)).text
    assert (await ana.go(f"{path}.md")).status_code == 404
    await ana.go(path)
    assert "Drafting" in (await ana.press("Draft it", "incident postmortem")).text
    async with asyncio.timeout(20):
        while "Version 1" not in (await ana.go(path)).text:
            await asyncio.sleep(0.1)
    page = ana.page.text
    assert "checkout &lt;i&gt;is&lt;/i&gt; slow" in page and 'href="/incidents/INC-1?before=2#event-1"' in page
    assert "to fill in" in page and "by <strong>Muster</strong>" in page and "<svg" in page

    edit = re.search(r'href="(/ask\?line=[^"]*section%3Dsummary[^"]*)"', page)
    assert edit
    link = edit[1].replace("&amp;", "&")
    await ana.go(link)
    await ben.go(link)
    assert ">Ana declared sev2" in ana.page.text, "it begins with what it says now"
    said = "Slow <b>for</b> 12 minutes [1].\r\n\r\nNobody lost data."
    assert "is written: version 2" in (await ana.press("Send", field_text=said)).text
    late = (await ben.press("Send", field_text="Ben's words")).text
    assert "Refused" in late and "Ben&#39;s words" in late, "changed meanwhile: nothing is lost, nothing overwritten"
    page = (await ana.go(path)).text
    assert "Slow &lt;b&gt;for&lt;/b&gt; 12 minutes" in page and "by <strong>Ana</strong>" in page
    assert "Version 1" in page and "(counts)" in page
    first = re.search(r'href="(\?version=doc-[^"]+)">Version 1<', page)
    assert (
        first
        and "Slow &lt;b&gt;" not in (await ana.go(f"{path}{first[1]}")).text
        and "another one counts" in ana.page.text
    )
    assert "Edit Summary" not in ana.page.text, "an old version is only read"
    await _long(ana, people, link)
    file = await ana.go(f"{path}.md")
    assert file.headers["content-disposition"].startswith("attachment") and "Nobody lost data." in file.text
    for format, begins in (("html", b"<!doctype html>"), ("pdf", b"%PDF-")):
        assert re.search(rf'href="{path}\.{format}\?version=doc-', page), "linked"
        made = await ana.go(f"{path}.{format}")
        assert made.status_code == 200 and made.content.startswith(begins) and format in made.headers["content-type"]
        assert f'-post-mortem.{format}"' in made.headers["content-disposition"].replace("_", "-")
    assert "Slow &lt;b&gt;for&lt;/b&gt;" in (await ana.go(f"{path}.html")).text and "<svg" in ana.page.text
    assert (await ana.go(f"{path}.exe")).status_code == 404
    await ana.go(path)
    shared = (await ana.press("Share in its channel")).text
    assert "Sharing version 4" in shared and "Still to fill in" in shared, shared[-3000:]
    assert (await ana.go(f"{path}?version=doc-none")).status_code == 404
    assert (await ana.go("/incidents/INC-9/post-mortem")).status_code == 404


async def _long(ana: Any, people: SandboxClient, link: str) -> None:
    """A section that no form of Slack's holds is changed whole on its page, where Slack's form leads."""
    many = "\n".join(f"Minute {number}: still slow." for number in range(500))
    await ana.go(link)
    assert "version 3" in (await ana.press("Send", field_text=many)).text
    old = {view.id for view in await people.views("U0ANA")}
    await people.type("U0ANA", "incidents", "/incident postmortem INC-1 section=summary")

    async def opened() -> Any:
        return next((view for view in await people.views("U0ANA") if view.id not in old), None)

    view = json.dumps((await people.wait_until(opened)).__dict__, default=str)
    found = re.search(r"<[^|>]*(/ask\?line=[^|>]+)\|Change it on its page>", view)
    assert found and "still slow" not in view
    assert "Minute 499: still slow." in (await ana.go(found[1].replace("&amp;", "&"))).text
    begun = re.search(r"<textarea[^>]*>(.*?)</textarea>", ana.page.text, re.DOTALL)
    assert begun and begun[1].strip() == many
    words = f"Slow <b>for</b> 12 minutes [1].\n\nNobody lost data.\n\n{many}"
    assert "version 4" in (await ana.press("Send", field_text=words)).text
    assert "Minute 499" in ana.page.text or "Minute 499" in (await ana.go("/incidents/INC-1/post-mortem")).text
