"""The stand-in for AWS: moto behind our own front, so that each API action can be recorded, delayed and made to fail.

Belongs here: naming the action of a request, running moto, seeding the demo's database instance. Corrections of moto
are in ``aws_rds.py``, by name. moto is loaded with the first request: importing it takes most of a second.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web

from bot.sandbox import aws_buckets, aws_metrics, aws_route53, aws_secrets, aws_seed, aws_ssm
from bot.sandbox.aws_cloudtrail import SIGNED, CloudTrail
from bot.sandbox.aws_elasticache import CacheCorrections
from bot.sandbox.aws_rds import Corrections
from bot.sandbox.aws_route53 import Route53Corrections
from bot.sandbox.faults import Fault
from bot.sandbox.wire import Call

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

REGION, INSTANCE = "eu-north-1", "orders-db"
T = TypeVar("T")
READS = ("Describe", "List", "Get", "GET ", "HEAD ")
# One account per sandbox: moto keeps its state per process and account, and two sandboxes must not see each other.
ACCOUNTS = itertools.count(123456789012)
LOADING = threading.Lock()  # moto's first import and first backend are not safe to do twice at once


def action_of(request: web.Request, body: bytes) -> tuple[str, dict[str, str]]:
    """The API action and, for the query protocol, its parameters; ``GET /path`` for REST protocols."""
    target = request.headers.get("X-Amz-Target")
    if target:
        return target.rpartition(".")[2], {}
    if "/operation/" in request.path:  # the newer RPC protocols: /service/{service}/operation/{action}
        return request.path.rpartition("/")[2], {}
    if request.content_type == "application/x-www-form-urlencoded":
        parameters = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if "Action" in parameters:
            return parameters["Action"], parameters
    if "Action" in request.query:
        return request.query["Action"], dict(request.query)
    return aws_route53.action_of(request.method, request.path) or f"{request.method} {request.path}", {}


class Aws:
    """One AWS account, served on its own loopback port because clients sign the root path."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.account = str(next(ACCOUNTS))
        self.url = ""
        self.trail = CloudTrail(REGION)
        self.caches = CacheCorrections(lambda region: self._backend("elasticache", region), sandbox.settings)
        self.run_command = aws_ssm.RunCommand(lambda: sandbox.hosts, sandbox.settings)
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="sandbox-aws")
        self._app: Callable[..., Iterable[bytes]] | None = None
        self._corrections: Corrections | None = None
        self._route53: Route53Corrections | None = None
        self._starting: asyncio.Future[None] | None = None
        self._seeding = asyncio.Lock()
        self._seeded: set[str] = set()

    async def start(self) -> None:
        """Load moto and create orders-db, once; later calls wait for the first."""
        if self._starting is None:
            self._starting = asyncio.get_running_loop().run_in_executor(self._pool, self._load)
        await asyncio.shield(self._starting)

    @property
    def loaded(self) -> bool:
        """Whether moto is there: looking starts nothing."""
        return self._corrections is not None

    def _load(self) -> None:
        with LOADING:
            # moto would parse thousands of images for each region, half a second each time
            os.environ.setdefault("MOTO_AMIS_PATH", str(Path(__file__).with_name("images.json")))
            from moto.backends import get_backend
            from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

            self._app = DomainDispatcherApplication(create_backend_app)
            backend = get_backend("rds")[self.account][REGION]
            self._corrections = Corrections(backend, self.sandbox.settings)
            backend.create_db_instance({
                "db_instance_identifier": INSTANCE, "db_instance_class": "db.m6g.large", "engine": "postgres",
                "engine_version": "15.4", "multi_az": True, "availability_zone": f"{REGION}a", "allocated_storage": 100,
                "master_username": "orders", "master_user_password": "sandbox-password", "backup_retention_period": 7,
            })  # fmt: skip
            self._corrections.complete()

    async def route53(self) -> Route53Corrections:
        """Route 53, loaded when first asked."""
        await self.start()
        async with self._seeding:
            if self._route53 is None:
                backend = await self._in_pool(lambda: self._backend("route53", "aws"))
                self._route53 = Route53Corrections(backend, self.sandbox.settings)
        return self._route53

    async def seed(self, service: str) -> None:
        """Make what the example policy names of a service (or for an action), once, when it is first asked."""
        if service == "route53":
            await self.route53()
        async with self._seeding:
            if service in aws_seed.SEEDS and service not in self._seeded:
                self._seeded.add(service)
                await self._in_pool(lambda: aws_seed.SEEDS[service](self._backend))
                if service == "rds":
                    (await self.corrections()).backends.append(self._backend("rds", aws_seed.AWAY))

    def _backend(self, service: str, region: str) -> Any:
        with LOADING:
            # moto would parse thousands of images for each region, half a second each time
            os.environ.setdefault("MOTO_AMIS_PATH", str(Path(__file__).with_name("images.json")))
            from moto.backends import get_backend

            return get_backend(service)[self.account][region]  # type: ignore[call-overload]

    def unreadable(self, bucket: str, key: str, version: str) -> str:
        """Why S3 would not give an object to a host of the sandbox, as its error code; "" when it would."""
        return aws_buckets.unreadable(self._backend("s3", "aws"), bucket, key, version)

    async def _in_pool(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def corrections(self) -> Corrections:
        await self.start()
        assert self._corrections is not None
        return self._corrections

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        action, parameters = action_of(request, body)
        start = body[:2000].decode("utf-8", "replace")
        shown: dict[str, Any] = {"parameters": parameters} if parameters else {"body": start}

        def refuse(fault: Fault) -> web.StreamResponse:
            status = int(fault.mode) if fault.mode.isdigit() and fault.mode != "429" else 400
            code = {"429": "Throttling"}.get(fault.mode, "InternalFailure" if fault.mode.isdigit() else fault.mode)
            return _error(request, status, code.removeprefix("error:"), "planned failure")

        async def answer(call: Call) -> web.StreamResponse:
            call.effect = not action.startswith(READS)
            if action == "LookupEvents":
                return self._looked_up(call, request, body)
            if action in aws_ssm.ACTIONS:
                return self._by_agent(call, action, body)
            corrections, service = await self.corrections(), _service(request)
            await self.seed(service)
            await self.seed(action)
            corrections.complete()
            if action == "GetMetricStatistics":
                return web.json_response(aws_metrics.statistics(json.loads(body), corrections, self.sandbox.settings))
            refused = corrections.before(action, parameters)
            if refused is not None:
                call.error = refused[0]
                return _error(request, 400, *refused)
            own = self.caches.answer(_region(request), action, parameters) if service == "elasticache" else None
            if own is not None:
                call.error = None if isinstance(own, str) else own[0]
                return _error(request, 400, *own) if isinstance(own, tuple) else _xml(own)
            if action == "RotateSecret":
                rotated = aws_secrets.rotate(self._backend("secretsmanager", _region(request)), json.loads(body))
                if rotated is not None:
                    call.error = rotated[0] if isinstance(rotated, tuple) else None
                    failed = isinstance(rotated, tuple)
                    return _error(request, 400, *rotated) if failed else web.json_response(rotated)
            try:
                response = await asyncio.get_running_loop().run_in_executor(self._pool, self._run, request, body)
            except NotImplementedError as unknown:  # moto does not know every action
                call.error = "NotImplemented"
                return _error(request, 501, "NotImplemented", str(unknown))
            call.error = None if response.status < 400 else f"HTTP {response.status}"
            corrections.after(action, parameters, response.status < 400)
            if action == "UpdateSecretVersionStage":
                aws_secrets.moved(self._backend("secretsmanager", region) for region in aws_seed.REGIONS)
            if action in ("ChangeResourceRecordSets", "GetChange"):
                told = (await self.route53()).after(action, response.text or "", response.status < 400)
                response.body = told.encode()
            return response

        async def kept(call: Call) -> web.StreamResponse:
            told = await answer(call)
            signed, address = request.headers.get("Authorization", ""), request.remote or ""
            self.trail.saw(signed, action, address, call.error or "")
            return told

        return await self.sandbox.wire.carry(request, "aws", action, shown, kept, refuse=refuse)

    def _looked_up(self, call: Call, request: web.Request, body: bytes) -> web.Response:
        """moto has no LookupEvents."""
        call.effect = False
        status, said = self.trail.lookup(json.loads(body), _region(request))
        call.error = said.get("__type")
        return web.json_response(said, status=status)

    def _by_agent(self, call: Call, action: str, body: bytes) -> web.Response:
        """moto runs no commands."""
        said = self.run_command.answer(action, json.loads(body))
        call.effect = self.run_command.changes(action, json.loads(body))
        if isinstance(said, dict):
            return web.json_response(said)
        call.effect, call.error = False, said[0]
        return web.json_response({"__type": said[0], "message": said[1]}, status=400)

    def _run(self, request: web.Request, body: bytes) -> web.Response:
        from werkzeug.test import EnvironBuilder, run_wsgi_app

        hop = ("transfer-encoding", "content-length")
        headers = [(k, v) for k, v in request.headers.items() if k.lower() not in hop]
        headers += aws_buckets.for_moto(request.headers)
        environ = EnvironBuilder(
            path=request.rel_url.raw_path, query_string=request.rel_url.raw_query_string, method=request.method,
            headers=[*headers, ("x-moto-account-id", self.account)], data=body, base_url=f"http://{request.host}",
        ).get_environ()  # fmt: skip
        assert self._app is not None
        chunks, status, answered = run_wsgi_app(self._app, environ)
        kept = [(k, v) for k, v in answered.items() if k.lower() not in hop]
        response = web.Response(status=int(status.split()[0]), body=b"".join(chunks))
        response.headers.extend(kept)
        if request.method == "HEAD" and (length := answered.get("content-length")):  # of the body that is not sent
            response.headers["Content-Length"] = length
        return response

    def close(self) -> None:
        self.run_command.close()
        self._pool.shutdown(wait=False, cancel_futures=True)


def _service(request: web.Request) -> str:
    """The service a request was signed for ("rds", "elasticloadbalancing")."""
    return request.headers.get("Authorization", "").partition("/aws4_request")[0].rpartition("/")[2]


def _region(request: web.Request) -> str:
    """The region a request was signed for."""
    signed = SIGNED.search(request.headers.get("Authorization", ""))
    return signed[2] if signed else REGION


def _xml(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/xml")


def _error(request: web.Request, status: int, code: str, message: str) -> web.Response:
    """An error in the words of the service's protocol, as botocore reads it."""
    service = _service(request)
    inner = f"<Code>{code}</Code><Message>{message}</Message>"
    request_id = "<RequestId>00000000-0000-0000-0000-000000000000</RequestId>"
    if "X-Amz-Target" in request.headers or request.content_type == "application/json":
        said = {"__type": code, "message": message}
        return web.json_response(said, status=status, headers={"x-amzn-ErrorType": code})
    if service == "s3":
        body = f"<Error>{inner}{request_id}</Error>"
    elif service == "ec2":
        body = f"<Response><Errors><Error>{inner}</Error></Errors>{request_id}</Response>"
    else:
        body = f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error>{request_id}</ErrorResponse>"
    return web.Response(status=status, text=body, content_type="text/xml")
