"""Secrets Manager: revealing `secret://aws/NAME`, and changing a secret without ever showing one (contract E2).

Read-modify-write of a secret is one method here: a value is read, changed and written inside this file and returned to
nobody. A write is keyed by its token: the same token with the same text is no second version, with another text AWS
refuses it. Part of `aws.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from playbooks.connectors.aws_client import AwsClient
from playbooks.errors import Refused
from playbooks.secrets import SecretRef, reveal

CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"


@dataclass(frozen=True)
class SecretSeen:
    """A secret without its value. current, previous, pending: version ids, "" where there is none.

    rotates: by a function of its own; pending: what that function is making now, or made last.
    """

    name: str
    current: str
    previous: str
    rotates: bool
    pending: str = ""


class SecretsReads(AwsClient):
    """What can be asked of Secrets Manager."""

    def secret_value(self, name: str) -> str:
        """The text of a secret of Secrets Manager, by name or ARN. Blocks: called in a thread, through `reveal`."""
        answer = self._send("secretsmanager", "get_secret_value", False, {"SecretId": name, "VersionStage": CURRENT})
        if "SecretString" not in answer:
            raise Refused(f"The secret secret://aws/{name} is binary.", todo="Store it as text.")
        return str(answer["SecretString"])

    async def secret_seen(self, name: str) -> SecretSeen:
        """Versions of a secret. Refused ResourceNotFoundException."""
        answer = await self._call("secretsmanager", "describe_secret", write=False, SecretId=name)
        stages = answer.get("VersionIdsToStages") or {}
        held = {stage: str(id) for id, names in stages.items() for stage in names}
        return SecretSeen(name, held.get(CURRENT, ""), held.get(PREVIOUS, ""), bool(answer.get("RotationEnabled")),
                          held.get(PENDING, ""))  # fmt: skip

    async def secret_host(self, name: str, key: str = "") -> str:
        """The host of the address a secret holds: the only part of it that is shown. Refused when it is no address."""
        found: list[str] = []

        def look() -> Mapping[str, Any]:
            found.append(_address(name, _part(name, self.secret_value(name), key))[0])
            return {}

        await self._in_thread("secretsmanager get_secret_value", look, False)
        return found[0]

    async def secret_keys(self, name: str) -> tuple[str, ...]:
        """The names of the keys of a JSON secret, no values. Empty for a plain text."""
        found: list[tuple[str, ...]] = []

        def look() -> Mapping[str, Any]:
            found.append(_keys(self.secret_value(name)))
            return {}

        await self._in_thread("secretsmanager get_secret_value", look, False)
        return found[0]

    async def secret_word(self, name: str, key: str, words: Collection[str]) -> str:
        """Which of these words a key of a JSON secret holds (`true` is "true"); "" for any other value, never shown."""
        found: list[str] = []

        def look() -> Mapping[str, Any]:
            held = _spelled(_keyed(name, self.secret_value(name), key))
            found.append(held if held in words else "")
            return {}

        await self._in_thread("secretsmanager get_secret_value", look, False)
        return found[0]


class SecretsActs(SecretsReads):
    """What can be done in Secrets Manager."""

    async def secret_copy(self, name: str, value: SecretRef, *, key: str = "", token: str) -> str:
        """Write a new version from a reference: the whole text, or one key of a JSON secret. Returns its version id.

        token: our idempotency key; a repeat with it makes no second version.
        """
        return await self._changed(name, lambda now: _with(name, now, key, reveal(value)), token)

    def secret_text(self, name: str) -> str:
        """The text of a JSON secret, or an empty one, for `put_keys`. Blocks: for the connector's own threads."""
        text = self.secret_value(name)
        if text.strip() and not _keys(text):
            raise Refused(f"The secret {name} is a plain text, it has no keys; it was not changed.")
        return text

    def put_keys(self, name: str, text: str, values: Mapping[str, str], token: str) -> str:
        """Write keys of a JSON secret whose text is as `secret_text` said. Blocks: for the connector's own threads."""
        put = {"SecretId": name, "ClientRequestToken": version_id(token)}
        put["SecretString"] = json.dumps({**(json.loads(text) if text.strip() else {}), **values})
        return str(self._send("secretsmanager", "put_secret_value", True, put)["VersionId"])

    async def secret_point(self, name: str, host: str, *, key: str = "", token: str) -> str:
        """Let the address in a secret name another host ("db2.example.com" or with ":5432"); all else of it stays."""

        def change(now: str) -> str:
            return _with(name, now, key, _at(name, _part(name, now, key), host))

        return await self._changed(name, change, token)

    async def secret_switch(self, name: str, key: str, word: str, *, token: str) -> str:
        """Let a key that is in a JSON secret say another word; what was true or false in JSON stays of that kind."""

        def change(now: str) -> str:
            logical = isinstance(_keyed(name, now, key), bool) and word in ("true", "false")
            return json.dumps({**json.loads(now), key: word == "true" if logical else word})

        return await self._changed(name, change, token)

    async def secret_restore(self, name: str, version: str, current: str) -> None:
        """Make an older version the current one again; both ids are named, so that nothing is moved unseen."""
        await self._call(
            "secretsmanager", "update_secret_version_stage", write=True, SecretId=name, VersionStage=CURRENT,
            MoveToVersionId=version, RemoveFromVersionId=current,
        )  # fmt: skip

    async def secret_rotate(self, name: str, *, token: str) -> None:
        """Ask for a rotation by the secret's own function, now. Done when another version is current."""
        await self._call(
            "secretsmanager", "rotate_secret", write=True, SecretId=name, ClientRequestToken=version_id(token),
            RotateImmediately=True,
        )  # fmt: skip

    async def _changed(self, name: str, change: Callable[[str], str], token: str) -> str:
        def work() -> Mapping[str, Any]:
            text = change(self.secret_value(name))
            arguments = {"SecretId": name, "SecretString": text, "ClientRequestToken": version_id(token)}
            return self._send("secretsmanager", "put_secret_value", True, arguments)

        answer = await self._in_thread("secretsmanager put_secret_value", work, True)
        return str(answer["VersionId"])


