"""Secrets Manager: revealing `secret://aws/NAME`. Part of `aws.py`."""

from __future__ import annotations

from playbooks.connectors.aws_client import AwsClient
from playbooks.errors import Refused


class SecretsReads(AwsClient):
    """What can be asked of Secrets Manager."""

    def secret_value(self, name: str) -> str:
        """The text of a secret of Secrets Manager, by name or ARN. Blocks: called in a thread, through `reveal`."""
        answer = self._send("secretsmanager", "get_secret_value", False, {"SecretId": name})
        if "SecretString" not in answer:
            raise Refused(f"The secret secret://aws/{name} is binary.", todo="Store it as text.")
        return str(answer["SecretString"])
