"""The environment: every variable has its sentence, secrets are not printed, empty counts as unset."""

from __future__ import annotations

import pytest

from bot.settings import Settings, reveal


def test_every_variable_has_a_sentence_of_help() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description and field.description.endswith("."), name


def test_secrets_are_not_shown() -> None:
    found = Settings(slack_bot_token="xoxb-planted", pagerduty_webhook_secret="one, two", statuspage_api_key="planted")
    assert "planted" not in repr(found) and "one" not in repr(found.pagerduty_webhook_secret)
    assert reveal(found.slack_bot_token) == "xoxb-planted"
    assert [reveal(one) for one in found.pagerduty_webhook_secret] == ["one", "two"]


def test_addresses_are_made_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_API_URL", "http://127.0.0.1:1/api")
    monkeypatch.setenv("PAGERDUTY_API_URL", "http://127.0.0.1:1/pd/")
    monkeypatch.setenv("SLACK_APP_TOKEN", "")
    found = Settings()
    assert found.slack_api_url.endswith("/api/") and found.pagerduty_api_url.endswith("/pd")
    assert found.slack_app_token is None and not found.socket_mode


def test_each_process_has_a_name_of_its_own() -> None:
    assert Settings().muster_replica and Settings(muster_replica="web-2").muster_replica == "web-2"