def version_id(token: str) -> str:
    """Our key as AWS takes it (32 to 64 characters); it becomes the id of the version it makes."""
    return hashlib.sha256(token.encode()).hexdigest()


def _keys(text: str) -> tuple[str, ...]:
    try:
        found = json.loads(text)
    except ValueError:
        return ()
    return tuple(sorted(found)) if isinstance(found, dict) else ()


def _part(name: str, text: str, key: str) -> str:
    return str(_keyed(name, text, key)) if key else text


def _keyed(name: str, text: str, key: str) -> Any:
    """What a key of a JSON secret holds. Raises Refused when there is no such key."""
    found = json.loads(text) if _keys(text) else {}
    if key not in found:
        raise Refused(
            f"The secret {name} has no key {key}; it was not changed.", todo=f"It has: {', '.join(found) or '—'}."
        )
    return found[key]


def _spelled(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | int) else str(value)


def _with(name: str, text: str, key: str, value: str) -> str:
    """The secret's text with one key (or the whole) replaced. A key that is not there is added to JSON only."""
    if not key:
        return value
    if not _keys(text):
        raise Refused(f"The secret {name} is a plain text, it has no keys; it was not changed.")
    return json.dumps({**json.loads(text), key: value})


def _address(name: str, text: str) -> tuple[str, Any]:
    try:
        parts = urlsplit(text.strip())
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or not parts.scheme:
        raise Refused(
            f"What the secret {name} holds is no address.", todo="Name the key that holds it, or write it anew."
        )
    return host, parts


def _at(name: str, text: str, host: str) -> str:
    _, parts = _address(name, text)
    user, at, _ = parts.netloc.rpartition("@")
    port = "" if ":" in host or parts.port is None else f":{parts.port}"
    return str(urlunsplit(parts._replace(netloc=f"{user}{at}{host}{port}")))
