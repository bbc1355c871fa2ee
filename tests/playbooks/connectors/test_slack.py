"""`playbooks/connectors/slack.py` on the wire: every call, and every way it can end."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.client import SandboxClient
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.slack import Slack
from playbooks.connectors.slack_calls import proxy_for
from playbooks.connectors.slack_words import to_channel, to_user
from playbooks.errors import Refused, Temporary, Uncertain

WAYS = [  # fault, what a write becomes, what a read becomes, effects of the write
    ("429", Temporary, Temporary, 0),
    ("500", Uncertain, Temporary, 0),
    ("503", Uncertain, Temporary, 0),
    ("reset", Uncertain, Temporary, 0),
    ("timeout_before", Uncertain, Temporary, 0),
    ("timeout_after", Uncertain, Temporary, 1),
    ("close_after", Uncertain, Temporary, 1),
    ("missing_scope", Refused, Refused, 0),
    ("error:channel_not_found", Refused, Refused, 0),
    ("error:fatal_error", Uncertain, Temporary, 0),
]


@pytest.mark.parametrize(("mode", "write", "read", "count"), WAYS)
async def test_every_failure_of_a_write_is_sorted_and_never_repeated(
    slack: Slack, sb: SandboxClient, ending: Any, effects: Any, mode: str, write: type, read: type, count: int
) -> None:
    await sb.fail("slack", "chat.postMessage", mode)
    error = await ending(slack.post("C0INCIDENTS", "hello"))
    assert type(error) in (write, ServiceRefused if write is Refused else write)
    assert isinstance(error, write) and "Slack" in str(error) and "chat.postMessage" in str(error)
    assert len(await sb.calls("slack", "chat.postMessage")) == 1
    assert await effects("slack", "chat.postMessage") == count


@pytest.mark.parametrize(("mode", "write", "read", "count"), WAYS)
async def test_a_failing_read_is_temporary_unless_refused(
    slack: Slack, sb: SandboxClient, ending: Any, mode: str, write: type, read: type, count: int
) -> None:
    await sb.fail("slack", "users.info", mode, times=2)  # aiohttp sends a GET again once on a broken line
    assert isinstance(await ending(slack.user("U0ANA")), read)


async def test_missing_scope_names_the_scope(slack: Slack, sb: SandboxClient, ending: Any) -> None:
    await sb.scopes(remove=["pins:write"])
    message = await slack.post("C0INCIDENTS", "hello")
    error = await ending(slack.pin(message.channel, message.ts))
    assert isinstance(error, ServiceRefused) and error.code == "missing_scope"
    assert "pins:write" in error.message and "pins:write" in error.todo


async def test_a_bad_token_names_the_variable(env: dict[str, str], ending: Any) -> None:
    slack = Slack("xoxb-wrong", base_url=env["SLACK_API_URL"])
    error = await ending(slack.auth_test())
    await slack.close()
    assert isinstance(error, Refused) and "invalid_auth" in error.message and "SLACK_BOT_TOKEN" in error.todo
    assert "xoxb-wrong" not in str(error)


async def test_nobody_listening_is_temporary(closed_port: int, ending: Any) -> None:
    slack = Slack("xoxb-1", base_url=f"http://127.0.0.1:{closed_port}/api/")
    error = await ending(slack.post("C1", "hello"))
    await slack.close()
    assert isinstance(error, Temporary) and "nothing was done" in error.message


async def test_after_a_429_nothing_is_sent_until_the_time_slack_gave(slack: Slack, sb: SandboxClient) -> None:
    await sb.fail("slack", "chat.postMessage", "429", retry_after=30)
    with pytest.raises(Temporary) as first:
        await slack.post("C0INCIDENTS", "one")
    assert first.value.retry_after == 30
    with pytest.raises(Temporary) as second:
        await slack.post("C0INCIDENTS", "two")
    assert 25 < (second.value.retry_after or 0) <= 30
    assert len(await sb.calls("slack", "chat.postMessage")) == 1
    await slack.post("C0GENERAL", "another channel is not held up")


async def test_a_time_out_stops_on_time(slack: Slack, sb: SandboxClient, ending: Any) -> None:
    await sb.fail("slack", "chat.postMessage", "timeout_before")
    started = time.monotonic()
    assert isinstance(await ending(slack.post("C0INCIDENTS", "hello")), Uncertain)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(("text", "kind"), [("hello", "text/plain"), ("{oops", "application/json")])
async def test_an_answer_that_is_no_json_is_no_answer(aiohttp_url: Any, ending: Any, text: str, kind: str) -> None:
    async def reply(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type=kind)

    slack = Slack("xoxb-1", base_url=await aiohttp_url("/api/{method}", reply))
    assert isinstance(await ending(slack.post("C1", "hello")), Uncertain)
    assert isinstance(await ending(slack.auth_test()), Temporary)
    await slack.close()


def test_a_proxy_of_the_environment_never_gets_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", "internal.example.com")
    assert proxy_for("http://127.0.0.1:8080/api/") is None
    assert proxy_for("http://localhost/api/") is None
    assert proxy_for("https://internal.example.com/api/") is None
    assert proxy_for("https://slack.com/api/") == "http://proxy.example.com:3128"


async def test_who_we_are(slack: Slack) -> None:
    me = await slack.auth_test()
    assert (me.team_id, me.bot_user_id) == ("T0MUSTER", "U0MUSTER") and "chat:write" in me.scopes


async def test_people_carry_the_flags_that_decide_who_may_approve(slack: Slack) -> None:
    ana, gus, xia, zed = [await slack.user(u) for u in ("U0ANA", "U0GUS", "U0XIA", "U0ZED")]
    assert (ana.name, ana.email, ana.team_id, ana.is_bot) == ("ana", "ana@example.com", "T0MUSTER", False)
    assert gus.is_guest and xia.is_stranger and zed.deleted and not ana.is_guest
    assert (await slack.user("U0MUSTER")).is_bot
    found = await slack.user_by_email("Ben@example.com")
    assert found is not None and found.id == "U0BEN" and await slack.user_by_email("nobody@example.com") is None


async def test_groups_by_handle_or_id(slack: Slack) -> None:
    assert await slack.usergroup_members("@sre") == await slack.usergroup_members("S0SRE") == ("U0BEN", "U0CHI")
    with pytest.raises(Refused, match="@nobody"):
        await slack.usergroup_members("nobody")


async def test_a_channel_from_birth_to_archive(slack: Slack, sb: SandboxClient) -> None:
    made = await slack.open_channel("inc-1-checkout", private=True)
    assert made.is_private and made.creator == "U0MUSTER"
    assert await slack.set_topic(made.id, "sev1") == "sev1"
    assert (await slack.channel_info(made.id)).topic == "sev1"
    assert [c.name for c in await slack.channels_created("inc-1", time.time() - 60)] == ["inc-1-checkout"]
    assert await slack.channels_created("inc-1", time.time() + 60) == []
    await slack.archive(made.id)
    await slack.archive(made.id)
    assert (await slack.channel_info(made.id)).is_archived


async def test_a_taken_name_is_refused_by_its_code(slack: Slack, sb: SandboxClient, ending: Any) -> None:
    error = await ending(slack.open_channel("incidents"))
    assert isinstance(error, ServiceRefused) and error.code == "name_taken"
    await sb.fail("slack", "conversations.create", "name_taken")
    error = await ending(slack.open_channel("inc-2"))
    assert isinstance(error, ServiceRefused) and error.code == "name_taken"


async def test_inviting_reports_each_person_and_lets_the_others_in(slack: Slack, sb: SandboxClient) -> None:
    made = await slack.open_channel("inc-3")
    many = [f"U9{n:03d}" for n in range(120)]
    for user in many:
        await sb.user(user)
    done = await slack.invite(made.id, ["U0BEN", "U0GUS", "U0ZED", "U0MUSTER", "U0BEN", *many])
    assert set(done.invited) == {"U0BEN", "U0MUSTER", *many}
    assert done.failed == {"U0GUS": "user_is_restricted", "U0ZED": "user_not_found"}
    again = await slack.invite(made.id, ["U0BEN"])
    assert again.invited == ("U0BEN",) and not again.failed
    nobody = await slack.invite(made.id, ["U0GUS", "U0XIA"])
    assert nobody.invited == () and set(nobody.failed) == {"U0GUS", "U0XIA"}


async def test_inviting_to_an_archived_channel_is_refused(slack: Slack, ending: Any) -> None:
    made = await slack.open_channel("inc-4")
    await slack.archive(made.id)
    error = await ending(slack.invite(made.id, ["U0BEN"]))
    assert isinstance(error, ServiceRefused) and error.code == "is_archived" and error.todo


async def test_messages_are_found_again_by_metadata(slack: Slack, sb: SandboxClient) -> None:
    started = time.time() - 1
    mark = {"event_type": "muster_step", "event_payload": {"key": "k1"}}
    posted = await slack.post("C0INCIDENTS", "hello", metadata=mark)
    assert await slack.find_by_metadata("C0INCIDENTS", "muster_step", "k1", started) == posted
    assert await slack.find_by_metadata("C0INCIDENTS", "muster_step", "k2", started) is None
    assert await slack.find_by_metadata("C0INCIDENTS", "other", "k1", started) is None
    assert await slack.find_by_metadata("C0INCIDENTS", "muster_step", "k1", time.time() + 60) is None
    await slack.update(posted.channel, posted.ts, "changed")
    assert (await sb.messages("incidents"))[-1].text == "changed"
    assert (await slack.permalink(posted.channel, posted.ts)).startswith("https://")
    await slack.pin(posted.channel, posted.ts)
    await slack.pin(posted.channel, posted.ts)


async def test_ephemeral_and_direct_messages(slack: Slack, sb: SandboxClient) -> None:
    await slack.ephemeral("C0INCIDENTS", "U0ANA", "only you")
    assert any(m.ephemeral_for == "U0ANA" for m in await sb.messages("incidents", "U0ANA"))
    message = await slack.direct_message("U0ANA", "hi")
    assert (await slack.direct_channels())["U0ANA"] == message.channel
    assert message.channel == await slack.open_dm("U0ANA")
    await sb.fail("slack", "conversations.open", "close_after")
    with pytest.raises(Temporary, match="Nothing was said there"):
        await slack.direct_message("U0ANA", "hi again")
    assert [m.text for m in await sb.messages("@U0ANA", "U0ANA")].count("hi again") == 0


async def test_a_file_is_shared_in_three_steps(slack: Slack, sb: SandboxClient) -> None:
    file = await slack.upload("C0INCIDENTS", "a.md", b"# hello", title="A")
    assert file.title == "A" and file.id
    assert (await sb.messages("incidents"))[-1].files[0]["title"] == "A"


@pytest.mark.parametrize(
    ("method", "mode", "kind"),
    [
        ("files.getUploadURLExternal", "close_after", Temporary),
        ("upload", "timeout_before", Temporary),
        ("upload", "timeout_after", Temporary),
        ("upload", "500", Temporary),
        ("files.completeUploadExternal", "500", Uncertain),
        ("files.completeUploadExternal", "timeout_after", Uncertain),
        ("files.completeUploadExternal", "429", Temporary),
    ],
)
async def test_only_the_last_step_of_an_upload_can_be_uncertain(
    slack: Slack, sb: SandboxClient, ending: Any, method: str, mode: str, kind: type
) -> None:
    await sb.fail("slack", method, mode)
    assert isinstance(await ending(slack.upload("C0INCIDENTS", "a.md", b"# hello")), kind)


async def test_a_late_trigger_is_refused_with_what_to_do(slack: Slack, ending: Any) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Hi"}, "blocks": []}
    error = await ending(slack.open_view("1.2.nothing", view))
    assert isinstance(error, Refused) and "Press again" in error.todo


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (200, "ok", type(None)),
        (200, '{"ok": true}', type(None)),
        (200, '{"ok":false,"error":"no_text"}', Refused),
        (404, "expired_url", Refused),
        (404, "used_url", Refused),
        (429, "slow", Temporary),
        (502, "bad gateway", Uncertain),
    ],
)
async def test_response_url_is_used_once_and_its_answer_read(
    aiohttp_url: Any, ending: Any, status: int, text: str, kind: type
) -> None:
    asked: list[Any] = []

    async def reply(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return web.Response(status=status, text=text, headers={"Retry-After": "7"} if status == 429 else {})

    url = (await aiohttp_url("/respond/{method}", reply)) + "secret-part"
    slack = Slack("xoxb-1")
    error = await ending(slack.respond(url, "done"))
    await slack.close()
    assert isinstance(error, kind) and len(asked) == 1
    assert asked[0] == {"text": "done", "response_type": "ephemeral", "replace_original": False}
    assert "secret-part" not in str(error)
    if status == 429:
        assert isinstance(error, Temporary) and error.retry_after == 7


@given(st.dictionaries(st.text(max_size=10), st.one_of(st.none(), st.booleans(), st.text(max_size=5)), max_size=5))
def test_whatever_slack_leaves_out_still_reads(extra: dict[str, Any]) -> None:
    for name in ("profile", "enterprise_user", "topic", "created", "id"):
        extra.pop(name, None)
    assert to_user({"id": "U1", **extra}).id == "U1"
    assert to_channel({"id": "C1", **extra}).id == "C1"
