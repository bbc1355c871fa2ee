"""AWS: reading (`AwsReads`) and acting (`Aws`) through boto3, asked once, with time-outs that stop (contract E1).

Belongs here: clients, calls, shapes, and what botocore's errors mean. The only importer of boto3 and botocore. Also
reveals `secret://aws/NAME` from Secrets Manager. Methods raise Temporary, Refused or Uncertain of `playbooks.errors`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
)

from playbooks.connectors.answers import (
    CONNECT_S,
    READ_S,
    ServiceRefused,
    is_loopback,
    no_answer,
    short,
    too_many,
    unreachable,
)
from playbooks.connectors.threads import Threads
from playbooks.errors import MusterError, Refused
from playbooks.secrets import resolver

THROTTLED = frozenset({
    "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "TooManyRequestsException",
    "RequestThrottled", "RequestThrottledException", "SlowDown", "BandwidthLimitExceeded", "PriorRequestNotComplete",
})  # fmt: skip
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
BAD_KEY = frozenset({
    "InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException", "AuthFailure",
    "UnrecognizedClientException", "InvalidAccessKeyId", "RequestExpired", "IncompleteSignature",
})  # fmt: skip
CREDENTIALS = "Give the process an IAM role or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."


@dataclass(frozen=True)
class DbInstance:
    """An RDS instance. writer_zone, standby_zone: Availability Zones, "" when AWS names none."""

    id: str
    status: str
    engine: str
    engine_version: str
    multi_az: bool
    writer_zone: str
    standby_zone: str
    endpoint: str
    port: int
    latest_restorable_time: datetime | None
    replica_of: str
    arn: str


@dataclass(frozen=True)
class DbEvent:
    """One RDS event: when (UTC) and RDS's own sentence."""

    at: datetime
    text: str


@dataclass(frozen=True)
class S3Object:
    """An object of S3. lock_mode: COMPLIANCE, GOVERNANCE or ""; retain_until: UTC, None where it is not locked."""

    bucket: str
    key: str
    version: str
    lock_mode: str
    retain_until: datetime | None


@dataclass(frozen=True)
class AccessKey:
    """An IAM user's access key. used_at: when it was last used (UTC), for what ("s3 in eu-north-1"); None: never."""

    id: str
    user: str
    active: bool
    used_at: datetime | None = None
    used_for: str = ""


def to_instance(raw: Mapping[str, Any]) -> DbInstance:
    """One of describe_db_instances `DBInstances` -> DbInstance (contract E2)."""
    endpoint = raw.get("Endpoint") or {}
    return DbInstance(
        id=str(raw["DBInstanceIdentifier"]),
        status=str(raw.get("DBInstanceStatus") or ""),
        engine=str(raw.get("Engine") or ""),
        engine_version=str(raw.get("EngineVersion") or ""),
        multi_az=bool(raw.get("MultiAZ")),
        writer_zone=str(raw.get("AvailabilityZone") or ""),
        standby_zone=str(raw.get("SecondaryAvailabilityZone") or ""),
        endpoint=str(endpoint.get("Address") or ""),
        port=int(endpoint.get("Port") or 0),
        latest_restorable_time=raw.get("LatestRestorableTime"),
        replica_of=str(raw.get("ReadReplicaSourceDBInstanceIdentifier") or ""),
        arn=str(raw.get("DBInstanceArn") or ""),
    )


