"""For all tests of figures: the book's style, and no figure left open."""

import matplotlib.pyplot as plt
import pytest

from cnnbook import plots


@pytest.fixture(autouse=True)
def book_style():
    """Draw in the book's style, and close what was drawn."""
    plots.use_style()
    yield
    plt.close("all")
