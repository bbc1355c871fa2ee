"""Head and tail of what is long."""

from __future__ import annotations

from playbooks.connectors.tails import KEEP_BYTES, Tails


def test_little_is_kept_whole_and_much_at_both_ends() -> None:
    little = Tails()
    for chunk in (b"one ", "zwö".encode()[:3], "zwö".encode()[3:]):
        little.add(chunk)
    assert little.text() == "one zwö"
    much = Tails()
    for at in range(1000):
        much.add(f"{at:09d}\n".encode() * 100)
    text = much.text()
    assert text.startswith("000000000\n") and text.endswith("000000999\n") and much.seen == 1_000_000
    assert f"[… {1_000_000 - 2 * KEEP_BYTES} bytes …]" in text and len(much._tail) < 80
