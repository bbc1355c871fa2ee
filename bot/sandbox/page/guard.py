"""Who may drive the workspace from a browser: its own page alone, no other page that happens to be open.

Belongs here: judging a request by its Host, Origin and Sec-Fetch-Site, and the headers of the page. Does not belong
here: the key in the page's address (routes.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

LOCAL = ("127.0.0.1", "localhost", "[::1]")
GUARDED = ("/page/", "/control/")
FROM_HERE = ("same-origin", "none")  # none: typed into the address bar
# Nothing from elsewhere, no inline script or style: text of people can never become code.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",  # the key stands in the address
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def refusal(host: str, origin: str | None, site: str | None) -> str:
    """Why a request is not served, or "". host: its Host header; site: its Sec-Fetch-Site, which browsers send.

    A name that points at 127.0.0.1 (DNS rebinding) is refused by its Host, another page by its Origin.
    """
    name = host.rpartition(":")[0] or host
    if name not in LOCAL:
        return f"this workspace is not {name}"
    if origin is not None and (urlsplit(origin).scheme != "http" or urlsplit(origin).netloc != host):
        return "another page asked"
    if site is not None and site not in FROM_HERE:
        return "another site asked"
    return ""


@web.middleware
async def guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuses what another page sends to the page or the control API; programs send no Origin and pass."""
    if request.path.startswith(GUARDED):
        headers = request.headers
        why = refusal(headers.get("Host", ""), headers.get("Origin"), headers.get("Sec-Fetch-Site"))
        if why:
            return web.json_response({"error": f"Refused: {why}."}, status=403)
    return await handler(request)
