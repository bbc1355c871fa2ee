"""The app itself: auth.test, apps.connections.open, team.info, blocks.validate (contract A6, A8)."""

from __future__ import annotations

from bot.sandbox.slack import blocks as kit
from bot.sandbox.slack.method import Asked, Body, SlackError, method
from bot.sandbox.world import APP, BOT, BOT_USER, TEAM, TEAM_DOMAIN


@method("auth.test", tier=0)
def auth_test(asked: Asked) -> Body:
    return {
        "ok": True, "url": f"https://{TEAM_DOMAIN}.slack.com/", "team": "Muster", "user": "muster", "team_id": TEAM,
        "user_id": BOT_USER, "bot_id": BOT, "app_id": APP, "is_enterprise_install": False,
    }  # fmt: skip


@method("api.test", tier=4)
def api_test(asked: Asked) -> Body:
    if asked.has("error"):
        raise SlackError(asked.text("error"), args=asked.arguments)
    return {"ok": True, "args": asked.arguments}


@method("apps.connections.open", tier=1, app_token=True)
def connections_open(asked: Asked) -> Body:
    """Contract A6: one ticket is one connection."""
    return {"ok": True, "url": asked.sandbox.socket.address()}


@method("team.info", "team:read", tier=3)
def team_info(asked: Asked) -> Body:
    return {"ok": True, "team": {"id": TEAM, "name": "Muster", "domain": TEAM_DOMAIN, "email_domain": "example.com"}}


@method("bots.info", "users:read", tier=3)
def bots_info(asked: Asked) -> Body:
    if asked.text("bot") not in ("", BOT):
        raise SlackError("bot_not_found")
    return {"ok": True, "bot": {"id": BOT, "deleted": False, "name": "muster", "app_id": APP, "user_id": BOT_USER}}


@method("blocks.validate", tier=4)
def blocks_validate(asked: Asked) -> Body:
    view = asked.json("view")
    wrong = kit.problems(view.get("blocks"), kit.VIEW_BLOCKS, True) if view else kit.problems(asked.json("blocks"))
    if wrong:
        raise SlackError("invalid_blocks", wrong)
    return {"ok": True}
