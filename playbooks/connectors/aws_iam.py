"""IAM: access keys. Part of `aws.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.aws_client import AwsClient
from playbooks.connectors.aws_secrets import SecretsActs
from playbooks.errors import Refused, Temporary


@dataclass(frozen=True)
class AccessKey:
    """An IAM user's access key. used_at: when it was last used (UTC), for what ("s3 in eu-north-1"); None: never."""

    id: str
    user: str
    active: bool
    used_at: datetime | None = None
    used_for: str = ""
    made_at: datetime | None = None


class IamReads(AwsClient):
    """What can be asked of IAM."""

    async def iam_access_key(self, key: str) -> AccessKey:
        """An access key of this account, by its id. Refused NoSuchEntity when no user of the account has it."""
        told = await self._call("iam", "get_access_key_last_used", write=False, AccessKeyId=key)
        user = str(told.get("UserName") or "")
        listed = await self._call("iam", "list_access_keys", write=False, **({"UserName": user} if user else {}))
        found = [one for one in listed.get("AccessKeyMetadata") or () if one.get("AccessKeyId") == key]
        if not found:
            raise ServiceRefused("AWS", "NoSuchEntity", f"No user of this account has the access key {key}.")
        last = told.get("AccessKeyLastUsed") or {}
        service, region = str(last.get("ServiceName") or "N/A"), str(last.get("Region") or "N/A")
        used_for = " in ".join(part for part in (service, region) if part != "N/A")
        return AccessKey(key, user, found[0].get("Status") == "Active", last.get("LastUsedDate"), used_for)

    async def iam_user_keys(self, user: str) -> list[AccessKey]:
        """The access keys of a user, oldest first; a user has two at most. Refused NoSuchEntity."""
        listed = await self._call("iam", "list_access_keys", write=False, UserName=user)
        found = [
            AccessKey(str(raw["AccessKeyId"]), user, raw.get("Status") == "Active", made_at=raw.get("CreateDate"))
            for raw in listed.get("AccessKeyMetadata") or ()
        ]
        return sorted(found, key=lambda one: (one.made_at is not None, one.made_at, one.id))

    async def own_access_key(self) -> str:
        """The id of the access key our own calls are signed with; "" where there are no credentials."""

        def look() -> Mapping[str, Any]:
            found = self._credentials()
            return {"key": found.access_key if found is not None else ""}

        return str((await self._in_thread("own credentials", look, False))["key"])


class IamActs(SecretsActs):
    """What can be done in IAM."""

    async def iam_set_access_key(self, user: str, key: str, *, active: bool) -> None:
        """Activate or deactivate a user's access key. IAM may take seconds until every region knows."""
        status = "Active" if active else "Inactive"
        whose = {"UserName": user} if user else {}
        await self._call("iam", "update_access_key", write=True, AccessKeyId=key, Status=status, **whose)

    async def iam_delete_key(self, user: str, key: str) -> None:
        """Delete an access key for good."""
        await self._call("iam", "delete_access_key", write=True, AccessKeyId=key, UserName=user)

    async def iam_new_key(self, user: str, secret: str, id_key: str, secret_key: str, *, token: str) -> tuple[str, str]:
        """Make an access key and put it straight into a JSON secret; the secret half is returned to nobody.

        Returns (id of the key, version id of the secret). Where the secret surely did not take it, the new key is
        deleted again before the error goes on; where that is not known, both stay and the error is Uncertain.
        """

        def work() -> Mapping[str, Any]:
            held = self.secret_text(secret)  # before there is a key that would have to be deleted again
            made = self._send("iam", "create_access_key", True, {"UserName": user})["AccessKey"]
            key = str(made["AccessKeyId"])
            try:
                version = self.put_keys(secret, held, {id_key: key, secret_key: str(made["SecretAccessKey"])}, token)
            except (Refused, Temporary):
                self._send("iam", "delete_access_key", True, {"UserName": user, "AccessKeyId": key})
                raise
            return {"key": key, "version": version}

        made = await self._in_thread("iam create_access_key", work, True)
        return str(made["key"]), str(made["version"])
