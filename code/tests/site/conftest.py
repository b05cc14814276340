"""One Chromium and one server for all tests of a file."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tools.browser import chromium
from tools.browser.server import serve


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start one Chromium for all pages, or say plainly that there is none."""
    try:
        with chromium.launch() as started:
            yield started
    except chromium.ChromiumError as error:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing(str(error))


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """Serve the book at the path that it has online; return that address."""
    with serve() as address:
        yield address
