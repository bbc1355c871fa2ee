"""SSM's parameter store: parameters that hold plain text, such as feature switches. Part of `aws.py`.

Does not belong here: parameters of type SecureString; what is secret lies in Secrets Manager (aws_secrets.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from playbooks.connectors.aws_client import AwsClient


@dataclass(frozen=True)
class Parameter:
    """A version of a parameter. value: "" for a SecureString, which is never asked for in clear; at: UTC."""

    name: str
    kind: str
    value: str
    version: int
    at: datetime | None = None

    @property
    def secret(self) -> bool:
        """Whether AWS keeps it encrypted."""
        return self.kind == "SecureString"


class ParameterReads(AwsClient):
    """What can be asked of the parameter store."""

    async def parameter(self, name: str, version: int | None = None) -> Parameter:
        """A parameter as it is now, or one of its last hundred versions. Refused ParameterNotFound."""
        asked = name if version is None else f"{name}:{version}"
        told = await self._call("ssm", "get_parameter", write=False, Name=asked, WithDecryption=False)
        return _parameter(told["Parameter"])

    async def parameter_versions(self, name: str, since: datetime) -> list[Parameter]:
        """The versions made since a moment (UTC), oldest first."""
        told = await self._all("ssm", "get_parameter_history", "Parameters", Name=name, WithDecryption=False)
        found = [_parameter(one) for one in told]
        return sorted((one for one in found if one.at and one.at >= since), key=lambda one: one.version)


class ParameterActs(AwsClient):
    """What can be done in the parameter store."""

    async def parameter_set(self, name: str, value: str) -> int:
        """Write a new version of a parameter that is there; its type stays. Returns the version's number."""
        told = await self._call("ssm", "put_parameter", write=True, Name=name, Value=value, Overwrite=True)
        return int(told["Version"])


def _parameter(raw: Mapping[str, Any]) -> Parameter:
    kind = str(raw.get("Type") or "String")
    value = "" if kind == "SecureString" else str(raw.get("Value") or "")
    return Parameter(str(raw["Name"]), kind, value, int(raw.get("Version") or 0), raw.get("LastModifiedDate"))
