"""A browser without a script: httpx with cookies, which signs in with the sandbox's Slack and presses forms."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from bot.app import App


@dataclass
class Form:
    """One form of a page. fields: what it carries as it stands; words: the text of its last button."""

    action: str
    method: str
    fields: dict[str, str]
    words: str = ""


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._in: Form | None = None
        self._button = False
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._in = Form(given.get("action", ""), given.get("method", "get"), {})
            self.forms.append(self._in)
        elif self._in is not None and tag in ("input", "textarea"):
            if given.get("type") not in ("checkbox", "radio") or "checked" in given:
                self._in.fields[given.get("name", "")] = given.get("value", "")
        elif tag == "select":
            self._select = given.get("name", "")
        elif self._in is not None and tag == "option" and "selected" in given:
            self._in.fields[self._select] = given.get("value", "")
        self._button = tag == "button"
        if tag == "button" and self._in is not None:
            self._in.words = ""

    def handle_data(self, data: str) -> None:
        if self._button and self._in is not None:
            self._in.words += data.strip()

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._in = None
        if tag == "button":
            self._button = False


@dataclass
class Browser:
    """One person's browser. `page` is the last answer."""

    http: httpx.AsyncClient
    base: str
    page: httpx.Response | None = None

    async def go(self, path: str, **kw: Any) -> httpx.Response:
        """GET, following redirects of this site."""
        self.page = await self.http.get(
            path if path.startswith("http") else f"{self.base}{path}", follow_redirects=True, **kw
        )
        return self.page

    async def sign_in(self, who: str, to: str = "/incidents") -> httpx.Response:
        """Through the stand-in's page, as a person would click."""
        shown = await self.go(f"/sign-in/go?next={to}")
        assert "Who are you?" in shown.text, shown.text
        link = re.search(rf'href="(\?[^"]*user={who}[^"]*)"', shown.text)
        assert link, f"{who} is not there to be picked"
        parts = urlsplit(str(shown.url))
        return await self.go(f"{parts.scheme}://{parts.netloc}{parts.path}{link[1].replace('&amp;', '&')}")

    def cookies(self) -> dict[str, str]:
        """As they are now."""
        return dict(self.http.cookies)

    async def status_with(self, cookies: dict[str, str], path: str = "/incidents") -> int:
        """What these cookies open, in another browser."""
        said = "; ".join(f"{name}={value}" for name, value in cookies.items())
        async with httpx.AsyncClient(trust_env=False, timeout=20) as other:
            return (await other.get(f"{self.base}{path}", headers={"Cookie": said})).status_code

    def forms(self) -> list[Form]:
        assert self.page is not None
        read = _Forms()
        read.feed(self.page.text)
        return read.forms

    def form(self, words: str, line: str = "") -> Form:
        """The form whose button says these words (and that asks this line)."""
        found = [one for one in self.forms() if one.words == words and line in one.fields.get("line", "")]
        assert found, f"no {words!r} {line!r} in {[(f.words, f.fields.get('line')) for f in self.forms()]}"
        return found[0]

    async def press(self, words: str, line: str = "", **fields: str) -> httpx.Response:
        """Fill in and send that form. fields: `field_reason`, or `typed` for the line of the box."""
        form = self.form(words, line)
        if "typed" in fields:
            fields = {**fields, "line": fields["typed"], "typed": "yes"}
        given = {**form.fields, **{name.replace("field_", "field:"): value for name, value in fields.items()}}
        self.page = await self.http.post(f"{self.base}{form.action}", data=given, follow_redirects=True)
        return self.page


Opens = Callable[..., Awaitable[Browser]]


@pytest.fixture
async def browser_of() -> AsyncIterator[Opens]:
    """`browser_of(app, "U0ANA")`: a browser of this app, signed in as her; without a name not signed in."""
    made: list[httpx.AsyncClient] = []

    async def begin(app: App, who: str = "") -> Browser:
        made.append(httpx.AsyncClient(trust_env=False, timeout=20))
        browser = Browser(made[-1], app.url)
        if who:
            answer = await browser.sign_in(who)
            assert answer.status_code == 200, answer.text
        return browser

    yield begin
    for one in made:
        await one.aclose()


@pytest.fixture
def browse(bot: App, browser_of: Opens) -> Opens:
    """The same for the one app of most tests."""

    async def begin(who: str = "") -> Browser:
        return await browser_of(bot, who)

    return begin
