"""Bars of progress: seen while something runs, and gone afterwards."""

from unittest.mock import Mock

import IPython.display
import pytest

from cnnbook import _progress


class Display:
    """What a notebook shows of one output, each time that it is written anew."""

    def __init__(self):
        self.shown = []

    def __call__(self, data, *, raw, display_id):
        assert raw
        assert display_id
        self.shown.append(data)
        return Mock(update=lambda data, raw: self.shown.append(data))


@pytest.fixture
def notebook(monkeypatch):
    monkeypatch.setattr(_progress, "_in_notebook", lambda: True)
    display = Display()
    monkeypatch.setattr(IPython.display, "display", display)
    return display


def test_in_a_notebook_a_bar_leaves_an_empty_line_and_no_error(notebook, capsys):
    assert list(_progress.progress("abc", "letters", mininterval=0)) == list("abc")
    lines = [data["text/plain"] for data in notebook.shown]
    assert lines[0].startswith("letters:")
    assert any("2/3" in line for line in lines)
    assert lines[-1] == ""
    assert capsys.readouterr() == ("", "")


def test_a_bar_that_is_cut_short_is_gone_too(notebook):
    def interrupted():
        with _progress.progress(total=3) as bar:
            bar.update()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert notebook.shown[-1] == {"text/plain": ""}


def test_a_bar_that_is_switched_off_shows_nothing(notebook):
    assert list(_progress.progress("abc", shown=False)) == list("abc")
    assert notebook.shown == []


def test_outside_a_notebook_the_bar_is_tqdms_own(capsys):
    assert not _progress._in_notebook()
    assert list(_progress.progress("abc", "letters")) == list("abc")
    output, errors = capsys.readouterr()
    assert output == ""
    assert "letters" in errors
    assert errors.split("\r")[-1] == ""


def test_a_kernel_is_known_by_its_shell(monkeypatch):
    for shell, expected in ((Mock(kernel=1), True), (Mock(spec=[]), False)):
        monkeypatch.setattr(IPython, "get_ipython", lambda shell=shell: shell)
        assert _progress._in_notebook() is expected
