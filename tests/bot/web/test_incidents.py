"""The page of an incident shows nothing to whoever knows its address."""

from __future__ import annotations

from bot.app import App
from bot.sandbox.client import SandboxClient


async def test_nothing_of_an_incident_is_shown(bot: App, people: SandboxClient) -> None:
    await people.type("U0ANA", "incidents", "/incident declare sev1 a very secret title")
    await people.wait_for("incidents", "INC-1", as_user="U0ANA")
    answer = await people.http.get(f"{bot.url}/incidents/INC-1")
    assert answer.status_code == 404 and "secret" not in answer.text
