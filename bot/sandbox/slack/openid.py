"""Sign in with Slack here: pick a person, and the browser goes back with a code for them.

Belongs here: the discovery document as slack.com publishes it, the page to pick somebody on, codes, id_tokens and the
key that signs them. `pkce`: whether the discovery offers it; slack.com's does not name it, so both ways are tried.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

from bot.sandbox.world import TEAM

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

CLIENT_ID, CLIENT_SECRET = "7000000000.8000000000", "sandbox-client-secret"
CODE_S = 600.0
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in · sandbox</title>
<meta name="viewport" content="width=device-width"><h1>Who are you?</h1>
<p>This is the sandbox's stand-in for Slack's sign-in. Pick a person to go on as.</p><ul>{people}</ul></html>"""
HEADERS = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "no-referrer"}


class OpenId:
    """The provider of one sandbox. spoil: claims put over the true ones, so that a test may send what is wrong."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.pkce = False
        self.spoil: dict[str, Any] = {}
        self._codes: dict[str, dict[str, Any]] = {}
        self._key: RSAKey | None = None

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/.well-known/openid-configuration", self.described),
            web.get("/openid/connect/authorize", self.authorize),
            web.get("/openid/connect/keys", self.keys),
            web.post("/api/openid.connect.token", self.token),
        ]

    @property
    def key(self) -> RSAKey:
        self._key = self._key or RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
        return self._key

    async def described(self, request: web.Request) -> web.Response:
        base = self.sandbox.url
        body: dict[str, Any] = {
            "issuer": base, "authorization_endpoint": f"{base}/openid/connect/authorize",
            "token_endpoint": f"{base}/api/openid.connect.token", "jwks_uri": f"{base}/openid/connect/keys",
            "scopes_supported": ["openid", "profile", "email"], "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        }  # fmt: skip
        if self.pkce:
            body["code_challenge_methods_supported"] = ["S256"]
        return web.json_response(body)

    async def keys(self, request: web.Request) -> web.Response:
        return web.json_response({"keys": [self.key.as_dict(private=False)]})

    async def authorize(self, request: web.Request) -> web.Response:
        """The page; with `user` picked, back with a code. Only to this machine, whatever address was asked for."""
        asked = dict(request.query)
        back = asked.get("redirect_uri", "")
        wrong = asked.get("client_id") != CLIENT_ID or asked.get("response_type") != "code"
        if wrong or urlsplit(back).hostname not in ("127.0.0.1", "localhost") or "openid" not in asked.get("scope", ""):
            return web.Response(status=400, text="bad client_id, response_type, scope or redirect_uri")
        who = asked.pop("user", "")
        if not who:
            return web.Response(text=self._page(asked), content_type="text/html", headers=HEADERS)
        user = self.sandbox.world.users.get(who)
        if user is None or user.deleted or user.is_bot:
            return web.Response(status=400, text="no such person can sign in")
        code = secrets.token_urlsafe(24)
        self._codes[code] = {**asked, "user": user.id, "until": time.monotonic() + CODE_S}
        sent = {"code": code, "state": asked.get("state", "")}
        return web.Response(status=302, headers={"Location": f"{back}?{urlencode(sent)}", **HEADERS})

    def _page(self, asked: dict[str, str]) -> str:
        world = self.sandbox.world
        able = [one for one in world.users.values() if not one.deleted and not one.is_bot]
        lines = [
            f'<li><a href="?{escape(urlencode({**asked, "user": one.id}))}">{escape(one.real_name)}</a></li>'
            for one in able
        ]
        return PAGE.format(people="".join(lines))

    async def token(self, request: web.Request) -> web.Response:
        """openid.connect.token: refuses as Slack does, with 200 and ok=false. A code is good once."""
        given = {name: str(value) for name, value in (await request.post()).items()}
        if (given.get("client_id"), given.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return web.json_response({"ok": False, "error": "bad_client_secret"})
        asked = self._codes.pop(given.get("code", ""), None)
        if asked is None or time.monotonic() > asked["until"]:
            return web.json_response({"ok": False, "error": "invalid_code"})
        if given.get("redirect_uri") != asked["redirect_uri"]:
            return web.json_response({"ok": False, "error": "bad_redirect_uri"})
        if asked.get("code_challenge") and _challenge(given.get("code_verifier", "")) != asked["code_challenge"]:
            return web.json_response({"ok": False, "error": "invalid_code_verifier"})
        return web.json_response({"ok": True, "token_type": "Bearer", "access_token": "xoxp-sandbox",
                                  "id_token": self._signed(asked)})  # fmt: skip

    def _signed(self, asked: dict[str, Any]) -> str:
        user, now = self.sandbox.world.users[asked["user"]], int(time.time())
        claims = {
            "iss": self.sandbox.url, "sub": user.id, "aud": CLIENT_ID, "iat": now, "exp": now + 300,
            "auth_time": now, "nonce": asked.get("nonce", ""), "https://slack.com/user_id": user.id,
            "https://slack.com/team_id": user.team or TEAM, "name": user.real_name, **self.spoil,
        }  # fmt: skip
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
