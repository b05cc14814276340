"""What stays together at the end of a line, and what is left as it is."""

from __future__ import annotations

import pytest

from tests.site.built import CHAPTERS, read
from tools.site.typography import parts


@pytest.mark.parametrize(
    ("html", "meant"),
    [
        ("<p>8 % of 60 M\nweights</p>", "<p>8\u00a0% of 60\u00a0M\nweights</p>"),
        ("3 Ms, 5 others", "3 Ms, 5 others"),
        ('<a title="8 %">80 ms</a>', '<a title="8 %">80\u00a0ms</a>'),
        (
            "<code>8 % 3</code><pre>LeNet-5</pre>",
            "<code>8 % 3</code><pre>LeNet-5</pre>",
        ),
        ("<b>LeNet-5</b>.", '<b><span class="whole">LeNet-5</span></b>.'),
        ("a 3-by-3, x-ray, 2012-09", "a 3-by-3, x-ray, 2012-09"),
        (
            "top-5 of VGG-16",
            '<span class="whole">top-5</span> of <span class="whole">VGG-16</span>',
        ),
    ],
)
def test_a_page_keeps_together_what_is_one(html: str, meant: str) -> None:
    assert "".join(parts(html)) == meant


@pytest.mark.browser
@pytest.mark.parametrize("name", CHAPTERS)
def test_titles_and_menus_are_plain(name: str) -> None:
    page = read(name)
    assert page.select("article .whole")
    assert (
        "\u00a0"
        not in page.title.text + page.find("meta", {"name": "description"})["content"]
    )
    assert not page.select("code .whole, pre .whole, .katex .whole")
