"""What holds for all figures: where they stand, and that they refuse empty data."""

import inspect
import re
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest
import torch

from cnnbook import plots

CHAPTERS = Path(__file__).parents[3] / "chapters"
FILES = ["lenet", "ilsvrc", "vgg", "fc", "resnet", "gap", "complexity"]  # by chapter
# Draw on Axes that are there, or take numbers that cannot be empty, or nothing.
NO_DATA = {
    "charts.draw_bars",
    "charts.draw_seeds",
    "gap.two_heads",
    "ilsvrc.activation_functions",
    "ilsvrc.two_ways",
}


def _drawings():
    """Return all public functions that draw, by file and name."""
    return {
        f"{file}.{name}": function
        for file in ["charts", *FILES]
        for name, function in inspect.getmembers(
            getattr(plots, file), inspect.isfunction
        )
        if function.__module__ == f"cnnbook.plots.{file}" and not name.startswith("_")
    }


def _calls(chapter):
    """Return the figures that a chapter draws, such as vgg.pyramids, but no classes."""
    [path] = CHAPTERS.glob(f"{chapter:02}-*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return set(re.findall(r"\bplots\.(\w+\.[a-z]\w*)\(", code))


@pytest.mark.parametrize("name", sorted(_drawings().keys() - NO_DATA))
def test_every_drawing_refuses_empty_data(name):
    for empty in ([], {}, {"a": []}, pd.DataFrame(columns=["a"]), torch.ones(2, 0)):
        with pytest.raises(
            ValueError, match=f"^plots.{name}: there is nothing to draw"
        ):
            _drawings()[name](empty)
    assert not plt.get_fignums()


@pytest.mark.parametrize(("chapter", "file"), [*enumerate(FILES, start=1)])
def test_a_chapters_figures_stand_in_its_file(chapter, file):
    own = {name for name in _drawings() if name.startswith(f"{file}.")}
    drawn = _calls(chapter)
    assert {name for name in drawn if not name.startswith("charts.")} == own
    assert drawn <= _drawings().keys()


def test_what_chapters_share_is_used():
    shared = {name for name in _drawings() if name.startswith("charts.")}
    assert shared - NO_DATA <= set.union(*map(_calls, range(1, 8)))
