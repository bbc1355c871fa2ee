"""The doctor's look at signing in to the pages: is everything there that Slack and a browser need.

Belongs here: that one finding, from the settings. Does not belong here: signing in (bot/web/sign_in.py). Slack shows
nobody which redirect URLs an app has, so that one is named and not checked.
"""

from __future__ import annotations

from bot.finding import Finding, ok
from bot.manifest import BACK
from bot.settings import Settings, reveal
from playbooks.connectors.answers import is_loopback

WHAT = "Sign-in to the pages"
WHERE = "they stand under *Basic Information* of the Slack app"


def look(settings: Settings) -> Finding:
    """What is missing, and what to do; with none of it the pages are simply not used."""
    given = {
        "SLACK_CLIENT_ID": settings.slack_client_id or "", "SLACK_CLIENT_SECRET": reveal(settings.slack_client_secret),
    }  # fmt: skip
    unset = [name for name, value in given.items() if not value]
    address = _address(settings)
    todo = f"Set {' and '.join(unset)}: {WHERE}." if unset else ""
    if len(unset) == len(given):
        return Finding(WHAT, "missing", _said("nobody can: the pages show nothing", todo, address, _redirect(settings)))
    if unset:
        return Finding(WHAT, "broken", _said("nobody can", todo, address, _redirect(settings)))
    if address:
        return Finding(WHAT, "broken", _said("Slack sends no browser back", address, _redirect(settings)))
    return ok(WHAT, f"{settings.url}; {_redirect(settings)}")


def _address(settings: Settings) -> str:
    """What is wrong with the public address; "" when nothing is, or when it is a stand-in's on this machine."""
    if settings.sandbox_url is not None and is_loopback(settings.url):
        return ""
    if not settings.muster_url:
        return "Set MUSTER_URL to the https address people use."
    fine = settings.muster_url.startswith("https://")
    return "" if fine else f"MUSTER_URL is {settings.muster_url}; Slack wants https."


def _redirect(settings: Settings) -> str:
    here = settings.muster_url or "<MUSTER_URL>"
    return f"{here}{BACK} must be a redirect URL under *OAuth & Permissions* (`muster manifest` names it)"


def _said(what: str, *todo: str) -> str:
    return f"{what}. {' '.join(one for one in todo if one)}"
