"""What all explorables share, wherever a notebook's output is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from playwright.sync_api import Page

from cnnbook import explorables
from cnnbook.explorables._element import packed, unpacked
from tests.explorables.stage import STARTED, open_alone, open_in_sandbox, write

pytestmark = pytest.mark.browser

DARK = "() => document.querySelector('cnn-squash').hasAttribute('dark')"
SENTENCE = "() => document.querySelector('cnn-squash').sentence.textContent"


def test_the_same_output_twice_in_a_page(page: Page, tmp_path: Path) -> None:
    """JupyterLab runs an output's scripts again, and a reader runs a cell again."""
    page.goto(write(tmp_path, *[explorables.show("squash")] * 2))
    page.wait_for_function(
        "() => document.querySelectorAll('cnn-squash[started]').length === 2"
    )


def test_it_moves_in_a_frame_that_may_do_nothing_but_run_scripts(page: Page) -> None:
    squash = open_in_sandbox(page, explorables.show("squash"))
    squash.get_by_role("slider").fill("0")
    squash.get_by_text("f(0.00) = 0.00").wait_for()


@pytest.mark.parametrize(
    ("head", "dark"),
    [
        ("<script>document.documentElement.dataset.theme = 'dark'</script>", True),
        (
            "<script>document.documentElement.setAttribute('theme', 'dark')</script>",
            True,
        ),
        ("<body data-jp-theme-light='false'>", True),
        ("<body data-jp-theme-light='true'>", False),
        ("<body class='vscode-dark'>", True),
        ("<body class='vscode-light'>", False),
        ("", False),
    ],
    ids="book Colab Lab Lab-light VSCode VSCode-light system".split(),
)
def test_it_takes_the_colours_of_the_page(
    page: Page, tmp_path: Path, head: str, dark: bool
) -> None:
    page.goto(write(tmp_path, explorables.show("squash"), head=head))
    page.wait_for_function(STARTED, arg="squash")
    assert page.evaluate(DARK) is dark


def test_it_follows_when_the_colours_change(page: Page, tmp_path: Path) -> None:
    open_alone(page, tmp_path, "squash")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(DARK)
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    page.wait_for_function(f"() => !({DARK})()")


def test_the_address_holds_the_state_in_the_book(page: Page, tmp_path: Path) -> None:
    """A link shows what one saw; a teacher's link may hide the controls."""
    head = "<script>document.documentElement.dataset.content_root = './'</script>"
    address = write(tmp_path, explorables.show("squash"), head=head)
    page.goto(f"{address}#squash=2&hide=controls")
    page.wait_for_function(STARTED, arg="squash")
    assert page.evaluate(SENTENCE).startswith("f(2.00) = 1.49")
    assert not page.locator(".controls").is_visible()
    page.evaluate("location.hash = 'squash=-1'")
    page.locator(".controls").get_by_role("slider").fill("3")
    page.wait_for_function("() => location.hash.includes('squash=3')")


def test_without_scripts_and_on_paper_the_picture_stands_there(
    page: Page, tmp_path: Path
) -> None:
    squash = open_alone(page, tmp_path, "squash")
    picture = squash.locator("img")
    assert not picture.is_visible()
    page.emulate_media(media="print")
    assert picture.is_visible()
    assert not squash.get_by_role("slider").is_visible()
    still = page.context.browser.new_page(java_script_enabled=False)
    still.goto(page.url)
    assert still.locator("cnn-squash img").is_visible()
    still.close()


def test_one_that_cannot_start_says_why_under_its_picture(
    browser, tmp_path: Path
) -> None:
    page = browser.new_page()
    address = write(tmp_path, explorables.show("squash"))
    file = tmp_path / "page.html"
    broken = file.read_text("utf-8").replace(
        "start() {", 'start() { throw Error("no luck");'
    )
    file.write_text(broken, "utf-8")
    page.goto(address)
    squash = page.locator("cnn-squash")
    squash.get_by_text("This picture does not move here: no luck").wait_for()
    assert squash.locator("img").is_visible()
    page.close()


@pytest.mark.parametrize("fine", [False, True])
def test_what_python_packs_is_unpacked(page: Page, tmp_path: Path, fine: bool) -> None:
    open_alone(page, tmp_path, "squash")
    numbers = torch.cat([torch.randn(500), torch.tensor([0.0, 5.0, -5.0])])
    read = page.evaluate("box => [...cnnbook.unpack(box)]", packed(numbers, fine))
    assert read == pytest.approx(unpacked(numbers, fine).tolist(), rel=1e-5, abs=1e-6)
