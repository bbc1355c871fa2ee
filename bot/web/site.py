"""The pages' house: who visits, what every page carries, and nothing for whoever is not signed in.

Belongs here: finding the visitor behind a cookie, the CSRF check, security headers, templates, error pages. Does not
belong here: any page (one file each), signing in (sign_in.py), what people ask for (asking.py).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from commands.duties import Duties
from commands.house import House
from commands.places import visible
from playbooks.directory import Person
from playbooks.durations import words
from playbooks.errors import MusterError
from storage import incidents, people, sessions
from storage.db import Tx, Unreachable
from storage.incidents import Impossible, Incident
from storage.sessions import LIFE, Session
from storage.types import iso

HERE = Path(__file__).parent
LOOK_AGAIN = timedelta(hours=1)
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin", "X-Robots-Tag": "noindex",
    "Server": "Muster",
}  # fmt: skip
_EACH_TIME = re.compile(r'name="once" value="[^"]*"')
STATIC = {"style.css": "text/css", "live.js": "text/javascript", "icon.svg": "image/svg+xml"}


class Wrong(Exception):
    """An error page: status, and words for people (what happened, what to do)."""

    def __init__(self, status: int, title: str, todo: str = "") -> None:
        super().__init__(title)
        self.status, self.title, self.todo = status, title, todo


def missing(what: str = "page") -> Wrong:
    """There is none, or not for this visitor: the two look the same."""
    return Wrong(404, f"There is no such {what}.", "It may be private, or its address mistyped.")


@dataclass(frozen=True)
class Visit:
    """One request of somebody signed in. actor: who it is, decided on rows in this request; token: their cookie."""

    site: Site
    request: web.Request
    session: Session
    actor: Person
    token: str

    @property
    def path(self) -> str:
        """Where they are, with the query: to come back to."""
        return self.request.path_qs

    def sees(self, tx: Tx, incident: Incident) -> bool:
        """Whether this person may know of it."""
        return visible(tx, self.site.house.policy, incident, self.actor, None)

    def incident(self, tx: Tx, name: str) -> Incident:
        """The incident of this name. Raises Wrong(404) also where it is private and not for them."""
        found = incidents.get(tx, name.upper())
        if found is None or not self.sees(tx, found):
            raise missing("incident")
        return found


Page = Callable[[Visit], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """What all pages share. url: Muster's public address, known once it listens; can_sign_in: whether Slack can say who
    somebody is."""

    def __init__(self, house: House, url: Callable[[], str], *, can_sign_in: bool) -> None:
        self.house = house
        self.db = house.db
        self._duties = Duties()
        self._url = url
        self.can_sign_in = can_sign_in
        self.templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self.templates.filters |= {"when": when, "lasted": lasted}
        self._files = {name: (HERE / "static" / name).read_bytes() for name in STATIC}

    @property
    def url(self) -> str:
        """Muster's address without a trailing slash."""
        return self._url()

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by https."""
        return self.url.startswith("https://")

    @property
    def cookie(self) -> str:
        """Name of the session's cookie: with https one that no other host can set."""
        return "__Host-muster" if self.secure else "muster"

    # --- wrappers ---------------------------------------------------------------------------------------------------

    def page(self, handler: Page) -> Handler:
        """A GET for people who are signed in; all others are sent to sign in and see nothing."""

        async def served(request: web.Request) -> web.StreamResponse:
            return await self._guarded(request, handler, posts=False)

        return served

    def post(self, handler: Page) -> Handler:
        """A POST of somebody signed in, whose form carries the session's CSRF token."""

        async def served(request: web.Request) -> web.StreamResponse:
            return await self._guarded(request, handler, posts=True)

        return served

    def open(self, handler: Handler) -> Handler:
        """A page anybody may see. Shows nothing of the record."""

        async def served(request: web.Request) -> web.StreamResponse:
            try:
                return self.dress(await handler(request))
            except (Wrong, MusterError, Impossible, Unreachable) as error:
                return self.dress(self._error(error, None))

        return served

    async def _guarded(self, request: web.Request, handler: Page, *, posts: bool) -> web.StreamResponse:
        visit: Visit | None = None
        fresh: str | None = None
        try:
            visit = await self.visitor(request)
            if visit is None:
                return self.dress(self._to_sign_in(request, posts))
            if posts:
                await self._from_our_form(request, visit)
            fresh = await self._used(visit)
            answer = await handler(visit)
        except (Wrong, MusterError, Impossible, Unreachable) as error:
            answer = self._error(error, visit)
        if fresh:
            self.keep(answer, fresh)
        return self.dress(answer)

    async def visitor(self, request: web.Request) -> Visit | None:
        """Who is signed in, or None. Whoever may not act any more (guest, deactivated) is signed out by that."""
        token = request.cookies.get(self.cookie, "")
        if not (token and token.isascii()):  # we never gave such a one
            return None
        found = await self.db.read(lambda tx: sessions.find(tx, token))
        if found is None:
            return None
        if await self.db.read(lambda tx: _old(tx, found.account)):
            await self.house.directory.refresh_account("slack", found.account)  # at most two seconds; rows decide
        await self._duties.look_private(self.house)  # whoever holds the rota may have changed since the last look

        def work(tx: Tx) -> Person | None:
            if people.account(tx, "slack", found.account) is None:
                return None
            return self.house.directory.actor(tx, "slack", found.account, self.house.policy)

        actor = await self.db.read(work)
        if actor is None or actor.person is None:
            return None
        return Visit(self, request, found, actor, token)

    async def _used(self, visit: Visit) -> str | None:
        found, token = visit.session, visit.token
        if not await self.db.read(lambda tx: sessions.due(tx, found)):
            return None
        return await self.db.write(lambda tx: sessions.use(tx, found, token))

    async def _from_our_form(self, request: web.Request, visit: Visit) -> None:
        """Raises Wrong(403) for what no page of ours sent on behalf of this person."""
        given = (await _form_of(request)).get("csrf")
        elsewhere = request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")
        ours = isinstance(given, str) and secrets.compare_digest(
            given.encode("utf-8", "replace"), visit.session.csrf.encode()
        )
        if elsewhere or not ours:
            raise Wrong(403, "This form is not one of yours any more. Nothing was done.", "Open the page again.")

    def _to_sign_in(self, request: web.Request, posts: bool) -> web.Response:
        if posts:
            raise Wrong(401, "You are not signed in any more. Nothing was done.", "Sign in and do it again.")
        return to(f"/sign-in?next={quote(request.path_qs, safe='')}")

    # --- answers ----------------------------------------------------------------------------------------------------

    def html(
        self, visit: Visit | None, template: str, *, status: int = 200, live: str | None = None, **values: Any
    ) -> web.Response:
        """A template as a page. values: what it shows; every template also has `visit` and `now`.

        live: the script asks for it again and again: its tag, or "" where what is shown is compared.
        """
        text = self.templates.get_template(template).render(
            visit=visit, now=datetime.now(UTC), can_sign_in=self.can_sign_in, **values
        )
        if live is None or visit is None:
            return web.Response(status=status, text=text, content_type="text/html")
        shown = live or _EACH_TIME.sub("", text.partition('id="live"')[2].partition("</main>")[0])
        if same := unchanged(visit, shown):
            return same
        return web.Response(status=status, text=text, content_type="text/html", headers={"ETag": tag_of(shown)})

    def _error(self, error: Exception, visit: Visit | None) -> web.Response:
        status, title, todo = 400, str(getattr(error, "message", error)), str(getattr(error, "todo", ""))
        if isinstance(error, Wrong):
            status, title = error.status, error.title
        if isinstance(error, Unreachable):
            status, title, todo = 503, "The database does not answer, so nothing can be shown.", (
                "Declaring in Slack pages and tells people all the same: /incident declare sev1 what is wrong"
            )  # fmt: skip
        phrase = HTTPStatus(status).phrase
        return self.html(visit, "error.html", status=status, title=title, todo=todo, phrase=phrase)

    def dress(self, answer: web.StreamResponse) -> web.StreamResponse:
        """The headers of every page."""
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        if self.secure:
            answer.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return answer

    def keep(self, answer: web.StreamResponse, token: str) -> None:
        """Give the browser this session's cookie."""
        answer.set_cookie(
            self.cookie, token, path="/", httponly=True, samesite="Lax", secure=self.secure,
            max_age=int(LIFE.total_seconds()),
        )  # fmt: skip

    async def static(self, request: web.Request) -> web.StreamResponse:
        """The style sheet and the one script."""
        name = request.match_info["name"]
        if name not in self._files:
            raise missing("file")
        answer = web.Response(body=self._files[name], content_type=STATIC[name], charset="utf-8")
        answer.headers["Cache-Control"] = "max-age=300"
        return answer


