"""Checking a reader's answer, whatever it is."""

import re

import numpy as np
import pandas as pd
import pytest
import torch

from cnnbook.exercises import check, fc, lenet, vgg


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
        (lambda k: [1, 2], (1, 2), "correct in 1 of 1"),
        (lambda k: (1, 2), [1, 2], "correct in 1 of 1"),
        (lambda k: torch.tensor([1, 2]), (1, 2), "correct in 1 of 1"),
        (lambda k: np.array([1, 2]), (1, 2), "correct in 1 of 1"),
        (lambda k: [1, 3], (1, 2), r"gave \[1, 3\], expected \(1, 2\)"),
        (lambda k: [1, 2, 3], (1, 2), r"gave \[1, 2, 3\], expected \(1, 2\)"),
        (lambda k: torch.tensor(1), (1, 2), r"gave tensor\(1\), expected \(1, 2\)"),
        (lambda k: [0.1 + 0.2], [0.3], "correct in 1 of 1"),
        (lambda k: torch.Size([1, 2]), (1, 2), "correct in 1 of 1"),
    ],
)
def test_check_stands_any_answer(answer, expected, says, capsys):
    check(answer, [((3,), expected)])
    assert re.search(says, capsys.readouterr().out)


def test_nothing_is_an_answer_once_another_case_was_attempted(capsys):
    check(lambda k: k if k == 3 else None, [((3,), 3), ((4,), "none")])
    assert "gave None, expected 'none'" in capsys.readouterr().out


def test_a_module_that_fails_when_it_is_tried_is_told_why(capsys):
    [(_, wanted)] = lenet.straightened()
    check(lambda network: torch.nn.Linear(3, 10), [((1,), wanted)])
    assert re.search(r"what .* gave raised RuntimeError: mat1", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("answer", "cases", "says"),
    [
        ([(3, 2, 1, 64)], vgg.far_and_cheap, "yours: field 3, 112×112 maps, 1,728 w"),
        (torch.nn.Linear(4, 10), fc.small_head, "yours: to (4, 64, 4, 10) from 4 im"),
    ],
)
def test_what_an_answer_lacks_is_said(answer, cases, says, capsys):
    check(lambda: answer, cases())
    assert says in capsys.readouterr().out
