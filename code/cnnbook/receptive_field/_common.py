"""What both engines know: windows, sizes that make sense, operations by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from numbers import Integral
from typing import NamedTuple

from torch import Tensor, nn

# Functions that Python's operators and their in-place forms stand for.
_BY_SYMBOL = "add and div floordiv mod mul or pow sub xor".split()

PerAxis = int | tuple[int, ...]  # an option of a layer: for both axes, or for each


class Window(NamedTuple):
    """The pixels that a unit sees along one axis of the image, both ends included."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many pixels there are from the first to the last."""
        return self.last - self.first + 1


def check_request(input_size: Sequence[int], axis: int = 0) -> None:
    """Refuse what is no size of an image, or no axis of it."""
    if (
        not isinstance(input_size, Sequence)
        or len(input_size) != 3
        or not all(isinstance(side, Integral) and side > 0 for side in input_size)
    ):
        raise ValueError(
            "input_size must be (channels, height, width) of one image, such as "
            f"(3, 224, 224), got {input_size!r}"
        )
    if axis not in (0, 1):
        raise ValueError(f"axis must be 0, the height, or 1, the width, got {axis!r}")


def named_tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def operation_name(function: Callable) -> str:
    """Return one name for "add", "add_", "__add__", "__radd__" and "__iadd__".

    That of an attribute, such as `data`, is its own.
    """
    if function.__name__ == "__get__":
        return function.__self__.__name__  # type: ignore[attr-defined]
    name = function.__name__.strip("_").replace("truediv", "div")
    return name[1:] if name[1:] in _BY_SYMBOL and name[0] in "ir" else name


def tensors_in(values: Iterable) -> Iterator[Tensor]:
    """Yield the tensors in nested lists and tuples."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple) or type(value).__name__ == "dict_values":
            yield from tensors_in(value)


def by_position(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Return arguments with the input in the first place, and an axis called `dim`."""
    renamed = {"dim" if name == "axis" else name: v for name, v in kwargs.items()}
    for name in ("input", "tensors"):
        if name in renamed:
            args = (renamed.pop(name), *args)
    return args, renamed


def one_tensor(layer: str, output: object) -> Tensor:
    """Return what a layer puts out, if it is a tensor.

    Raises:
        ValueError: If not.
    """
    if not isinstance(output, Tensor):
        raise ValueError(
            f"layer {layer!r} does not put out one tensor, but a "
            f"{type(output).__name__}: name a layer inside it"
        )
    return output


def middle(layer: nn.Module, output: Tensor) -> Tensor:
    """Return the middle unit of maps, in all channels; all of a vector."""
    if output.ndim != 4:
        return output
    if type(layer) in (nn.Linear, nn.LayerNorm):  # which act on the last axis
        output = output.movedim(-1, 1)
    return output[:, :, output.shape[2] // 2, output.shape[3] // 2]
