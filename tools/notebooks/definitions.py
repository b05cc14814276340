"""What a chapter defines in front of the reader, for tests and experiments to use."""

import ast
from types import SimpleNamespace

import nbformat

from cnnbook._book import ROOT

DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)


def definitions(chapter: str) -> SimpleNamespace:
    """Return what a chapter imports and defines, without running its experiments."""
    names: dict = {}
    path = ROOT / "chapters" / f"{chapter}.ipynb"
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            parts = [
                node
                for node in ast.parse(cell.source).body
                if isinstance(node, DEFINITIONS)
            ]
            exec(compile(ast.Module(parts, []), cell.id, "exec"), names)
    return SimpleNamespace(**names)
