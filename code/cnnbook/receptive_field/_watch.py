"""A watch below the functions: which memory depends on the image, or holds weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from ._common import tensors_in
from ._rules import ON_EACH, RULES
from ._tape import arguments_by_name, memory_of, reads_no_values


class Watch(TorchDispatchMode):
    """Knows of any tensor whether it depends on the image.

    Functions may hide what they do: extensions, functions with a gradient of their own,
    writes through a view. All of them end in PyTorch's operations, which come here.

    Attributes:
        on_each: Did all operations on the image since `begin` act on each entry by
            itself, the shape left as it is?
    """

    def __init__(self, image: Tensor, weights: Iterable[Tensor]) -> None:
        super().__init__()
        self._kept = [image, *weights]  # so that no memory is used twice
        self._dependent = {memory_of(image)}
        self._weights = {memory_of(weight) for weight in self._kept[1:]}
        self.on_each = True

    def begin(self) -> None:
        """Begin to watch what one function does."""
        self.on_each = True

    def depends(self, tensor: Tensor) -> bool:
        """Say whether a tensor depends on the image."""
        return memory_of(tensor) in self._dependent

    def is_weight(self, tensor: Tensor) -> bool:
        """Say whether a tensor is a weight, or made of weights and of nothing else."""
        return memory_of(tensor) in self._weights

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
        output = function(*args, **kwargs)
        given = list(tensors_in((args, kwargs.values())))
        made = list(tensors_in((output,)))
        self._kept += made
        memory = set(map(memory_of, made))
        name = function._schema.name.split("::")[1]
        if reads_no_values(name):
            return output
        if any(map(self.depends, given)):
            self._dependent |= memory
            self.on_each &= _acts_on_each(name, function, args, kwargs)
        elif self._makes_weights(name, function, args, given):
            self._weights |= memory
        else:  # what was a weight may be written into
            self._weights -= memory
        return output

    def _makes_weights(
        self, name: str, function: OpOverload, args: tuple, given: list[Tensor]
    ) -> bool:
        if name == "index_put_":  # whole kernels, put where there are connections
            into, indices, kernels = args[:3]
            return self.is_weight(kernels) and len(indices) <= into.ndim - 2
        return bool(given) and all(map(self.is_weight, given)) and not _writes(function)


def _acts_on_each(name: str, function: OpOverload, args: tuple, kwargs: dict) -> bool:
    if "batch_norm" in name:
        given = arguments_by_name(function, args, kwargs)
        return not given.get("training") and given.get("running_mean") is not None
    if name in ("alias", "detach"):
        return True
    rule = RULES.get(name, RULES.get(name.removesuffix("_")))
    return rule in ON_EACH if rule else torch.Tag.pointwise in function.tags


def _writes(function: OpOverload) -> bool:
    arguments = function._schema.arguments
    return any(a.alias_info and a.alias_info.is_write for a in arguments)
