"""Settings for all tests, and a browser for those that need one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import hypothesis
import pytest
from playwright.sync_api import Browser, Page

from tools.browser import chromium
from tools.browser.server import serve

# Before torch is imported. Workers run side by side; more threads than cores make all
# of them slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes depends on who else uses the machine.
hypothesis.settings.register_profile("book", deadline=None)
hypothesis.settings.load_profile("book")


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    """Close what a test drew, if it drew at all."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Run what takes minutes only where it is asked for: `-m long`."""
    if "long" not in config.option.markexpr:
        items[:] = [item for item in items if not item.get_closest_marker("long")]


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


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open a tab that fails the test if it complains or asks for anything elsewhere."""
    context = browser.new_context(viewport={"width": 760, "height": 900})
    tab, problems = context.new_page(), []
    tab.on("pageerror", lambda error: problems.append(f"error: {error}"))
    tab.on("console", lambda said: said.type == "error" and problems.append(said.text))
    tab.on(
        "request",
        lambda request: (
            request.url.startswith(("http:", "https:"))
            and "127.0.0.1" not in request.url
            and problems.append(f"request to {request.url}")
        ),
    )
    yield tab
    context.close()
    assert not problems
