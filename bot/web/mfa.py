"""`/mfa/<ticket>.png`: the QR code of one offered secret, once. Slack fetches it to show it in the owner's form.

Belongs here: the picture and its headers. Does not belong here: what a ticket is good for (bot/enrolling.py).
"""

from __future__ import annotations

import io

import segno
from aiohttp import web

from bot.enrolling import redeem
from storage.db import Database, Unreachable
from storage.sealing import Seal

HEADERS = {"Cache-Control": "no-store, private", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}


class Pictures:
    """seal None: MUSTER_KEY is not set, so there are none."""

    def __init__(self, db: Database, seal: Seal | None) -> None:
        self._db = db
        self._seal = seal

    async def http(self, request: web.Request) -> web.Response:
        """GET: the picture, the first time. Anything else that is asked for looks the same: 404."""
        seal, ticket = self._seal, request.match_info.get("ticket", "")
        if seal is None:
            return web.Response(status=404, headers=HEADERS)
        if request.method != "GET":  # somebody only looks whether it is there
            return web.Response(content_type="image/png", headers=HEADERS)
        try:
            uri = await self._db.write(lambda tx: redeem(tx, seal, ticket))
        except Unreachable:
            return web.Response(status=503, headers=HEADERS)
        if uri is None:
            return web.Response(status=404, headers=HEADERS)
        return web.Response(body=drawn(uri), content_type="image/png", headers=HEADERS)


def drawn(uri: str) -> bytes:
    """A PNG, about 400 pixels wide."""
    out = io.BytesIO()
    segno.make(uri, error="m", micro=False).save(out, kind="png", scale=8, border=4)
    return out.getvalue()