class AwsReads:
    """What can be asked of AWS.

    Settings: region, endpoint (a stand-in or proxy; "" is AWS), time-outs in seconds. Credentials come from the SDK's
    own chain unless given. Registers itself as the store behind `secret://aws/`.
    """

    vendor = "AWS"
    acting = False

    def __init__(
        self,
        *,
        region: str = "",
        endpoint_url: str = "",
        access_key_id: str = "",
        secret_access_key: str = "",
        connect_timeout: float = CONNECT_S,
        read_timeout: float = READ_S,
        workers: int = 8,
    ) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._keys = (access_key_id, secret_access_key)
        self._deadline_s = connect_timeout + read_timeout + 5
        self._config = Config(
            retries={"total_max_attempts": 1, "mode": "standard"},  # the default sends a reboot three times (E1)
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            max_pool_connections=workers,
            proxies={} if is_loopback(endpoint_url) else None,
            s3={"addressing_style": "path"} if endpoint_url else None,  # a stand-in has no name per bucket
        )
        self._threads = Threads(self.vendor, workers)
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        resolver("aws", self.secret_value)

    async def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.close()
        for client in self._clients.values():
            client.close()

    def _client(self, service: str) -> Any:
        """The one client of a service. Made under a lock: clients may be shared between threads, sessions may not."""
        with self._lock:
            if self._session is None:
                key, secret = self._keys
                self._session = boto3.session.Session(
                    aws_access_key_id=key or None,
                    aws_secret_access_key=secret or None,
                    region_name=self._region or None,
                )
            if service not in self._clients:
                self._clients[service] = self._session.client(
                    service, endpoint_url=self._endpoint_url or None, config=self._config
                )
            return self._clients[service]

    def _send(self, service: str, call: str, write: bool, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """One call, in the calling thread. call: the client method's name."""
        name = f"{service} {call}"
        try:
            answer: Mapping[str, Any] = getattr(self._client(service), call)(**arguments)
        except ClientError as error:
            raise _sorted(name, error, write) from None
        except (NoCredentialsError, PartialCredentialsError):
            raise Refused(f"AWS has no credentials here, {name} was not sent.", todo=CREDENTIALS) from None
        except NoRegionError:
            raise Refused(f"AWS has no region here, {name} was not sent.", todo="Set AWS_REGION.") from None
        except (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError) as error:
            raise unreachable("AWS", name, type(error).__name__) from None
        except (ReadTimeoutError, ConnectionClosedError) as error:
            raise no_answer("AWS", name, type(error).__name__, write=write) from None
        except BotoCoreError as error:
            raise _other(name, error, write) from None
        return answer

    async def _call(self, service: str, call: str, *, write: bool, **arguments: Any) -> Mapping[str, Any]:
        """One call in a thread of our own."""
        return await self._in_thread(f"{service} {call}", lambda: self._send(service, call, write, arguments), write)

    async def _in_thread(self, name: str, send: Callable[[], Mapping[str, Any]], write: bool) -> Mapping[str, Any]:
        try:
            return await self._threads.run(send, deadline_s=self._deadline_s)
        except TimeoutError:
            raise no_answer("AWS", name, "time-out", write=write) from None

    async def rds_instance(self, instance: str) -> DbInstance:
        """One RDS instance. Refused DBInstanceNotFound."""
        answer = await self._call("rds", "describe_db_instances", write=False, DBInstanceIdentifier=instance)
        return to_instance(answer["DBInstances"][0])

    async def rds_events(self, instance: str, since: datetime) -> list[DbEvent]:
        """What RDS did to an instance since a moment (UTC), oldest first."""
        answer = await self._call(
            "rds", "describe_events", write=False, SourceIdentifier=instance, SourceType="db-instance", StartTime=since
        )
        events = [DbEvent(raw["Date"], str(raw.get("Message") or "")) for raw in answer.get("Events") or ()]
        return sorted((event for event in events if event.at >= since), key=lambda event: event.at)

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

    async def own_access_key(self) -> str:
        """The id of the access key our own calls are signed with; "" where there are no credentials."""

        def look() -> Mapping[str, Any]:
            self._client("iam")
            found = self._session.get_credentials()
            return {"key": found.access_key if found is not None else ""}

        return str((await self._in_thread("own credentials", look, False))["key"])

    async def s3_object(self, bucket: str, key: str) -> S3Object | None:
        """What is known of an object without reading it; None when there is none."""
        try:
            found = await self._call("s3", "head_object", write=False, Bucket=bucket, Key=key)
        except ServiceRefused as error:
            if error.code in ("404", "NoSuchKey"):
                return None
            raise
        mode, until = str(found.get("ObjectLockMode") or ""), found.get("ObjectLockRetainUntilDate")
        return S3Object(bucket, key, str(found.get("VersionId") or ""), mode, until)

    def secret_value(self, name: str) -> str:
        """The text of a secret of Secrets Manager, by name or ARN. Blocks: called in a thread, through `reveal`."""
        answer = self._send("secretsmanager", "get_secret_value", False, {"SecretId": name})
        if "SecretString" not in answer:
            raise Refused(f"The secret secret://aws/{name} is binary.", todo="Store it as text.")
        return str(answer["SecretString"])


class Aws(AwsReads):
    """What can be done in AWS."""

    acting = True

    async def rds_reboot_with_failover(self, instance: str) -> None:
        """Reboot a Multi-AZ instance onto its standby. Accepted is not done: look at zones afterwards (contract E2)."""
        await self._call("rds", "reboot_db_instance", write=True, DBInstanceIdentifier=instance, ForceFailover=True)

    async def iam_set_access_key(self, user: str, key: str, *, active: bool) -> None:
        """Activate or deactivate a user's access key. IAM may take seconds until every region knows."""
        status = "Active" if active else "Inactive"
        whose = {"UserName": user} if user else {}
        await self._call("iam", "update_access_key", write=True, AccessKeyId=key, Status=status, **whose)

    async def s3_put_locked(self, bucket: str, key: str, body: bytes, *, until: datetime, mode: str) -> None:
        """Put an object that cannot be removed before `until`. One that stands there already is left as it is.

        mode: COMPLIANCE or GOVERNANCE. Refused by AWS where the bucket was made without object lock.
        """
        try:
            await self._call(
                "s3", "put_object", write=True, Bucket=bucket, Key=key, Body=body, IfNoneMatch="*",
                ContentType="application/jsonl", ObjectLockMode=mode, ObjectLockRetainUntilDate=until,
            )  # fmt: skip
        except ServiceRefused as error:
            if error.code != "PreconditionFailed":
                raise


def _sorted(name: str, error: ClientError, write: bool) -> MusterError:
    """An answer with an error code. 5xx to a write says nothing about the effect."""
    answer = error.response.get("Error") or {}
    status = int((error.response.get("ResponseMetadata") or {}).get("HTTPStatusCode") or 0)
    code, words = str(answer.get("Code") or status), short(str(answer.get("Message") or ""))
    if code in THROTTLED or status == 429:
        return too_many("AWS", name, status, None)
    if status >= 500:
        return no_answer("AWS", name, f"{status} {code}", write=write)
    todo = ""
    if code in DENIED:
        todo = f"Allow {name.replace(' ', ':').replace('_', '')} for the role Muster runs under."
    elif code in BAD_KEY:
        todo = CREDENTIALS
    return ServiceRefused("AWS", code, f"AWS refused {name}: {code}. {words}".strip(), todo=todo)


def _other(name: str, error: BotoCoreError, write: bool) -> MusterError:
    """The rest of botocore's errors: wrong parameters never leave the house, a broken line says nothing."""
    kind = type(error).__name__
    if kind in ("ParamValidationError", "UnknownServiceError", "ProfileNotFound", "InvalidRegionError"):
        return Refused(f"AWS {name} was not sent: {short(str(error))}")
    return no_answer("AWS", name, kind, write=write)
