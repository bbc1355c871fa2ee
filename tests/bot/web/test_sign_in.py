"""Signing in over real HTTP: nothing without it, Slack's word checked, strangers refused, sessions that end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import select, update

from bot.app import App
from bot.sandbox.server import Sandbox
from storage import people as rows
from storage import timeline
from storage.db import Tx
from storage.tables import accounts
from storage.tables_sessions import sessions

PAGES = ("/", "/incidents", "/incidents/INC-1", "/ask", "/asks/abcdefghijklmnop", "/playbooks", "/services", "/numbers",
         "/people", "/audit", "/incidents/INC-1/post-mortem", "/whatever")  # fmt: skip


async def test_nothing_without_it_and_every_page_is_guarded(bot: App, people: Any, browse: Any) -> None:
    await people.type("U0ANA", "incidents", "/incident declare sev1 a very secret title")
    await people.wait_for("incidents", "INC-1", as_user="U0ANA")
    stranger = await browse()
    for path in PAGES:
        answer = await stranger.http.get(f"{bot.url}{path}")
        assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next="), path
        assert "secret" not in answer.text
    for path in ("/ask", "/sign-out"):
        refused = await stranger.http.post(f"{bot.url}{path}", data={"line": "incident list"})
        assert refused.status_code == 401 and "not signed in" in refused.text
    shown = await stranger.go("/sign-in?next=//evil.example/x")
    assert "/sign-in/go?next=/incidents" in shown.text and "evil" not in shown.text
    for answer in (shown, await stranger.go("/static/style.css"), await stranger.go("/static/nothing")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe-inline" not in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["referrer-policy"]
    ana = await browse("U0ANA")
    assert "a very secret title" in ana.page.text and 'href="/people"' not in ana.page.text
    cookie = (await ana.http.get(f"{bot.url}/sign-in/go")).headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie
    assert (await ana.go("/nothing/here")).status_code == 404 and "There is no such page" in ana.page.text
    await ana.go("/incidents")
    kept = ana.cookies()
    await ana.press("Sign out")
    assert "signed out" in ana.page.text
    assert await ana.status_with(kept) == 303, "the cookie of a session that was ended opens nothing"
    told = [e.type for e in await bot.db.read(lambda tx: timeline.read(tx, "org")) if e.type.startswith("session")]
    assert told == ["session.opened", "session.ended"]


async def test_slacks_word_is_checked(bot: App, sandbox: Sandbox, browse: Any) -> None:
    ana = await browse()
    for spoilt in ({"nonce": "another"}, {"aud": "somebody.else"}, {"iss": "https://evil.example"}, {"exp": 1},
                   {"https://slack.com/team_id": ""}, {"aud": ["7000000000.8000000000", "x"]}):  # fmt: skip
        sandbox.openid.spoil = spoilt
        answer = await ana.sign_in("U0ANA")
        assert answer.status_code == 400 and "not signed in" in answer.text, spoilt
    sandbox.openid.spoil = {}
    sandbox.openid._key = None  # signed by another key than those Slack published when it was last asked
    assert (await ana.sign_in("U0ANA")).status_code == 400
    assert (await ana.sign_in("U0ANA")).status_code == 200, "it may have changed its keys: they are looked at again"
    await ana.press("Sign out")
    await ana.http.get(f"{bot.url}/sign-in/go")
    answer = await ana.http.get(f"{bot.url}/sign-in/back?code=x&state=forged")
    assert answer.status_code == 400 and "not begun here" in answer.text
    nobody = await browse()
    assert (await nobody.go("/sign-in/back?code=x&state=y")).status_code == 400
    for pkce in (True, False):  # Slack's discovery may name it or not
        sandbox.openid.pkce = pkce
        bot.pages._sign_in._slack._known = None  # type: ignore[union-attr]
        asked = await ana.http.get(f"{bot.url}/sign-in/go")
        assert ("code_challenge=" in asked.headers["location"]) == pkce and "nonce=" in asked.headers["location"]
        assert (await ana.sign_in("U0ANA")).status_code == 200
        used = str(ana.page.history[-1].url)
        assert "/sign-in/back?code=" in used and (await ana.go(used)).status_code == 400, "a code is good once"


async def test_strangers_are_refused_and_people_who_leave_are_out(bot: App, sandbox: Sandbox, browse: Any) -> None:
    gus, xia = await browse(), await browse()
    assert (await gus.sign_in("U0GUS")).status_code == 403 and "guest" in gus.page.text.lower()
    assert (await xia.sign_in("U0XIA")).status_code == 403
    for one in (gus, xia):
        assert (await one.http.get(f"{bot.url}/incidents")).status_code == 303
    told = [e for e in await bot.db.read(lambda tx: timeline.read(tx, "org")) if e.type == "access.refused"]
    assert [e.body["command"] for e in told] == ["sign in", "sign in"] and all(e.body["via"] == "web" for e in told)

    ben = await browse("U0BEN")
    await bot.db.write(lambda tx: tx.conn.execute(
        update(accounts).where(accounts.c.id.endswith("/U0BEN")).values(state=rows.DEACTIVATED)
    ))  # fmt: skip
    assert (await ben.http.get(f"{bot.url}/incidents")).status_code == 303, "rows decide, at once"

    chi = await browse("U0CHI")
    first = chi.cookies()

    def age(tx: Tx) -> None:
        tx.conn.execute(update(sessions).values(rotated_at=tx.now - timedelta(hours=2)))

    await bot.db.write(age)
    assert (await chi.go("/incidents")).status_code == 200 and chi.cookies() != first, "the cookie is replaced"
    assert await chi.status_with(first) == 200, "the old one for a minute"
    fresh = chi.cookies()
    await chi.sign_in("U0CHI")
    assert chi.cookies() != fresh
    left = await bot.db.read(lambda tx: tx.conn.execute(select(sessions.c.account)).scalars().all())
    assert sorted(one.rpartition("/")[2] for one in left) == ["U0BEN", "U0CHI"], "signing in again ends the one before"
    csrf = chi.form("Sign out").fields["csrf"]
    await bot.db.write(lambda tx: tx.conn.execute(update(sessions).values(seen_at=tx.now - timedelta(hours=13))))
    assert (await chi.http.get(f"{bot.url}/incidents")).status_code == 303, "not used for half a day: over"
    late = await chi.http.post(f"{bot.url}/ask", data={"csrf": csrf, "line": "incident list", "once": "a" * 20})
    assert late.status_code == 401 and "Nothing was done" in late.text


async def test_without_a_client_nobody_can_and_https_is_secure(start: Any) -> None:
    none = await start(slack_client_id=None, muster_url="https://muster.example")
    async with httpx.AsyncClient(base_url=none.url, trust_env=False) as http:
        shown = await http.get("/sign-in")
        assert "Nobody can sign in here" in shown.text and "max-age" in shown.headers["strict-transport-security"]
        assert (await http.get("/sign-in/go")).status_code == 404
    assert none.pages.site.cookie == "__Host-muster" and none.pages.site.secure
