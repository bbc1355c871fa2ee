"""The post-mortem's page over real HTTP: drafted by its button, read with links to events, kept in versions, a file."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.app import App
from bot.sandbox.client import SandboxClient
from bot.web.post_mortems import cited


def test_citations_lead_to_events() -> None:
    assert cited("INC-4", "back [3, 26]. [a](b) [7](x)") == (
        "back \\[[3](/incidents/INC-4?before=4#event-3), [26](/incidents/INC-4?before=27#event-26)\\]. [a](b) [7](x)"
    )


async def test_drafted_read_and_downloaded(bot: App, people: SandboxClient, browse: Any) -> None:
    await people.type("U0ANA", "incidents", "/incident declare sev2 checkout <i>is</i> slow")
    await people.wait_for("incidents", "INC-1", as_user="U0ANA")
    ana = await browse("U0ANA")
    path = "/incidents/INC-1/post-mortem"
    assert "There is none yet" in (await ana.go(path)).text and "?version" not in ana.page.text
    assert (await ana.go(f"{path}.md")).status_code == 404
    for version in (1, 2):
        await ana.go(path)
        assert (
            "Drafting" in (await ana.press("Draft it" if version == 1 else "Draft again", "incident postmortem")).text
        )
        async with asyncio.timeout(20):
            while (await ana.go(path)).text.count("?version=") < (1, 3)[version - 1]:
                await asyncio.sleep(0.1)
    page = ana.page.text
    assert "checkout &lt;i&gt;is&lt;/i&gt; slow" in page and 'href="/incidents/INC-1?before=2#event-1"' in page
    assert "All 2 versions" in page
    file = await ana.go(f"{path}.md")
    assert file.headers["content-disposition"].startswith("attachment") and file.text.startswith("# ")
    assert (await ana.go(f"{path}?version=doc-none")).status_code == 404
    assert (await ana.go("/incidents/INC-9/post-mortem")).status_code == 404
