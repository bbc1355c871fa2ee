"""A real browser for the pages: the system's chromium, headless; tests are skipped where there is none.

`opened()` is a browser for as long as a test file wants it. `Camera` keeps pictures where SCREENSHOTS says so
(`make screenshots`), and does nothing else: the pictures in the docs are of what the tests play.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
SIZE = {"width": 1440, "height": 900}


def chromium() -> str:
    """The path of the system's chromium; skips the test where there is none."""
    pytest.importorskip("playwright", reason="playwright is not installed (dev extras)")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on PATH; `make chromium` installs one")
    return found


@asynccontextmanager
async def opened() -> AsyncIterator[Any]:
    """A headless browser. Without its sandbox where the tests are root, for chromium refuses to start with it."""
    path = chromium()
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"] if os.geteuid() == 0 else ["--disable-gpu"]
        )
        try:
            yield browser
        finally:
            await browser.close()


class Camera:
    """Keeps pictures of pages under docs/screenshots when asked to by SCREENSHOTS, a folder."""

    def __init__(self) -> None:
        self.folder = os.environ.get("SCREENSHOTS")

    async def keep(self, page: Any, name: str) -> None:
        """NAME.png of what the page shows now."""
        if self.folder:
            Path(self.folder).mkdir(parents=True, exist_ok=True)
            await page.screenshot(path=f"{self.folder}/{name}.png", animations="disabled", caret="hide")
