"""What Slack sent -> what was asked, without I/O."""

from __future__ import annotations

from typing import Any

import pytest

from bot.normalise import account, clean, normalise

COMMAND = {
    "team_id": "T1", "user_id": "U1", "command": "/incident", "text": "note  a <b> & \x00 c", "channel_id": "C1",
    "trigger_id": "1.2", "response_url": "https://x.example", "api_app_id": "A1", "token": "secret",
}  # fmt: skip
PRESS: dict[str, Any] = {
    "type": "block_actions", "trigger_id": "3.4", "team": {"id": "T1"}, "user": {"id": "U2", "team_id": "T1"},
    "channel": {"id": "C1"}, "container": {"type": "message", "message_ts": "5.6", "channel_id": "C1"},
    "response_url": "https://x.example", "message": {"text": "never stored"},
    "actions": [{"type": "button", "action_id": "say.0", "value": "playbook approve INC-1/2 9f2c"}],
}  # fmt: skip


def test_a_command() -> None:
    found = normalise(COMMAND)
    assert found.what == "question" and found.ask is not None
    assert found.ask.key == "1.2" and found.ask.line == "incident note  a <b> &  c"
    assert found.ask.account == "T1/U1" and "secret" not in repr(found.ask)


def test_an_enterprise_member_has_one_account_in_every_workspace() -> None:
    found = normalise({**COMMAND, "enterprise_id": "E1"}).ask
    assert found is not None and found.account == "E1/U1" and found.team == "T1"


def test_a_button_carries_its_line_and_who_pressed() -> None:
    ask = normalise(PRESS).ask
    assert ask is not None
    assert (ask.kind, ask.line, ask.account) == ("button", "playbook approve INC-1/2 9f2c", "T1/U2")
    assert (ask.channel, ask.message_ts, ask.key) == ("C1", "5.6", "3.4")
    assert "never stored" not in repr(ask)


def test_a_button_that_asks_for_a_field_first() -> None:
    action = {**PRESS["actions"][0], "action_id": "ask.reason.1"}
    assert normalise({**PRESS, "actions": [action]}).asks == "reason"


@pytest.mark.parametrize("action", [{"type": "button", "url": "https://x.example"}, {"type": "static_select"}])
def test_links_and_fields_are_no_asks(action: dict[str, Any]) -> None:
    assert normalise({**PRESS, "actions": [action]}).what == "ignore"


def test_a_stranger_keeps_the_name_of_their_workspace() -> None:
    assert account({"team": {"id": "T1"}}, {"id": "U9", "team_id": "T9"}) == "T9/U9"
    assert account({"team": {"id": "T1"}, "enterprise": {"id": "E1"}}, {"id": "U1", "team_id": "T1"}) == "E1/U1"
    assert account({"team": {"id": "T1"}, "enterprise": {"id": "E1"}}, {"id": "U9", "team_id": "T9"}) == "T9/U9"
    assert account({"team": {"id": "T1"}}, {"id": "U1"}) == "?/U1", "never guessed"


def test_events_that_matter_and_those_that_do_not() -> None:
    envelope = {"type": "event_callback", "team_id": "T1", "event_id": "Ev1"}
    said = {"type": "app_mention", "user": "U1", "text": "<@U0BOT> /incident status", "channel": "C1"}
    mention = normalise({**envelope, "event": said})
    assert mention.what == "ask" and mention.ask is not None and mention.ask.line == "incident status"
    alone = {"type": "message", "channel_type": "im", "user": "U1", "text": "incident status", "channel": "D1"}
    written = normalise({**envelope, "event": alone}).ask
    assert written is not None and (written.line, written.channel) == ("incident status", "D1")
    for not_meant in ({"bot_id": "B1"}, {"subtype": "file_share"}, {"channel_type": "channel"}):
        assert normalise({**envelope, "event": {**alone, **not_meant}}).what == "ignore"
    group = normalise({**envelope, "event": {"type": "subteam_members_changed", "subteam_id": "S1"}}).ask
    assert group is not None and group.values == {"event_type": "subteam_members_changed", "subject": "S1"}
    assert normalise({**envelope, "event": {"type": "message", "text": "private talk"}}).ask is None


