"""Signing in with Slack, and out again.

Belongs here: the way to Slack and back (state, nonce, PKCE in a signed cookie), who may have a session, its end. Does
not belong here: what Slack's answer proves (connectors/slack_sign_in.py), session rows (storage/sessions.py).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import time

from aiohttp import web

from bot.home import HomeDirectory
from bot.manifest import BACK
from bot.web.site import Site, Visit, Wrong, back_of, to
from playbooks.connectors.slack_sign_in import SignedIn, SlackSignIn
from playbooks.directory import Person
from storage import people, sessions
from storage.db import Tx

WITHIN_S = 600
HOME_WITHIN_S = 3.0


class SignIn:
    """The four addresses. slack None: SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are not set, so nobody can."""

    def __init__(self, site: Site, slack: SlackSignIn | None, secret: str, directory: HomeDirectory) -> None:
        self._site = site
        self._slack = slack
        self._directory = directory
        self._key = hashlib.sha256(f"muster sign-in {secret}".encode()).digest()  # the same on every replica

    @property
    def _cookie(self) -> str:
        return "__Host-muster-sign-in" if self._site.secure else "muster-sign-in"

    async def show(self, request: web.Request) -> web.StreamResponse:
        """GET /sign-in"""
        after = back_of(request.query.get("next"))
        if await self._site.visitor(request) is not None:
            return to(after)
        return self._site.html(None, "sign_in.html", next=after, sandbox=self._site.house.sandbox)

    async def go(self, request: web.Request) -> web.StreamResponse:
        """GET /sign-in/go: to Slack, with a cookie that only the answer to this very attempt fits."""
        about = {
            "state": secrets.token_urlsafe(24), "nonce": secrets.token_urlsafe(24),
            "verifier": secrets.token_urlsafe(48), "next": back_of(request.query.get("next")),
            "until": int(time.time()) + WITHIN_S,
        }  # fmt: skip
        address = await self._provider().address(
            back=self._site.url + BACK, state=str(about["state"]), nonce=str(about["nonce"]),
            verifier=str(about["verifier"]),
        )  # fmt: skip
        answer = to(address)
        answer.set_cookie(
            self._cookie, self._signed(json.dumps(about)), path="/", httponly=True, samesite="Lax",
            secure=self._site.secure, max_age=WITHIN_S,
        )  # fmt: skip
        return answer

    async def back(self, request: web.Request) -> web.StreamResponse:
        """GET /sign-in/back: from Slack, with a code."""
        about = self._read(request.cookies.get(self._cookie, ""))
        state = request.query.get("state", "")
        if about is None or not secrets.compare_digest(str(about["state"]).encode(), state.encode()):
            raise Wrong(
                400, "This sign-in was not begun here, or took too long. You are not signed in.", "Sign in again."
            )
        if "code" not in request.query:
            raise Wrong(403, "Slack did not let you in. You are not signed in.", "Sign in again.")
        who = await self._provider().who(
            request.query["code"],
            back=self._site.url + BACK,
            nonce=str(about["nonce"]),
            verifier=str(about["verifier"]),
        )
        token = await self._begin(who, request.cookies.get(self._site.cookie, ""))
        answer = to(str(about["next"]))
        answer.del_cookie(self._cookie, path="/", secure=self._site.secure, httponly=True, samesite="Lax")
        self._site.keep(answer, token)
        return answer

    async def out(self, visit: Visit) -> web.StreamResponse:
        """POST /sign-out"""
        await self._site.db.write(lambda tx: sessions.end(tx, visit.session, visit.actor.person))
        answer = self._site.html(None, "signed_out.html")
        answer.del_cookie(self._site.cookie, path="/", secure=self._site.secure, httponly=True, samesite="Lax")
        return answer

    async def _begin(self, who: SignedIn, former: str) -> str:
        """A session for a full member of the home workspace. All others are refused, on the record."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HOME_WITHIN_S):
                await self._directory.find_home()
        await self._site.db.write(lambda tx: self._directory.see(tx, "slack", who.account, who.name))
        await self._directory.refresh_account("slack", who.account)

        def work(tx: Tx) -> str | Person:
            policy = self._site.house.policy
            actor = self._directory.actor(tx, "slack", who.account, policy)
            row = people.account(tx, "slack", who.account)
            if actor.person is None or row is None or row.state != people.MEMBER:
                sessions.refused(tx, who.account, actor.why_not, person=actor.person, seen_as=actor.seen_as)
                return actor
            if former and (was := sessions.find(tx, former)):
                sessions.end(tx, was, actor.person if was.account == who.account else None)
            return sessions.begin(tx, who.account, actor.person)[1]

        found = await self._site.db.write(work)
        if isinstance(found, Person):
            why = found.why_not or "Slack could not be asked yet whether you are a full member."
            todo = "Full members of this workspace can. Ask one of them, or try again in a minute if you are one."
            raise Wrong(403, f"{why} You are not signed in.", todo)
        return found

    def _provider(self) -> SlackSignIn:
        if self._slack is None:
            raise Wrong(404, "Nobody can sign in here: SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are not set.",
                        "Muster answers in Slack: /incident list")  # fmt: skip
        return self._slack

    def _signed(self, text: str) -> str:
        body = base64.urlsafe_b64encode(text.encode()).decode()
        return f"{body}.{self._mac(body)}"

    def _mac(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()

    def _read(self, cookie: str) -> dict[str, str | int] | None:
        body, _, mac = cookie.partition(".")
        if not mac or not hmac.compare_digest(mac.encode(), self._mac(body).encode()):
            return None
        about: dict[str, str | int] = json.loads(base64.urlsafe_b64decode(body))
        return about if int(about["until"]) > time.time() else None
