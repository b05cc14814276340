"""The formulas that a chapter defines in front of the reader, on random settings."""

import ast

import nbformat
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from tools import ROOT

CHAPTERS = ROOT / "chapters"


def _function(chapter: str, name: str, **names):
    """Return a function out of a chapter's cells, defined with `names` in reach."""
    notebook = nbformat.read(CHAPTERS / f"{chapter}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code" and f"def {name}(" in cell.source:
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.FunctionDef) and node.name == name:
                    exec(ast.unparse(node), names)
                    return names[name]
    raise LookupError(f"no function {name} in {chapter}")


output_size = _function("01-lenet", "output_size")
correlate = _function("01-lenet", "correlate", torch=torch)
correlate_general = _function(
    "01-lenet", "correlate_general_solution", torch=torch, output_size=output_size
)


@settings(max_examples=300)
@given(
    st.integers(1, 64),
    st.integers(1, 11),
    st.integers(1, 6),
    st.integers(0, 6),
    st.integers(1, 5),
)
def test_output_size_is_that_of_conv2d(n, kernel, stride, padding, dilation):
    assume(n + 2 * padding >= dilation * (kernel - 1) + 1)
    layer = nn.Conv2d(1, 1, kernel, stride, padding, dilation, device="meta")
    output = layer(torch.empty(1, 1, n, n, device="meta"))
    assert output.shape[-1] == output_size(n, kernel, stride, padding, dilation)


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(0, 5), st.integers(0, 5), st.integers(0, 99))
def test_correlate_is_conv2d(k, more_rows, more_columns, seed):
    torch.manual_seed(seed)
    image, kernel = torch.randn(k + more_rows, k + more_columns), torch.randn(k, k)
    expected = F.conv2d(image[None, None], kernel[None, None])[0, 0]
    torch.testing.assert_close(correlate(image, kernel), expected, atol=1e-5, rtol=1e-4)


@settings(max_examples=30)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(7, 12))
def test_the_general_correlation_is_conv2d(k, stride, dilation, n):
    image, kernel = torch.randn(n, n), torch.randn(k, k)
    expected = F.conv2d(
        image[None, None], kernel[None, None], stride=stride, dilation=dilation
    )[0, 0]
    got = correlate_general(image, kernel, stride, dilation)
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-4)
