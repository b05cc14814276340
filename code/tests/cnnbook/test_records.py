"""Recorded results: saved whole, loaded by name."""

import json

import pytest

from cnnbook import records, training


def test_a_record_is_loaded_as_it_was_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "FOLDER", tmp_path / "new")
    record = {**training.origin("python x.py", [0, 1]), "results": [1, 2]}
    records.save("one", record)
    assert records.load("one") == record
    with pytest.raises(FileNotFoundError, match="'two'; there are: one"):
        records.load("two")


def test_every_record_of_the_book_says_where_it_comes_from():
    names = [path.stem for path in records.FOLDER.glob("*.json")]
    assert names
    for name in names:
        record = records.load(name)
        assert record.keys() >= {"command", "commit", "versions", "seeds"}, name


def test_a_failed_save_leaves_the_old_run(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    records.save("one", {"results": "first"})
    with pytest.raises(TypeError):
        records.save("one", {"results": object()})
    assert json.loads((tmp_path / "one.json").read_text())["results"] == "first"


def test_a_damaged_run_says_how_to_restore_it(tmp_path, monkeypatch):
    monkeypatch.setattr("cnnbook._book.ROOT", tmp_path)
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    (tmp_path / "one.json").write_text('{"results": [')
    with pytest.raises(ValueError, match=r"git checkout one\.json"):
        records.load("one")
