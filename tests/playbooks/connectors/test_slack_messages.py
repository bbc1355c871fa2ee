"""One message of a person's, in and out of threads, on the wire."""

from __future__ import annotations

from typing import Any

from bot.sandbox.client import SandboxClient
from playbooks.connectors.slack import Slack
from playbooks.errors import Refused, Temporary


async def test_a_message_with_its_link_marks_and_author(slack: Slack, sb: SandboxClient, ending: Any) -> None:
    ts = str((await sb.type("U0BEN", "incidents", "writes fail & more")).body)
    reply = str((await sb.type("U0ANA", "incidents", "since 14:00", thread_ts=ts)).body)
    await sb.react("U0ANA", "incidents", ts, "pushpin")
    await sb.pin("U0ANA", "incidents", ts)
    found = await slack.said("C0INCIDENTS", ts)
    assert found is not None and (found.user, found.pinned, found.marks) == ("U0BEN", True, {"pushpin"})
    assert found.text == "writes fail &amp; more" and found.link.endswith(
        f"/archives/C0INCIDENTS/p{ts.replace('.', '')}"
    )
    threaded = await slack.said("C0INCIDENTS", reply)
    assert threaded is not None and threaded.text == "since 14:00" and not threaded.pinned
    await sb.edit("U0BEN", "incidents", ts, "writes failed")
    again = await slack.said("C0INCIDENTS", ts)
    assert again is not None and again.edited and again.text == "writes failed"
    await sb.unpin("U0ANA", "incidents", ts)
    await sb.edit("U0BEN", "incidents", ts)
    assert await slack.said("C0INCIDENTS", ts) is None and await slack.permalink("C0INCIDENTS", ts) == ""
    await sb.fail("slack", "conversations.history", "500")
    assert isinstance(await ending(slack.said("C0INCIDENTS", reply)), Temporary)
    await sb.fail("slack", "conversations.history", "missing_scope")
    assert isinstance(await ending(slack.said("C0INCIDENTS", reply)), Refused)


async def test_a_home_tab_is_published_whole(slack: Slack, sb: SandboxClient) -> None:
    await slack.publish_home("U0BEN", [{"type": "section", "text": {"type": "mrkdwn", "text": "nothing waits"}}])
    home = await sb.home("U0BEN")
    assert home is not None and home.plain == "nothing waits"
