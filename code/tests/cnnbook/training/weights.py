"""Weights that a run leaves behind, and how far two sets of them differ."""

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor


def trained_weights(folder: Path) -> dict[str, Tensor]:
    """Return the weights at the end of the run in a folder."""
    return load_file(folder / "model.safetensors")


def largest_difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """Return by how much two weights of the same place differ at most."""
    assert one.keys() == other.keys()
    return max((one[key] - other[key]).abs().max().item() for key in one)
