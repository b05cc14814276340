"""The memory that a computation takes, counted without taking any."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from . import _products


class Peak(TorchDispatchMode):
    """Watches every operation, and adds up the bytes of all tensors alive.

    On the meta device that takes no memory itself. ``now`` is the sum at this moment,
    ``peak`` the largest so far. Tensors in `known` are not counted.
    """

    def __init__(self, known: Iterable[Tensor] = ()) -> None:
        super().__init__()
        self.known = weakref.WeakSet(tensor.untyped_storage() for tensor in known)
        self.now = self.peak = 0

    def add(self, tensor: Tensor) -> None:
        """Count a tensor, once, until it is gone."""
        # Views share one storage, such as a tensor and its transpose: it counts once.
        storage = tensor.untyped_storage()
        if storage not in self.known:
            self.known.add(storage)
            self.change(storage.nbytes())
            # Python frees a storage when nothing refers to it any more, and then calls:
            weakref.finalize(storage, self.change, -storage.nbytes())

    def change(self, size: int) -> None:
        """Note that `size` bytes more, or fewer, are alive."""
        self.now += size
        self.peak = max(self.peak, self.now)

    def __torch_dispatch__(
        self,
        operation: OpOverload,
        types: Sequence[type],
        arguments: tuple = (),
        options: dict | None = None,
    ) -> object:
        """Do the operation, and count what it puts out."""
        if _products.is_composed(operation):  # its parts take memory, too
            with self:
                return operation.decompose(*arguments, **(options or {}))
        output = operation(*arguments, **(options or {}))
        # One tensor as a rule; several, in tuples and lists, where there are several.
        for leaf in tree_leaves(output):
            if isinstance(leaf, torch.Tensor):
                self.add(leaf)
        return output
