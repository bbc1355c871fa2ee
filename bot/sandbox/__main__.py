"""``python -m bot.sandbox --port N``: the sandbox in its own process; one JSON line with the environment when ready."""

from __future__ import annotations

import argparse
import asyncio

from bot.sandbox.server import run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox", description="Stand-ins on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument("--rate-factor", type=float, default=1.0, help="divides rate-limit times; 0 switches them off")
    parser.add_argument("--shell", action="store_true", help="print shell exports instead of JSON")
    asked = parser.parse_args()
    asyncio.run(run(asked.port, as_json=not asked.shell, rate_factor=asked.rate_factor))


if __name__ == "__main__":
    main()
