"""Slack's rate tiers, stood in for."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from bot.sandbox import rates as rates_module
from bot.sandbox.rates import Rates


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass, for the counters alone."""
    now = [1000.0]
    monkeypatch.setattr(rates_module, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def pass_(seconds: float) -> None:
        now[0] += seconds

    return pass_


def test_a_window_allows_its_limit_and_opens_again(later: Callable[[float], None]) -> None:
    rates = Rates(factor=600)  # a minute is 0.1 s
    assert [rates.window("m", 2) for _ in range(3)] == [0, 0, 1]
    assert rates.window("other", 2) == 0
    later(0.11)
    assert rates.window("m", 2) == 0


def test_a_bucket_allows_a_burst_and_refills(later: Callable[[float], None]) -> None:
    rates = Rates(factor=20)
    assert [rates.bucket("c", 1.0, 3) for _ in range(4)] == [0, 0, 0, 1]
    later(0.06)
    assert rates.bucket("c", 1.0, 3) == 0
    assert rates.bucket("c", 1.0, 3) == 1


def test_at_the_real_pace_the_wait_is_the_rest_of_the_minute() -> None:
    rates = Rates()
    assert rates.window("m", 1) == 0
    assert rates.window("m", 1) in (59, 60)


def test_zero_switches_limits_off() -> None:
    rates = Rates(0)
    assert not any(rates.window("m", 1) or rates.bucket("c", 1.0, 1) for _ in range(100))
