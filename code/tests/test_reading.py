"""What readers touch: recorded runs, exercises, sliders, figures."""

import json
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from ipywidgets import HTML
from ipywidgets.embed import dependency_state

from cnnbook import papers, runs, widgets
from cnnbook.exercises import check


def test_a_run_is_saved_with_its_origin(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "FOLDER", tmp_path)
    runs.save("one", {**runs.origin("python x.py", [0, 1]), "results": [1, 2]})
    run = runs.load("one")
    assert run["results"] == [1, 2]
    assert run["seeds"] == [0, 1]
    assert len(run["commit"].split()[0]) == 40
    assert run["versions"]["torch"]
    with pytest.raises(FileNotFoundError, match="there are: one"):
        runs.load("two")


def test_a_failed_save_leaves_the_old_run(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "FOLDER", tmp_path)
    runs.save("one", {"results": "first"})
    with pytest.raises(TypeError):
        runs.save("one", {"results": object()})
    assert json.loads((tmp_path / "one.json").read_text())["results"] == "first"


def test_a_damaged_run_says_how_to_restore_it(tmp_path, monkeypatch):
    monkeypatch.setattr(papers, "ROOT", tmp_path)
    monkeypatch.setattr(runs, "FOLDER", tmp_path)
    (tmp_path / "one.json").write_text('{"results": [')
    with pytest.raises(ValueError, match=r"git checkout one\.json"):
        runs.load("one")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda k: None, "not attempted yet"),
        (lambda k: ..., "not attempted yet"),
        (lambda k: k // 2, "correct in 2 of 2 cases"),
        (lambda k: k, r"(3) gave 3, expected 1"),
    ],
)
def test_check_says_how_an_answer_did(answer, says, capsys):
    check(answer, [((3,), 1), ((7,), 3)])
    assert says in capsys.readouterr().out


def test_check_compares_tensors_and_floats_with_tolerance(capsys):
    check(lambda: torch.ones(2) + 1e-6, [((), torch.ones(2))])
    check(lambda: torch.tensor(0.98772), [((), 0.9877)])
    check(lambda: 0.99, [((), 0.9877)], tolerance=0.01)
    check(lambda: torch.zeros(2), [((), torch.ones(2))])
    lines = capsys.readouterr().out.splitlines()
    assert all("correct in 1 of 1" in line for line in lines[:3])
    assert "gave" in lines[3]
    assert "differ by up to 1" in lines[4]


def _raises(k):
    return 1 // 0


def _raises_below(k):
    return torch.ones(k).reshape(99)


def _stub(k):
    raise NotImplementedError


@pytest.mark.parametrize(
    ("answer", "expected", "says"),
    [
        (_raises, 1, r"_raises\(3\) raised ZeroDivisionError.*\nin line \d+: return 1"),
        (
            _raises_below,
            1,
            r"RuntimeError: shape.*\nin line \d+: return torch\.ones\(k",
        ),
        (lambda: 1, 1, r"raised TypeError: .* takes 0 positional arguments"),
        (_stub, 1, "not attempted yet"),
        (lambda k: "one", 1, "gave 'one', expected 1"),
        (lambda k: torch.ones(2), 1, r"gave tensor\(\[1., 1.\]\), expected 1"),
        (lambda k: np.ones(2), 1, r"gave array\(\[1., 1.\]\), expected 1"),
        (lambda k: pd.DataFrame([1, 2]), 1, "expected 1"),
        (lambda k: torch.ones(3), torch.ones(2), r"gave tensor.* expected tensor"),
        (lambda k: torch.tensor([True]), torch.tensor([False]), "differ by up to 1"),
        (lambda k: (torch.ones(2), 1), (torch.ones(2), 1), "correct in 1 of 1"),
        (lambda k: (torch.ones(2), 1), (torch.zeros(2), 1), "expected"),
        (lambda k: [1, 2], (1, 2), r"gave \[1, 2\], expected \(1, 2\)"),
        (lambda k: [0.1 + 0.2], [0.3], "correct in 1 of 1"),
        (lambda k: torch.Size([1, 2]), (1, 2), "correct in 1 of 1"),
    ],
)
def test_check_stands_any_answer(answer, expected, says, capsys):
    check(answer, [((3,), expected)])
    assert re.search(says, capsys.readouterr().out)


def _pictures(count):
    made = []
    for index in range(count):
        plt.figure(figsize=(1, 1))
        made.append(widgets.picture(f"picture <{index}>"))
    return made


def test_a_slider_is_linked_to_its_pictures_in_the_browser():
    box = widgets.frames(_pictures(3), "abc", name="letter")
    slider, stack = box.children
    assert stack.selected_index == 0
    assert len(stack.children) == 3
    assert _links(box, slider) == [_index_of(stack)]
    assert 'alt="picture &lt;0&gt;"' in stack.children[0].value
    assert not plt.get_fignums()  # each figure is closed


def test_two_sliders_choose_row_and_column():
    rows = [_pictures(2), _pictures(2), _pictures(2)]
    box = widgets.frames(rows, "abc", name="x", inner_labels="de", inner_name="y")
    outer, inner, stack = box.children
    assert _links(box, outer) == [_index_of(stack)]
    assert _links(box, inner) == [_index_of(row) for row in stack.children]


def _links(box, slider):
    """Return what the browser sets when `slider` moves."""
    state = dependency_state([box]).values()
    links = [s["state"] for s in state if s["model_name"] == "LinkModel"]
    source = [f"IPY_MODEL_{slider.model_id}", "index"]
    return [link["target"] for link in links if link["source"] == source]


def _index_of(stack):
    return [f"IPY_MODEL_{stack.model_id}", "selected_index"]


def test_frames_need_a_picture_for_each_label():
    with pytest.raises(ValueError, match="one picture for each of 3 labels, got 2"):
        widgets.frames(_pictures(2), "abc", name="letter")
    with pytest.raises(ValueError, match="nothing to show"):
        widgets.frames([], [], name="letter")
    inner = {"inner_labels": "de", "inner_name": "y"}
    for row, count in (([HTML()], 1), (HTML(), 1), ([HTML()] * 3, 3)):
        with pytest.raises(ValueError, match=f"2 pictures in the row of 'a'.*{count}"):
            widgets.frames([row], "a", name="x", **inner)
