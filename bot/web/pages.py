"""Every page of Muster and its address.

Belongs here: which path shows what. Does not belong here: any page, webhooks and health (bot/app.py).
"""

from __future__ import annotations

from aiohttp import web

from bot.home import HomeDirectory
from bot.manifest import BACK
from bot.questions import Questions
from bot.settings import Settings, reveal
from bot.store import Store
from bot.web import audit, numbers, people, playbooks, services
from bot.web.asking import Asking
from bot.web.incidents import Incidents
from bot.web.post_mortems import PostMortems
from bot.web.server import Server
from bot.web.sign_in import SignIn
from bot.web.site import Page, Site, Visit, missing, to
from commands.house import House
from playbooks.connectors.slack_sign_in import SlackSignIn


class Pages:
    """The site. `site` is for whoever adds a page: `server.get(path, site.page(handler))`."""

    def __init__(
        self, settings: Settings, house: House, store: Store, questions: Questions, directory: HomeDirectory,
        server: Server,
    ) -> None:  # fmt: skip
        slack, secret = _slack(settings), reveal(settings.slack_client_secret)
        self.site = Site(house, lambda: settings.muster_url or server.url, can_sign_in=slack is not None)
        self._sign_in = SignIn(self.site, slack, secret, directory)
        self._asking = Asking(store, questions)
        self._incidents = Incidents(self._asking)
        self._post_mortems = PostMortems(self._asking)

    def serve(self, server: Server) -> None:
        """Add every page's address. The last one takes whatever no other door has."""
        site = self.site
        server.get("/static/{name}", site.open(site.static))
        server.get("/sign-in", site.open(self._sign_in.show))
        server.get("/sign-in/go", site.open(self._sign_in.go))
        server.get(BACK, site.open(self._sign_in.back))
        server.post("/sign-out", site.post(self._sign_in.out))
        pages: dict[str, Page] = {
            "/": _home, "/incidents": self._incidents.list, "/incidents/{incident}": self._incidents.show,
            "/playbooks": playbooks.index, "/playbooks/{name:.+}": playbooks.show, "/services": services.show,
            "/numbers": numbers.show, "/audit": audit.show, "/people": people.show,
            "/incidents/{incident}/post-mortem": self._post_mortems.show,
            "/incidents/{incident}/post-mortem.{format}": self._post_mortems.file,
            "/ask": self._asking.show, "/asks/{once}": self._asking.answer,
        }  # fmt: skip
        for path, page in pages.items():
            server.get(path, site.page(page))
        server.post("/ask", site.post(self._asking.send))
        server.get("/{nothing:.*}", site.page(_nothing))


async def _home(visit: Visit) -> web.StreamResponse:
    return to("/incidents")


async def _nothing(visit: Visit) -> web.StreamResponse:
    raise missing()


def _slack(settings: Settings) -> SlackSignIn | None:
    secret = reveal(settings.slack_client_secret)
    if not (settings.slack_client_id and secret):
        return None
    return SlackSignIn(
        settings.slack_client_id, secret, base_url=settings.slack_api_url, read_timeout=settings.muster_read_timeout
    )
