"""`/incidents/INC-42`: where the pages will be. Until people can sign in here, nothing is shown to whoever knows a URL.

Belongs here: that answer. Does not belong here: anything of an incident.
"""

from __future__ import annotations

from aiohttp import web


async def page(request: web.Request) -> web.Response:
    """A polite 404 that says where to look."""
    asked = request.match_info.get("incident", "")
    name = asked if asked.upper().startswith("INC-") and asked[4:].isdigit() else "the incident"
    text = (
        f"Muster shows {name} in Slack: its channel has the pinned board, and `/incident status {name}` or "
        f"`/incident timeline {name}` answer anywhere. This address will show it once people can sign in here.\n"
    )
    return web.Response(status=404, text=text)
