"""Receipts, run by this machine's own shell: once per key, and what a look sees after each way to end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from playbooks.connectors import receipts
from playbooks.connectors.receipts import Receipt
from playbooks.connectors.tails import Answered
from playbooks.errors import Refused, Temporary, Uncertain

Shell = Callable[[str], Receipt]
KEY = receipts.receipt_key("INC-42/1:3:1", "x")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """What a line says, run by `sh` with a home of its own."""

    def run(line: str) -> Receipt:
        done = subprocess.run(["sh", "-c", line], env={**os.environ, "HOME": str(tmp_path)}, capture_output=True,
                              text=True, check=False, timeout=10)  # fmt: skip
        return receipts.read(Answered(done.returncode, done.stdout), "here", write=True, cwd="/x", program="p")

    return run


def start(script: str, *, again: str = "never", wait_s: float = 3.0, key: str = KEY) -> str:
    return receipts.start_line(key, ["sh", "-c", script], cwd="", again=again, wait_s=wait_s)


def test_it_ends_once_and_is_private(shell: Shell, tmp_path: Path) -> None:
    log = tmp_path / "log"
    for _ in range(3):
        assert shell(start(f"echo x >>{log}; echo out; echo err >&2; exit 7")) == Receipt("ended", 7, "out\nerr\n")
    assert log.read_text() == "x\n"
    assert shell(receipts.look_line(KEY)) == Receipt("ended", 7, "out\nerr\n")
    folder = tmp_path / ".muster" / KEY
    assert folder.stat().st_mode & 0o077 == 0 and (folder / "out").stat().st_mode & 0o077 == 0
    absent = shell(receipts.look_line("0" * 32))
    assert absent.state == "absent" and absent.up_s > 0


def test_a_killed_one_is_cut_and_begun_again_only_where_that_is_safe(shell: Shell, tmp_path: Path) -> None:
    assert shell(start("echo begun; sleep 30", wait_s=2)).state == "running"
    assert shell(receipts.look_line(KEY)) == Receipt("running", None, "begun\n")
    pid = int((tmp_path / ".muster" / KEY / "pid").read_text())
    child = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    for one in [pid, *map(int, child)]:
        os.kill(one, signal.SIGKILL)
    for line in (receipts.look_line(KEY), start("echo again")):
        assert shell(line) == Receipt("cut", None, "begun\n")
    assert shell(start("echo again", again="safe")) == Receipt("ended", 0, "again\n")
    (tmp_path / ".muster" / KEY / "exit").unlink()
    (tmp_path / ".muster" / KEY / "pid").write_text(str(os.getpid()))  # a process that lives, of another boot
    assert shell(receipts.look_line(KEY)).state == "running"
    (tmp_path / ".muster" / KEY / "boot").write_text("another\n")
    assert shell(receipts.look_line(KEY)).state == "cut"


def test_two_at_once_run_it_once(shell: Shell, tmp_path: Path) -> None:
    log = tmp_path / "log"
    line = start(f"echo x >>{log}; sleep 0.3")
    env = {**os.environ, "HOME": str(tmp_path)}
    both = [subprocess.Popen(["sh", "-c", line], env=env, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = [one.communicate(timeout=60)[0] for one in both]
    assert log.read_text() == "x\n" and {text.splitlines()[0] for text in said} == {"muster ended 0"}


def test_what_cannot_begin_is_refused_and_noise_is_no_receipt(shell: Shell) -> None:
    with pytest.raises(Refused, match=r"its folder /x is not there. Nothing was run"):
        shell(receipts.start_line(KEY, ["ls"], cwd="/no/such", again="never", wait_s=30))
    with pytest.raises(Refused, match="it has no p"):
        shell(receipts.start_line(KEY, ["no-such-program"], cwd="", again="never", wait_s=30))
    for write, error in ((True, Uncertain), (False, Temporary)):
        with pytest.raises(error, match="instead of a receipt it said 'Welcome!'"):
            receipts.read(Answered(0, "Welcome!\n"), "here", write=write)
    assert receipts.receipt_key("a", "b") != receipts.receipt_key("a", "c")