@pytest.mark.parametrize("payload", [{}, {"type": "view_closed"}, {"type": "nobody knows"}, {"command": "/x"}])
def test_anything_else_is_ignored(payload: dict[str, Any]) -> None:
    assert normalise(payload).what == "ignore"


def test_text_no_database_would_take_is_made_storable() -> None:
    assert clean("a\x00b\ud800c") == "ab?c"
    assert clean(None) == "" and len(clean("x" * 9000)) == 4000


def marked(kind: str, **event: Any) -> Any:
    body = {
        "type": "event_callback", "team_id": "T1", "event_id": "Ev1", "api_app_id": "A1",
        "authorizations": [{"user_id": "U0BOT", "is_bot": True}],
        "event": {"type": kind, "user": "U2", **event},
    }  # fmt: skip
    return normalise(body)


REACTED = {"reaction": "pushpin", "item": {"type": "message", "channel": "C1", "ts": "5.6"}, "item_user": "U3"}
PINNED = {
    "channel_id": "C1",
    "item": {"type": "message", "channel": "C1", "message": {"ts": "5.6", "text": "a secret"}},
}


def test_marks_name_a_message_and_never_its_words() -> None:
    for kind, event, line in (
        ("reaction_added", REACTED, "incident capture C1/5.6 how=reaction"),
        ("reaction_removed", REACTED, "incident uncapture C1/5.6 how=reaction"),
        ("pin_added", PINNED, "incident capture C1/5.6 how=pin"),
        ("pin_removed", PINNED, "incident uncapture C1/5.6 how=pin"),
    ):
        found = marked(kind, **event)
        assert found.what == "ask" and found.ask.line == line and found.ask.channel == "C1"
        assert "a secret" not in repr(found)


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("reaction_added", {**REACTED, "user": "U0BOT"}),
        ("reaction_added", {**REACTED, "item_user": "U0BOT"}),
        ("reaction_added", {**REACTED, "item": {"type": "file", "file": "F1"}}),
        (
            "pin_added",
            {**PINNED, "item": {"type": "message", "channel": "C1", "message": {"ts": "5.6", "app_id": "A1"}}},
        ),
        ("message", {"subtype": "message_changed", "channel": "C1", "message": {"ts": "5.6", "text": "unfurled"}}),
        (
            "message",
            {"subtype": "message_changed", "channel": "C1", "message": {"ts": "5.6", "bot_id": "B", "edited": {}}},
        ),
        ("message", {"channel": "C1", "text": "chatter", "ts": "5.6"}),
        ("app_home_opened", {"tab": "messages", "channel": "D1"}),
    ],
)
def test_what_is_no_news_is_forgotten(kind: str, event: dict[str, Any]) -> None:
    assert marked(kind, **event).what == "ignore"


def test_a_message_shortcut_hands_over_which_message() -> None:
    body = {
        "type": "message_action", "trigger_id": "7.8", "team": {"id": "T1"}, "user": {"id": "U2", "team_id": "T1"},
        "channel": {"id": "C1"}, "message_ts": "5.6", "message": {"ts": "5.6", "text": "checkout is down"},
    }  # fmt: skip
    declare = normalise({**body, "callback_id": "incident declare"})
    assert declare.what == "question" and declare.ask is not None
    assert declare.ask.line == "incident declare message=C1/5.6" and declare.ask.values == {"said": "checkout is down"}
    capture = normalise({**body, "callback_id": "incident capture"})
    assert capture.what == "ask" and capture.ask is not None
    assert capture.ask.line == "incident capture C1/5.6 how=shortcut" and "checkout" not in repr(capture.ask)
