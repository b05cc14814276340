"""What a network does with an image: noted, operation by operation, not computed."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch._decomp import decomposition_table
from torch._ops import OpOverload
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import (
    TreeSpec,
    tree_flatten,
    tree_map_only,
    tree_unflatten,
)

from ._common import tensors_in


@dataclass(frozen=True)
class Operation:
    """One of PyTorch's operations, as it was called.

    Attributes:
        name: Without its namespace and overload, such as "convolution".
        function: Itself.
        arguments: By their names in its schema, those with a default included.
        outputs: The tensors that it has made, or the one that it has written into.
    """

    name: str
    function: OpOverload
    arguments: dict[str, object]
    outputs: tuple[Tensor, ...]


def memory_of(tensor: Tensor) -> int:
    """Return what tells the memory of a tensor, which its views share, from others."""
    return tensor.untyped_storage()._cdata


class Tape(TorchDispatchMode):
    """Notes each operation on what depends on the image, while its block lasts.

    Such an operation only allocates what it would have written: its values are unknown
    and never read. What does not depend on the image, such as a mask or a grid of
    positions, is computed as usual. Operations that write in place are noted as one
    that makes a tensor, and a copy of it. So all that a network does comes down to
    `copy_` and to operations that make tensors; views are no operations, because they
    share the memory that the notes speak of.

    Attributes:
        operations: In the order in which they ran.
    """

    def __init__(
        self, image: Tensor, weights: Iterable[Tensor], known: Container[str]
    ) -> None:
        """Begin with memory for an image and for weights, both without values.

        Args:
            image: What the network is given.
            weights: Stand-ins for its weights. Where values of a weight are needed, to
                mask or to normalise it, they are random numbers from 0.5 to 1.5.
            known: Names of operations to note as they are, besides those that act on
                each entry by itself. Others are taken apart, by PyTorch's own table.
        """
        super().__init__()
        self.operations: list[Operation] = []
        self._known = known
        self._kept = [image, *weights]  # so that no memory is used twice
        self._dependent = {memory_of(image)}
        self._blank = {memory_of(weight) for weight in self._kept[1:]}
        self._drawn: set[int] = set()
        self._generator = torch.Generator().manual_seed(0)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Spare the import of torch's compiler (2 s), which never meets this mode."""
        return False

    def __torch_dispatch__(
        self,
        function: OpOverload,
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        kwargs = kwargs or {}
        name = function._schema.name.split("::")[1]
        if name not in self._known and torch.Tag.pointwise not in function.tags:
            with self:  # what is made of others comes here from the table below
                output = function.decompose(*args, **kwargs)
            if output is not NotImplemented:
                return output
        arguments = arguments_by_name(function, args, kwargs)
        if _is_view(function):
            return self._viewed(name, function, arguments, args, kwargs)
        if reads_no_values(name) or not any(map(self.depends, _tensors(arguments))):
            return self._computed(name, function, arguments, args, kwargs)
        if name != "copy_" and (into := _written(function, arguments)):
            return self._in_place(function, arguments, into)
        if name in self._known or torch.Tag.pointwise in function.tags:
            return self._noted(name, function, arguments, args, kwargs)
        if function in decomposition_table:
            with self:
                return decomposition_table[function](*args, **kwargs)
        raise cannot_follow(name)

    def depends(self, tensor: object) -> bool:
        """Say whether a tensor's memory holds anything that depends on the image."""
        return isinstance(tensor, Tensor) and memory_of(tensor) in self._dependent

    def is_never_zero(self, tensor: Tensor) -> bool:
        """Say whether a tensor holds weights as they are, or numbers drawn by chance.

        A weight may become anything, and so may what chance, as in dropout, puts to 0.
        """
        return memory_of(tensor) in self._blank | self._drawn

    def values(self, tensor: Tensor) -> Tensor:
        """Return a tensor that does not depend on the image, with values."""
        if memory_of(tensor) in self._blank:
            self._blank.remove(memory_of(tensor))
            [whole] = (w for w in self._kept if memory_of(w) == memory_of(tensor))
            if not whole.is_floating_point():
                raise ValueError(
                    "whole numbers that the network looks up are on the meta device, "
                    "so they are unknown: build the network on the CPU"
                )
            random = torch.rand(
                whole.shape, generator=self._generator, dtype=torch.float64
            )
            whole.copy_(random + 0.5)
        return tensor

    def _viewed(
        self,
        name: str,
        function: OpOverload,
        arguments: dict,
        args: tuple,
        kwargs: dict,
    ) -> object:
        """Return views, which lie in memory that is known already."""
        output = function(*args, **kwargs)
        depends = any(map(self.depends, _tensors(arguments)))
        if depends and not all(map(self.depends, tensors_in((output,)))):
            raise cannot_follow(name)
        return output

    def _computed(
        self,
        name: str,
        function: OpOverload,
        arguments: dict,
        args: tuple,
        kwargs: dict,
    ) -> object:
        """Run an operation that does not depend on the image."""
        if not reads_no_values(name):
            for tensor in _tensors(arguments):
                self.values(tensor)
        output = function(*args, **kwargs)
        if torch.Tag.nondeterministic_seeded in function.tags:
            drawn = list(tensors_in((output,)))
            self._kept += drawn
            self._drawn |= set(map(memory_of, drawn))
        return output

    def _in_place(
        self, function: OpOverload, arguments: dict, into: list[Tensor]
    ) -> object:
        """Make what an operation would write, then copy it to where it belongs."""
        out_of_place = _out_of_place(function)
        if out_of_place is None:
            raise cannot_follow(function._schema.name.split("::")[1])
        names = {argument.name for argument in out_of_place._schema.arguments}
        given = {key: value for key, value in arguments.items() if key in names}
        with self:
            made = out_of_place(**given)
            for old, new in zip(into, made if len(into) > 1 else [made], strict=True):
                old.copy_(new)
        return into[0] if len(into) == 1 else tuple(into)

    def _noted(
        self,
        name: str,
        function: OpOverload,
        arguments: dict,
        args: tuple,
        kwargs: dict,
    ) -> object:
        """Note an operation, and allocate its outputs."""
        if name == "copy_":
            written: object = arguments["self"]
        else:
            values, structure = tree_flatten((args, _on_meta(kwargs)))
            shapes = _shapes(function, structure, tuple(map(_described, values)))
            written = tree_map_only(Tensor, _empty, shapes)
        outputs = tuple(tensors_in((written,)))
        self._kept += outputs
        self._dependent |= set(map(memory_of, outputs))
        arguments = tree_map_only(Tensor, self._as_now, arguments)
        made = tuple(map(Tensor.detach, outputs))
        self.operations.append(Operation(name, function, arguments, made))
        return written

    def _as_now(self, tensor: Tensor) -> Tensor:
        """Return a tensor that later writes, or turns, in place do not change."""
        if self.depends(tensor) or self.is_never_zero(tensor):
            return tensor.detach()
        return tensor.clone()


class NoValues(TorchFunctionMode):
    """Refuses ways to read the values of a tensor that are no operations of PyTorch."""

    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self.tape = tape

    def __torch_function__(
        self,
        function: Callable,
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        name = function.__name__
        readers = "numpy tolist __array__ __dlpack__ data_ptr untyped_storage storage"
        if name in readers.split() and self.tape.depends(args[0]):
            raise cannot_follow(name)
        return function(*args, **kwargs or {})


def cannot_follow(name: str) -> ValueError:
    """Return the error that an operation is unknown, or reads values of the image."""
    if name in "_local_scalar_dense equal is_nonzero nonzero numpy tolist".split():
        return ValueError(
            f"the network looks at values that depend on the image ({name}), so what "
            "it does differs from image to image and cannot be followed"
        )
    return ValueError(
        f"the operation {name!r} cannot be followed: which of its inputs its outputs "
        "depend on is not known. Ask for a layer before it"
    )


def arguments_by_name(
    function: OpOverload, args: tuple, kwargs: dict
) -> dict[str, object]:
    """Return an operation's arguments by the names of its schema."""
    schema = function._schema.arguments
    defaults = {a.name: a.default_value for a in schema if a.has_default_value()}
    given = {
        argument.name: value for argument, value in zip(schema, args, strict=False)
    }
    return defaults | given | kwargs


def _tensors(arguments: dict) -> list[Tensor]:
    return list(tensors_in(arguments.values()))


def _is_view(function: OpOverload) -> bool:
    """Do the outputs share the memory of an input, with nothing written into it?"""
    aliases = [a.alias_info for a in function._schema.arguments if a.alias_info]
    written = any(alias.is_write for alias in aliases)
    return bool(aliases) and (not written or torch.Tag.inplace_view in function.tags)


def reads_no_values(name: str) -> bool:
    """Does an operation take of a tensor nothing but its shape and type?"""
    return name.endswith("_like") or name.startswith("new_")


def _written(function: OpOverload, arguments: dict) -> list[Tensor]:
    """Return the tensors that an operation writes into."""
    return [
        arguments[argument.name]
        for argument in function._schema.arguments
        if argument.alias_info and argument.alias_info.is_write
    ]


def _out_of_place(function: OpOverload) -> OpOverload | None:
    """Return the operation that makes what another one writes: "add" for "add_"."""
    name = function._schema.name.split("::")[1]
    packet = getattr(torch.ops.aten, name.removesuffix("_"), None)
    if packet is None or "aten" not in function._schema.name:
        return None
    names = _inputs(function)
    overloads = (getattr(packet, overload) for overload in packet.overloads())
    fitting = (o for o in overloads if _inputs(o) == names and not _written_names(o))
    return next(fitting, None)


def _inputs(function: OpOverload) -> list[tuple[str, str]]:
    """Return names and types of what an operation reads: all but `out` tensors."""
    return [
        (argument.name, str(argument.type))
        for argument in function._schema.arguments
        if not argument.is_out
    ]


def _written_names(function: OpOverload) -> list[str]:
    return [a.name for a in function._schema.arguments if a.alias_info]


class _Shape(NamedTuple):
    size: torch.Size
    stride: tuple[int, ...]
    dtype: torch.dtype


def _described(value: object) -> tuple[type, object]:
    """Return what can be looked up: 1, 1.0 and True are equal, but not of a type."""
    if isinstance(value, Tensor):
        return _Shape, _Shape(value.size(), value.stride(), value.dtype)
    return type(value), value


@lru_cache(maxsize=10_000)  # of a network's layers, many are alike
def _shapes(
    function: OpOverload, structure: TreeSpec, described: tuple[tuple, ...]
) -> object:
    """Return outputs of an operation, on the meta device, from its described inputs."""
    values = [
        torch.empty_strided(*value[:2], dtype=value.dtype, device="meta")
        if kind is _Shape
        else value
        for kind, value in described
    ]
    args, kwargs = tree_unflatten(values, structure)
    try:
        return function(*args, **kwargs)
    except NotImplementedError as error:
        raise cannot_follow(function._schema.name.split("::")[1]) from error


def _on_meta(kwargs: dict) -> dict:
    return kwargs | {"device": "meta"} if kwargs.get("device") else kwargs


def _empty(shape: Tensor) -> Tensor:
    return torch.empty_strided(shape.size(), shape.stride(), dtype=shape.dtype)
