"""SSH on the wire: who is let in, what a broken line means; against the stand-in, and against OpenSSH's own server."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from bot.sandbox.client import SandboxClient
from bot.sandbox.host.server import private_key, public_key
from playbooks.connectors import receipts
from playbooks.connectors.answers import ServiceRefused
from playbooks.connectors.hosts import Hosts
from playbooks.connectors.ssh import SshRunner, place_of
from playbooks.connectors.tails import KEEP_BYTES
from playbooks.errors import Refused, Temporary, Uncertain
from playbooks.policy_hosts import Command, Host

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
DF = "df -P /var/lib/docker"


@pytest.fixture
async def ssh() -> AsyncIterator[SshRunner]:
    one = SshRunner(connect_timeout=20.0)
    yield one
    await one.close()


@pytest.fixture
def host(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setenv("KEY", env["PRODUCTION_HOST_KEY"])
    return Host(name="production", address=env["PRODUCTION_HOST_ADDRESS"], key="env://KEY",
                host_key=env["PRODUCTION_HOST_PUBLIC_KEY"])  # fmt: skip


async def test_it_runs_a_line_and_tells_its_end(ssh: SshRunner, host: Host) -> None:
    said = await ssh.run(host, DF, write=False, deadline_s=30)
    assert said.status == 0 and "61%" in said.text
    assert (await ssh.run(host, "whoami", write=False, deadline_s=30)).status == 127
    assert (await ssh.run(host, "cd /nowhere && df -P /", write=False, deadline_s=30)).status == 2


async def test_who_is_not_let_in_and_whose_machine_it_is_not(
    ssh: SshRunner, host: Host, sb: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sb.change_host("production", denied=True)
    with pytest.raises(ServiceRefused, match=r"does not let muster in with the key env://KEY") as denied:
        await ssh.reach(host)
    assert denied.value.code == "denied"
    await sb.change_host("production", denied=False, impostor=True)
    with pytest.raises(ServiceRefused, match="another host key") as other:
        await ssh.run(host, DF, write=True, deadline_s=30)
    assert other.value.code == "host_key" and await sb.calls("host") == []
    known = host.model_copy(update={"host_key": f"{public_key('staging')}\n{public_key('impostor')}"})
    assert (await ssh.run(known, DF, write=False, deadline_s=30)).status == 0
    await sb.change_host("production", unreachable=True)
    with pytest.raises(Temporary, match="could not be reached"):
        await ssh.reach(host)
    monkeypatch.setenv("KEY", "nonsense-that-is-secret")
    with pytest.raises(Refused, match="no private key") as unread:
        await ssh.reach(host)
    assert "nonsense" not in str(unread.value) and unread.value.__context__ is None
    monkeypatch.setenv("KEY", private_key("client"))
    with pytest.raises(Refused, match="is no public key"):
        await ssh.reach(host.model_copy(update={"host_key": "ssh-ed25519 nonsense"}))
    with pytest.raises(Refused, match=r"env://GONE is not set"):
        await ssh.reach(Host(**{**host.model_dump(), "key": "env://GONE"}))


@pytest.mark.parametrize("mode", ["reset", "close_after", "timeout_before"])
async def test_a_lost_line_is_uncertain_only_where_it_could_change_something(
    ssh: SshRunner, host: Host, sb: SandboxClient, mode: str
) -> None:
    await sb.fail("host", "df", mode, times=2)
    with pytest.raises(Uncertain, match="may or may not have happened"):
        await ssh.run(host, DF, write=True, deadline_s=2)
    with pytest.raises(Temporary):
        await ssh.run(host, DF, write=False, deadline_s=2)


def test_addresses() -> None:
    def at(address: str) -> tuple[str, int]:
        return place_of(Host(name="x", address=address, key="env://K", host_key="k"))

    assert at("a.example.com") == ("a.example.com", 22) and at("a.example.com:2222") == ("a.example.com", 2222)
    assert at("[::1]:2222") == ("::1", 2222) and at("::1") == ("::1", 22)


# --- OpenSSH's own server -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Its port. `make unit` installs it where apt can."""
    import socket

    if not os.access(SSHD, os.X_OK):
        pytest.skip("OpenSSH's server is not installed and apt could not bring it; asyncssh's server was tested")
    home = tmp_path_factory.mktemp("sshd")
    (home / "host").write_bytes(asyncssh.import_private_key(private_key("production")).export_private_key())
    (home / "host").chmod(0o600)
    (home / "keys").write_text(public_key("client") + "\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True, mode=0o755)
    (home / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {home}/host\nAuthorizedKeysFile {home}/keys\nStrictModes no\n"
        f"PasswordAuthentication no\nPermitRootLogin prohibit-password\nPidFile {home}/pid\nUsePAM no\n"
        f"SetEnv HOME={home}\n"
    )
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", str(home / "config")], stderr=subprocess.PIPE)
    try:
        assert server.stderr is not None
        assert any(b"listening" in line for line in iter(server.stderr.readline, b"")), "sshd did not start"
        yield port
    finally:
        server.terminate()
        server.wait(5)
        assert server.stderr is not None
        server.stderr.close()


@pytest.fixture
def real(sshd: int, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setenv("KEY", private_key("client"))
    return Host(name="real", address=f"127.0.0.1:{sshd}", user=getpass.getuser(), key="env://KEY",
                host_key=public_key("production"))  # fmt: skip


def commands(folder: Path) -> dict[str, Command]:
    words = {"word": {"type": "name", "pattern": "[^-].*"}}
    given: dict[str, dict[str, Any]] = {
        "say": {"argv": ["printf", "%s|", "a b", "{word}"], "arguments": words, "risk": "read"},
        "much": {"argv": ["sh", "-c", 'yes "$1" | head -n 400000', "sh", "{word}"], "arguments": words, "risk": "read"},
        "append": {"argv": ["sh", "-c", 'echo "$1" >>log; echo said; exit 3', "sh", "{word}"], "arguments": words,
                   "risk": "write", "cwd": str(folder)},
        "slow": {"argv": ["sh", "-c", "sleep 5; echo over", "sh"], "risk": "write"},
        "gone": {"argv": ["no-such-program"], "risk": "write"},
        "nowhere": {"argv": ["ls"], "risk": "write", "cwd": "/no/such/folder"},
    }  # fmt: skip
    made = {"title": "x", "hosts": ["real"], "timeout": "10s"}
    return {name: Command(name=name, **made, **one) for name, one in given.items()}


async def test_openssh_runs_words_as_words_and_much_is_bounded(real: Host, ssh: SshRunner, tmp_path: Path) -> None:
    hosts = Hosts({"real": real}, commands(tmp_path), {"ssh": lambda: ssh})
    for nasty in ("$(id)", "`id`; rm -rf /", "a'b\"c", "x && y > z", "*", "über ☕", "a\\b %s"):
        assert (await hosts.look("say", "real", {"word": nasty})).raw == f"a b|{nasty}|"
    seen = await hosts.look("much", "real", {"word": "0123456789"})
    assert seen.status == 0 and KEEP_BYTES * 2 < len(seen.raw) < KEEP_BYTES * 2 + 100 and len(seen.text) < 4000
    impostor = real.model_copy(update={"host_key": public_key("impostor")})
    with pytest.raises(ServiceRefused) as other:
        await ssh.reach(impostor)
    assert other.value.code == "host_key"
    with pytest.raises(ServiceRefused, match="does not let"):
        await ssh.reach(real.model_copy(update={"user": "nobody-here"}))


async def test_openssh_a_receipt_lets_it_run_once_and_outlives_the_line(
    real: Host, ssh: SshRunner, tmp_path: Path, settled: Any
) -> None:
    hosts = Hosts({"real": real}, commands(tmp_path), {"ssh": lambda: ssh})
    key = f"key-{time.time_ns()}"
    assert (await hosts.receipt("append", "real", key)).state == "absent"
    for _ in range(2):
        done = await hosts.start("append", "real", {"word": "it's; one"}, key=key, wait_s=30)
        assert (done.state, done.status, done.output) == ("ended", 3, "said\n")
    assert (tmp_path / "log").read_text() == "it's; one\n"
    assert await hosts.receipt("append", "real", key) == done
    line = receipts.start_line(receipts.receipt_key(key, "slow"), commands(tmp_path)["slow"].argv, cwd="", again="never",
                               wait_s=9)  # fmt: skip
    with pytest.raises(Uncertain):
        await ssh.run(real, line, write=True, deadline_s=2)  # the line is cut while it runs
    assert (await hosts.receipt("slow", "real", key)).state == "running"

    async def over() -> Any:
        seen = await hosts.receipt("slow", "real", key)
        return seen if seen.state == "ended" else None

    assert (await settled(over)).output == "over\n"
    with pytest.raises(Refused, match="it has no no-such-program"):
        await hosts.start("gone", "real", {}, key=key, wait_s=30)
    with pytest.raises(Refused, match="its folder /no/such/folder is not there"):
        await hosts.start("nowhere", "real", {}, key=key, wait_s=30)
