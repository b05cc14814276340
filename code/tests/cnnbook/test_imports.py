"""Imports run downward: a module needs nothing that is built on it."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import cnnbook

PACKAGE = Path(cnnbook.__file__).parent
# What stands in a line imports only from the lines below it.
LAYERS = """
    __main__ explorables
    exercises plots
    gradients pretrained training
    cam chains cost data models papers receptive_field records
    memory packages widgets
    _book _forms _lookup _observe _picture _products _progress _settings claims timing
""".strip().splitlines()
FLOORS = {name: -line for line, row in enumerate(LAYERS) for name in row.split()}


def _name(path: Path) -> str:
    """Return the name of a module inside the package, such as ``data.small``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


FILES = {_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
del FILES[""]  # the package itself imports nothing


def _statements(tree: ast.AST) -> Iterator[ast.ImportFrom]:
    """Yield the imports that run, also inside functions; not those for types alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom):
            yield node
        yield from _statements(node)


def _imported(name: str) -> set[str]:
    """Return the modules of the package that a module imports."""
    path, found = FILES[name], set()
    folder = path.parent.relative_to(PACKAGE).parts
    for statement in _statements(ast.parse(path.read_text(encoding="utf-8"))):
        assert not (statement.module or "").startswith("cnnbook"), "write `from .`"
        if statement.level:
            above = folder[: len(folder) - statement.level + 1]
            base = ".".join([*above, *filter(None, [statement.module])])
            for alias in statement.names:  # a module, or a name in one
                inner = f"{base}.{alias.name}".lstrip(".")
                found.add(inner if inner in FILES else base)
    return found - {name, ""}


GRAPH = {name: _imported(name) for name in FILES}


def test_every_module_has_its_floor():
    assert FLOORS.keys() == {name.partition(".")[0] for name in FILES}


@pytest.mark.parametrize("name", GRAPH)
def test_imports_run_downward(name):
    own = name.partition(".")[0]
    others = {other.partition(".")[0] for other in GRAPH[name]} - {own}
    assert [other for other in others if FLOORS[other] >= FLOORS[own]] == []


def test_imports_make_no_circle():
    TopologicalSorter(GRAPH).prepare()
    with pytest.raises(CycleError):
        TopologicalSorter(GRAPH | {"_lookup": {"training.task"}}).prepare()


def test_the_graph_is_that_of_the_code():
    within = {"data", "data.download"}
    assert GRAPH["pretrained"] == {"_book", "_lookup", "models"} | within
    within = {"training.loop", "training.recipe"}
    assert GRAPH["training.budget"] == {"cost", "memory"} | within
    assert GRAPH["__main__"] >= {"cost", "models", "training.task"}
