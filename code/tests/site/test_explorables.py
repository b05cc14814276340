"""What the build makes of an explorable's output."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest

from cnnbook import explorables
from cnnbook.explorables._element import Explorable
from tools.site.explorables import FOLDER, LARGE, lift

LARGE_DATA = {"numbers": list(range(LARGE))}


@pytest.fixture
def page(tmp_path: Path) -> SimpleNamespace:
    """Return a page of text, with two explorables, after the build's change."""
    many = Explorable(
        name="squash",
        figure=plt.figure(),
        alt="Nothing",
        sentence="None.",
        heights=(1, 2),
        data={"few": 1},
        parts={"many": LARGE_DATA},
    )
    body = f"<p>a</p>{explorables.show('squash').html()}<p>b</p>{many.html()}<p>c</p>"
    context = {"body": body, "content_root": "../"}
    config = SimpleNamespace(html_baseurl="https://book.example/")
    app = SimpleNamespace(outdir=str(tmp_path), config=config)
    lift(app, "page", "page.html", context, None)
    files = sorted(path.name for path in (tmp_path / FOLDER).iterdir())
    return SimpleNamespace(body=context["body"], files=files, folder=tmp_path / FOLDER)


def test_scripts_lie_in_files_that_all_share(page: SimpleNamespace) -> None:
    assert [name.split(".")[0] for name in page.files] == (
        ["core", "many", "squash", "still", "still"]
    )
    core, squash = page.files[0], page.files[2]
    folder = "../_static/explorables"
    wanted = f'<cnn-squash data-scripts="{folder}/{core} {folder}/{squash}"'
    assert page.body.count(wanted) == 2
    assert "customElements" not in page.body
    assert (page.folder / core).read_text("utf-8") == explorables.script("core")


def test_what_stands_around_stays(page: SimpleNamespace) -> None:
    assert page.body.startswith('<p>a</p><div class="explorable"')
    assert "</cnn-squash></div><p>b</p><div" in page.body
    assert page.body.endswith("</cnn-squash></div><p>c</p>")


def test_only_large_data_get_a_file(page: SimpleNamespace) -> None:
    assert (
        '<script type="application/json" data-part="">{"few":1}</script>' in page.body
    )
    many = page.files[1]
    assert f'data-part="many" data-file="../_static/explorables/{many}"' in page.body
    text = (page.folder / many).read_text("utf-8")
    assert text.startswith("(globalThis.cnnbookParts??={})[")
    assert text.endswith("]}")


def test_pictures_are_files_and_say_their_size(page: SimpleNamespace) -> None:
    assert "base64" not in page.body
    still = page.files[3]
    assert f'src="../_static/explorables/{still}" width="' in page.body
