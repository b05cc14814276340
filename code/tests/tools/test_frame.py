"""What a chapter's cells must say for the page to show it as it should."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.notebooks import folding, frame


def code(source="x = 1", *tags, outputs=()):
    return new_code_cell(source, metadata={"tags": [*tags]}, outputs=[*outputs])


def faults(*cells):
    """List what these cells lack, in a notebook that lacks nothing else."""
    opening = new_markdown_cell("See.", metadata={"tags": ["opening"]})
    return frame.faults(
        new_notebook(cells=[opening, *(code() for _ in range(8)), *cells])
    )


def test_a_chapter_that_lacks_nothing():
    check = code("# @title One is one\nassert 1 == 1", "check")
    stub = code("def f(): ...  # your code here", "exercise")
    assert faults(check, stub, code("# @title Counts the layers\nx = 1")) == []


def test_a_chapter_has_few_key_cells_and_an_opening():
    (many,) = faults(*(code() for _ in range(5)))
    assert many.startswith("13 key cells, not 8 to 12")
    few, no_opening = frame.faults(new_notebook(cells=[code()]))
    assert few.startswith("1 key cells")
    assert "opening" in no_opening
    assert faults(code('DATA = "digits"', "parameters")) == []


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        (code("# @title Counts.\n1"), "full stop"),
        (code(f"# @title {'a' * 61}\n1"), "61 characters"),
        (code("assert 1 == 1", "check"), "without a title"),
        (code("# @title One is one\nprint(1)", "check"), "asserts nothing"),
        (code("# @title One\nprint('check')", "check"), "asserts nothing"),
        (code("def f(): ...  # your code here"), "not tagged"),
        (code("def f(): ...", "exercise"), "no line says"),
        (code("# @title F\ndef f(): ...  # your code here", "exercise"), "folded"),
    ],
)
def test_a_cell_that_says_less_than_the_page_needs(cell, fault):
    (found,) = faults(cell)
    assert fault in found


def test_a_check_that_fails_is_no_badge():
    error = new_output("error", ename="AssertionError", evalue="", traceback=[])
    cell = code("# @title One is two\nassert 1 == 2", "check", outputs=[error])
    (found,) = faults(cell)
    assert "a check that fails" in found


@pytest.mark.parametrize(
    "line",
    ["assert x", "    assert x", "check(f, 1)", "expect(x)", "expect_on_digits(x)"],
)
def test_a_check_asserts_in_one_of_these_ways(line):
    assert faults(code(f"# @title It holds\nif x:\n{line}", "check")) == []


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        (code("x = 1"), "key"),
        (code("# @title Counts\nx = 1"), "folded"),
        (code("# @title Solution\nx = 1"), "solution"),
        (code("# @title It holds\nassert x", "check"), "check"),
        (code("def f(): ...", "exercise"), "exercise"),
        (code("# @title Find the book\n1", "bootstrap"), "setup"),
        (code("DATA = 1", "parameters"), "setup"),
    ],
)
def test_kinds(cell, kind):
    assert folding.kind(cell) == kind


def test_the_line_over_the_code_is_not_part_of_it():
    source = "# @title Counts the layers\nx = 1\ny = 2"
    assert folding.title(source) == "Counts the layers"
    assert folding.code(source) == "x = 1\ny = 2"
    assert folding.title("x = 1\n# @title no") == ""
    assert folding.code("x = 1") == "x = 1"


def test_what_is_for_the_curious_says_so_in_its_heading():
    tags = {"tags": [folding.CURIOUS]}
    good = new_markdown_cell("### For the curious: why\n\nSo.", metadata=tags)
    assert faults(good) == []
    (found,) = faults(new_markdown_cell("### Why\n\nSo.", metadata=tags))
    assert "For the curious" in found
