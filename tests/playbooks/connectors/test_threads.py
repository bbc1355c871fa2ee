"""`playbooks/connectors/threads.py`: "never began" and "no answer" are told apart."""

from __future__ import annotations

import asyncio
import threading

import pytest

from playbooks.connectors.threads import Threads
from playbooks.errors import Temporary


async def test_a_call_that_waits_for_a_thread_never_began() -> None:
    threads, go, began = Threads("Slow", workers=1), threading.Event(), threading.Event()
    first = asyncio.create_task(threads.run(lambda: go.wait(60), deadline_s=60))
    await asyncio.sleep(0.05)
    with pytest.raises(Temporary, match="never began"):
        await threads.run(began.set, deadline_s=0.1)
    go.set()
    assert await first is True
    await asyncio.sleep(0.05)
    assert not began.is_set()
    threads.close()


async def test_a_call_that_runs_on_is_a_time_out_and_closing_does_not_wait() -> None:
    threads, go = Threads("Slow", workers=1), threading.Event()
    with pytest.raises(TimeoutError):
        await threads.run(lambda: go.wait(60), deadline_s=0.1)
    threads.close()
    go.set()
