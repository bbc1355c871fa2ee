"""The doctor says what is missing for signing in to the pages, and where it is found."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from bot.doctor_sign_in import look
from bot.settings import Settings

URL = "https://muster.example.com"
SECRET = SecretStr("a-client-secret")


@pytest.mark.parametrize(
    ("id", "secret", "url", "sandbox", "state", "names"),
    [
        (None, None, "", None, "missing", ("SLACK_CLIENT_ID and SLACK_CLIENT_SECRET", "MUSTER_URL", "/sign-in/back")),
        (None, None, URL, None, "missing", (f"{URL}/sign-in/back", "*OAuth & Permissions*", "muster manifest")),
        ("1.2", None, URL, None, "broken", ("Set SLACK_CLIENT_SECRET:", "Basic Information")),
        (None, SECRET, URL, None, "broken", ("Set SLACK_CLIENT_ID:",)),
        ("1.2", SECRET, "", None, "broken", ("Set MUSTER_URL", "<MUSTER_URL>/sign-in/back")),
        ("1.2", SECRET, "http://muster.example.com", None, "broken", ("wants https",)),
        ("1.2", SECRET, URL, None, "ok", (f"{URL}/sign-in/back",)),
        ("1.2", SECRET, "", "http://127.0.0.1:9000", "ok", ("127.0.0.1",)),
    ],
)  # fmt: skip
def test_it_says_what_is_missing_and_where_it_is(
    id: str | None, secret: SecretStr | None, url: str, sandbox: str | None, state: str, names: tuple[str, ...]
) -> None:
    found = look(
        Settings(slack_client_id=id, slack_client_secret=secret, muster_url=url, sandbox_url=sandbox, muster_key=None)
    )
    assert found.state == state, found.text
    assert all(name in found.text for name in names), found.text
    assert "a-client-secret" not in found.text
    assert ("SLACK_CLIENT_ID" in found.text) is (id is None), "what is there is not asked for"
