"""The book's own files: written whole or not at all, and named when damaged."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from cnnbook import _book


def test_a_text_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "log"
    _book.write_whole(path, "old")
    monkeypatch.setattr(Path, "replace", Mock(side_effect=OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        _book.write_whole(path, "new")
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_a_damaged_file_of_the_book_is_named_with_its_remedy():
    error = _book.damaged(_book.ROOT / "data" / "papers.csv", "line 3 lacks a field")
    assert str(error) == (
        "cannot read data/papers.csv: line 3 lacks a field. Restore it, for example "
        "by: git checkout data/papers.csv"
    )


def test_what_was_begun_is_removed_whatever_it_is(tmp_path):
    file, folder = tmp_path / "a.partial", tmp_path / "b.partial"
    file.write_text("half")
    (folder / "inner").mkdir(parents=True)
    for place in (file, folder, tmp_path / "absent"):
        _book.remove_partial(place)
    assert list(tmp_path.iterdir()) == []
