"""Every environment variable Muster reads, typed, with a sentence of help each (design section 10).

Belongs here: names, types, defaults. Does not belong here: what the organisation decides (muster.yaml), or building
anything from the values (bot/app.py). Secrets are SecretStr, so that printing the settings shows none of them.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from playbooks.connectors.answers import READ_S
from storage.sealing import Seal

Secret = SecretStr | None


class Settings(BaseSettings):
    """The environment. Empty values count as unset. Field `slack_bot_token` is variable `SLACK_BOT_TOKEN`."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True, validate_default=True)

    slack_bot_token: Secret = Field(None, description="Bot token (xoxb-…) of the installed Slack app.")
    slack_app_token: Secret = Field(
        None, description="App-level token (xapp-…) with connections:write; when set, Slack comes by Socket Mode."
    )
    slack_signing_secret: Secret = Field(None, description="Signing secret of the Slack app, for signed HTTP.")
    slack_client_id: str | None = Field(
        None, description="Client id of the Slack app, for signing in to the pages; without it nobody can."
    )
    slack_client_secret: Secret = Field(None, description="The Slack app's client secret, for signing in to the pages.")
    slack_api_url: str = Field(
        "https://slack.com/api/", description="Base of Slack's Web API, with its trailing /api/ (a stand-in sits here)."
    )
    pagerduty_api_key: Secret = Field(None, description="PagerDuty REST API key; without it nothing is read there.")
    pagerduty_routing_key: Secret = Field(None, description="PagerDuty Events v2 integration key; without it no pages.")
    pagerduty_from: str | None = Field(None, description="E-mail of the PagerDuty user REST writes are made as.")
    pagerduty_service_id: str | None = Field(
        None, description="PagerDuty service under which certain people (approvers) are paged."
    )
    pagerduty_api_url: str = Field("https://api.pagerduty.com", description="Address of PagerDuty's REST API.")
    pagerduty_events_url: str = Field("https://events.pagerduty.com", description="Address of PagerDuty's Events API.")
    pagerduty_webhook_secret: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Secrets of PagerDuty v3 webhook subscriptions, separated by commas."
    )
    alertmanager_webhook_token: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Tokens Alertmanager may call with (bearer, or basic auth's password), separated by commas.",
    )
    webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Who may call /webhooks/in/{name}, signed: name:secret, separated by commas."
    )
    statuspage_api_key: Secret = Field(None, description="Statuspage API key; without it there is no public page.")
    statuspage_page_id: str | None = Field(None, description="Which Statuspage page is ours.")
    statuspage_api_url: str = Field("https://api.statuspage.io/v1", description="Address of the Statuspage API.")
    smtp_url: Secret = Field(
        None, description="Mail server, smtp://user:password@host:587 (STARTTLS) or smtps://…; without it no mail."
    )
    jira_url: str | None = Field(None, description="Jira; with JIRA_TOKEN and JIRA_PROJECT tickets are made there.")
    jira_token: Secret = Field(None, description="Jira token: e-mail:token of Cloud, or a personal access token.")
    jira_project: str | None = Field(None, description="Key of the Jira project tickets are made in.")
    prometheus_url: str | None = Field(None, description="Prometheus, where a site of the policy names no other.")
    prometheus_token: Secret = Field(None, description="Bearer token for PROMETHEUS_URL, where it wants one.")
    aws_endpoint_url: str | None = Field(None, description="Where AWS calls go instead of AWS (a stand-in).")
    aws_default_region: str | None = Field(None, description="AWS region; with it, or an endpoint, AWS is used.")
    aws_access_key_id: Secret = Field(None, description="AWS key; left out, the SDK looks where it always does.")
    aws_secret_access_key: Secret = Field(None, description="The AWS key's secret.")
    kubeconfig: str | None = Field(
        None, description="File of the clusters Kubernetes steps reach, as kubectl reads it."
    )
    kubernetes_service_host: str | None = Field(
        None, description="Set by Kubernetes in its pods; then, without KUBECONFIG, the pod's own cluster is used."
    )
    database_url: str = Field(
        "sqlite:///var/muster.db", description="The record: sqlite:///file.db or postgresql://user@host/name."
    )
    muster_config: Path = Field(Path("muster.yaml"), description="The policy file, see muster.example.yaml.")
    muster_url: str = Field("", description="Muster's public address, for links on pages and cards.")
    muster_host: str = Field("127.0.0.1", description="Interface the HTTP server listens on.")
    muster_port: int = Field(8080, ge=0, le=65535, description="Port of the HTTP server; 0 takes any free one.")
    muster_playbooks: str | None = Field(None, description="Folder of your own playbooks, beside the library's.")
    muster_replica: str = Field("", description="Name of this process on cards and in the record; must be unique.")
    muster_key: Secret = Field(
        None,
        description="Key that seals secrets of one-time codes and escrow (`muster key` prints a new one). Several, "
        "newest first, until `muster keys rotate` has sealed everything anew.",
    )
    muster_journal: Path = Field(
        Path("var/journal.jsonl"), description="File for what is paged and told while the database does not answer."
    )
    muster_pg_bin: Path | None = Field(
        None, description="Folder of pg_dump, pg_restore and psql, as new as the newest server; left out, PATH."
    )
    muster_dumps: Path = Field(
        Path("var/dumps"), description="The one folder database dumps are written to and read from."
    )
    muster_read_timeout: float = Field(
        READ_S, gt=0, le=60, description="Seconds an outside service may stay silent before its answer counts as lost."
    )
    muster_log: str = Field("info", description="How much is logged: debug, info, warning or error.")
    sandbox_url: str | None = Field(None, description="Address of a running `muster sandbox`; allows `say --as`.")

    @field_validator("pagerduty_webhook_secret", "alertmanager_webhook_token", "webhook_secrets", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("webhook_secrets")
    @classmethod
    def _named_secrets(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for one in value:
            name, _, secret = one.get_secret_value().partition(":")
            if not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", name) or len(secret) < 16:
                raise ValueError("needs name:secret, the name in small letters, the secret of 16 characters or more")
        return value

    @field_validator("muster_url", "pagerduty_api_url", "pagerduty_events_url", "statuspage_api_url")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("smtp_url")
    @classmethod
    def _is_mail(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value()) if value is not None else None
        if parts is not None and (parts.scheme not in ("smtp", "smtps") or not parts.hostname):
            raise ValueError("is no mail server; write smtp://user:password@host:587 or smtps://…")
        return value

    @field_validator("muster_key")
    @classmethod
    def _is_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                Seal(value.get_secret_value())
            except ValueError:
                raise ValueError("is no key, or no list of keys; `muster key` prints a new one") from None
        return value

    @field_validator("slack_api_url")
    @classmethod
    def _slash(cls, value: str) -> str:
        return value if value.endswith("/") else f"{value}/"

    @field_validator("muster_replica")
    @classmethod
    def _named(cls, value: str) -> str:
        return value or f"{socket.gethostname()}-{os.getpid()}"

    @classmethod
    def of(cls, env: Mapping[str, str], **changes: Any) -> Settings:
        """Settings from a mapping of variables (a sandbox's `env()`) over the process's own environment."""
        known = {name.lower(): value for name, value in env.items() if name.lower() in cls.model_fields}
        return cls(**{**known, **changes})

    @property
    def socket_mode(self) -> bool:
        """Whether Slack comes by Socket Mode (design 10)."""
        return self.slack_app_token is not None

    @property
    def seal(self) -> Seal | None:
        """What MUSTER_KEY seals with, None where it is not set."""
        return Seal(self.muster_key.get_secret_value()) if self.muster_key is not None else None

    @property
    def url(self) -> str:
        """Muster's address for links: MUSTER_URL, else where the server listens."""
        return self.muster_url or f"http://{self.muster_host}:{self.muster_port}"


def reveal(secret: SecretStr | None) -> str:
    """A secret's value at the place it is used; "" when it is not set."""
    return secret.get_secret_value() if secret is not None else ""
