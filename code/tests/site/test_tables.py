"""Tables in the pages: which columns hold words, and which cells a value."""

from __future__ import annotations

import pytest

from tests.site.built import PAGES, read
from tools.site.tables import columns_of_words, is_value, set_table


@pytest.mark.parametrize(
    "text",
    ["11", "−44", "132,863,336", "11.31 G", "(2, 2, 2, 2)", "≈ 3 %", "7.5 × 10⁸"],
)
def test_values(text: str) -> None:
    assert is_value(text)


@pytest.mark.parametrize(
    "text", ["", "conv1_1", "3×3 convolution", "10 crops", "Conv2d"]
)
def test_what_is_no_value(text: str) -> None:
    assert not is_value(text)


TABLE = """<table border="1" class="dataframe">
<thead><tr style="text-align: right;"><th></th><th>kind</th><th>size</th></tr></thead>
<tbody><tr><th rowspan="2">a</th><td>Conv2d</td><td>3</td></tr>
<tr><td>–</td><td>none</td></tr><tr><th>b</th><td>MaxPool2d</td><td>6.5 M</td></tr>
</tbody></table>"""


def test_a_column_of_words_is_marked_with_its_head() -> None:
    assert columns_of_words(TABLE) == {1}
    html = set_table(TABLE)
    assert '<th class="words">kind</th><th>size</th>' in html
    assert '<td class="words">Conv2d</td><td class="value">3</td>' in html
    assert '<td class="words">–</td><td>none</td>' in html
    assert '<td class="value">6.5 M</td>' in html
    assert '<th rowspan="2">a</th>' in html


def test_other_tables_keep_their_columns() -> None:
    table = (
        '<table class="table"><tr><td class="right">12 %</td><td>a</td></tr></table>'
    )
    assert set_table(table) == table.replace('class="right"', 'class="value right"')


@pytest.mark.browser
@pytest.mark.parametrize("name", [page for page in PAGES if "chapters/" in page])
def test_no_value_is_left_to_break(name: str) -> None:
    cells = read(name).select("article table td:not(.words)")
    left = [cell for cell in cells if is_value(" ".join(cell.text.split()))]
    assert all("value" in cell.get("class", []) for cell in left)
