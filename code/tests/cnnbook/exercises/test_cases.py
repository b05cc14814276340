"""Exercises and their cases: each has the other, is right, and shows nothing early."""

import ast
import re
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nbformat
import pandas as pd
import pytest
import torch
from torch import nn

from cnnbook import exercises
from cnnbook._book import ROOT
from cnnbook.exercises import check, fc, gap

FOLDER = Path(exercises.__file__).parent
IMPORT = re.compile(r"^from cnnbook\.exercises import (\w+) as cases$", re.M)
HEADING = re.compile(r"^#+ (.*)$", re.M)
MOST_LINES = 4  # of a stub's cell, beside the function to fill

# What chapters have trained or measured when they come to their exercises, in small.
STAND_INS = {
    "slider": nn.Conv2d(1, 1, 32, 4, device="meta"),
    "sliding_vgg": nn.Conv2d(3, 1, 224, 32, device="meta"),
    "lecture": pd.DataFrame(
        {
            "parameters": [1.0, 4.0, 3.0, 2.0],
            "macs": [1.0, 2.0, 3.0, 4.0],
            "activations": [4.0, 3.0, 1.0, 2.0],
            "accuracy": [50.0, 60.0, 55.0, 70.0],
        },
        index=["one", "two", "three", "four"],
    ),
}


class Exercise(NamedTuple):
    """An exercise's two cells, and the file that its chapter imports as `cases`."""

    file: str
    stub: nbformat.NotebookNode
    solution: nbformat.NotebookNode

    @property
    def name(self):
        """The name of the function to fill."""
        return _functions(_statements(self.stub))[0].name


def _statements(cell):
    return ast.parse(cell.source).body


def _functions(statements):
    return [node for node in statements if isinstance(node, ast.FunctionDef)]


@cache
def _chapters():
    """Return the cells of every chapter, by the file that it imports as `cases`."""
    chapters = {}
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        files = IMPORT.findall(code)
        assert len(files) == 1, (
            f"{path.name} has no cases: write code/cnnbook/exercises/<chapter>.py, and "
            "begin with `from cnnbook.exercises import <chapter> as cases`"
        )
        chapters[files[0]] = cells
    return chapters


def _exercises(file):
    """Return a chapter's exercises: the code cells below each heading "Exercise n"."""
    parts, inside = [], False
    for cell in _chapters()[file]:
        if cell.cell_type == "markdown":
            if headings := HEADING.findall(cell.source):
                inside = headings[-1].startswith("Exercise ")
                parts += [[]] if inside else []
        elif inside:
            parts[-1].append(cell)
    return [Exercise(file, *cells) for cells in parts]


each_chapter = pytest.mark.parametrize("file", _chapters())
each_exercise = pytest.mark.parametrize(
    "exercise",
    [exercise for file in _chapters() for exercise in _exercises(file)],
    ids=lambda exercise: f"{exercise.file}-{exercise.name}",
)


def test_each_file_of_cases_belongs_to_a_chapter():
    assert {path.stem for path in FOLDER.glob("[!_]*.py")} == set(_chapters())


@each_chapter
def test_each_exercise_has_a_function_of_its_name_in_the_chapters_order(file):
    source = (FOLDER / f"{file}.py").read_text(encoding="utf-8")
    names = [function.name for function in _functions(ast.parse(source).body)]
    asked = [exercise.name for exercise in _exercises(file)]
    assert asked
    assert [name for name in names if not name.startswith("_")] == asked


@each_exercise
def test_a_stub_holds_no_case_and_no_oracle(exercise):
    statements = _statements(exercise.stub)
    [stub] = _functions(statements)
    assert ast.unparse(stub.body) == "..."
    others = [node for node in statements if node is not stub]
    assert sum(node.end_lineno - node.lineno + 1 for node in others) <= MOST_LINES
    hidden = [node for node in others if not _is_shown(node)]
    assert [number for node in hidden for number in _numbers(node)] == []
    called = re.findall(r"\bcases\.\w+\(|\bcheck\(\w+", exercise.stub.source)
    assert sorted(called) == [f"cases.{exercise.name}(", f"check({exercise.name}"]


def _is_shown(statement):
    """Is a statement what the exercise gives to the reader, in capitals, or prints?"""
    return bool(re.match(r"[A-Z_]+ \+?= |print\(", ast.unparse(statement)))


def _numbers(statement):
    """Return a statement's numbers, but for how exact an answer must be."""
    nodes = list(ast.walk(statement))
    tolerances = [
        node.value
        for node in nodes
        if isinstance(node, ast.keyword) and node.arg == "tolerance"
    ]
    return [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and node not in tolerances
    ]


@each_exercise
def test_a_solution_is_right_in_all_cases(exercise, capsys):
    names, cases, options = _checked(exercise)
    solutions = _functions(_statements(exercise.solution))
    exec(ast.unparse(solutions), names)
    name = f"{exercise.name}_solution"
    capsys.readouterr()
    check(names[name], cases, **options)
    said = f"{name}: correct in {len(cases)} of {len(cases)} cases\n"
    assert capsys.readouterr().out == said
    assert said in "".join(output.text for output in exercise.solution.outputs)


@each_exercise
def test_cases_are_the_same_each_time_and_leave_the_readers_generator(exercise):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    _, first, _ = _checked(exercise)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    _, second, _ = _checked(exercise)
    assert exercises._equal(second, first, tolerance=0)


def _checked(exercise):
    """Run a stub's cell: return its names, and the cases and options of its check."""
    names, checks = _namespace(exercise.file), []
    names["check"] = lambda answer, cases, **options: checks.append((cases, options))
    exec(exercise.stub.source, names)
    [(cases, options)] = checks
    return names, cases, options


def _namespace(file):
    """Return what a chapter imports and the functions that it defines."""
    names = dict(STAND_INS)
    for cell in _chapters()[file]:
        for node in _statements(cell) if cell.cell_type == "code" else []:
            if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef):
                with suppress(NameError):  # a default that the chapter computes
                    exec(ast.unparse(node), names)
    return names


@pytest.mark.parametrize("cases", [fc.as_dense, gap.untied], ids=["fc", "gap"])
def test_the_dense_layer_computes_what_the_averaging_head_does(cases):
    [((weight, side), dense)] = cases()
    maps = torch.randn(5, weight.shape[1], side, side)
    scores = maps.mean(dim=(2, 3)) @ weight.T
    torch.testing.assert_close(maps.flatten(1) @ dense.T, scores, atol=1e-5, rtol=1e-5)