async def _form_of(request: web.Request) -> Mapping[str, Any]:
    """What a form carries; later readers get the same. Raises Wrong for what no browser of a page sends."""
    try:
        return await request.post()
    except web.HTTPRequestEntityTooLarge:
        raise Wrong(413, "That is more than a form may carry. Nothing was done.", "Say it in fewer words.") from None
    except (
        ValueError,
        LookupError,
        RuntimeError,
    ):  # an encoding or a boundary that is none: aiohttp says so with these
        raise Wrong(400, "This is not a form. Nothing was done.", "Open the page again.") from None


def tag_of(shown: str) -> str:
    """The ETag of what is shown."""
    return f'"{hashlib.sha256(shown.encode()).hexdigest()[:32]}"'


def unchanged(visit: Visit, shown: str) -> web.Response | None:
    """304 where the browser has exactly this already, else None."""
    tag = tag_of(shown)
    return (
        web.Response(status=304, headers={"ETag": tag}) if visit.request.headers.get("If-None-Match") == tag else None
    )


def to(address: str) -> web.Response:
    """Go there (with GET)."""
    return web.Response(status=303, headers={"Location": address})


def back_of(said: str | None) -> str:
    """A path of ours to return to, whatever was sent."""
    fine = said is not None and said.startswith("/") and not said.startswith(("//", "/\\"))
    return said if fine and said and said.isprintable() else "/incidents"


def number(said: str | None) -> int:
    """A whole number of an address, or 0 for whatever else was sent."""
    return int(said) if said and said.isascii() and said.isdigit() and len(said) < 10 else 0


def when(time: datetime | None, form: str = "%-d %b %H:%M") -> Markup:
    """A time as people read it, UTC, and as machines do."""
    if time is None:
        return Markup("—")
    moment = time.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(iso(moment), moment.strftime(form))


def lasted(length: timedelta | None) -> str:
    """`12 min`, or a dash."""
    return words(timedelta(seconds=round(length.total_seconds()))) if length is not None else "—"


def _old(tx: Tx, account: str) -> bool:
    row = people.account(tx, "slack", account)
    return row is None or row.believed_at is None or tx.now - row.believed_at > LOOK_AGAIN
