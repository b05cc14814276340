"""Counting what a network costs: a row a layer, from shapes alone.

Three counts are kept apart, because texts mix them up:

- *parameters* are trained numbers, each counted once however often it is used;
- *connections* are LeCun's measure: every input that a unit reads, its bias too;
- *MACs* are the multiply-accumulates of convolutions and matrix products. One MAC
  is two floating-point operations; element-wise work (biases, activation functions)
  and what only sums or averages (pooling, normalisation, interpolation) count as none.
  So does an element-wise product that a sum follows: write it as a matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Protocol, TypeGuard

import pandas as pd
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode

from . import _observe, _products
from ._settings import check_count

SUMMED = ["parameters", "connections", "macs", "activations"]
COLUMNS = ["layer", "kind", "input_shape", "output_shape", *SUMMED]
COMPUTED = "parametrizations"  # torch's name for what computes a layer's weights
aten = torch.ops.aten


def layer_table(
    model: nn.Module,
    input_size: Sequence[int] | Sequence[Sequence[int]],
    *,
    batch_size: int = 1,
) -> pd.DataFrame:
    """Count a network layer by layer, in the order in which it runs.

    The network runs in evaluation mode on the meta device, where tensors have shapes
    but no values: no memory is needed, and `model` is left as it was, on whatever
    device it is.

    A layer is a module that contains no other; `nn.Identity` is left out. What a
    network computes between its layers has a row too, with the module that computes it
    as the layer and the operation as the kind: the `add` of a shortcut, a `cat`, a
    `mean`, the `bmm` of an attention. Only what moves values, or maps one tensor to as
    many values, has none: `flatten`, `F.relu`, a product with a number. A layer whose
    weights are computed each time (weight norm, spectral norm) has one row, with what
    that multiplies.

    What runs is counted, whatever a layer's type promises. An operation of which it is
    not known what it multiplies, such as a Fourier transform, is refused.

    Args:
        model: Any network whose control flow depends on shapes alone.
        input_size: Shape of one input without the batch, such as (1, 32, 32); for a
            network of several inputs a list of such shapes.
        batch_size: Connections, MACs and activations are for so many inputs.

    Returns:
        A row per layer: layer, kind, input_shape and output_shape (of the first input
        and output, without the batch where it comes first), parameters, connections,
        macs, activations (values that it writes: `nn.Flatten` and dropout, which does
        nothing here, write none) and share_of_parameters. A parameter stands in the
        row that reads it first: a layer that runs twice has two rows, and its
        parameters in one; what is never read is not counted. Connections for which
        there is no rule here are taken to be the MACs.

    Raises:
        ValueError: If `input_size` or `batch_size` makes no sense, or if a layer, which
            the message names, cannot run on such inputs, needs their values, or runs an
            operation of which it is not known what it multiplies.
    """
    shapes = _shapes(input_size)
    check_count("batch_size", batch_size)
    _observe.expect_plain(model, may_be_compiled=True)
    counter = _Counter(model, batch_size)
    counter.run(shapes)
    table = pd.DataFrame(counter.rows, columns=COLUMNS)
    table["share_of_parameters"] = table.parameters / max(table.parameters.sum(), 1)
    return table


def total(
    model: nn.Module,
    input_size: Sequence[int] | Sequence[Sequence[int]],
    *,
    batch_size: int = 1,
) -> pd.Series:
    """Return the sums of `layer_table`: parameters, connections, macs, activations."""
    return layer_table(model, input_size, batch_size=batch_size)[SUMMED].sum()


def _shapes(input_size: Sequence) -> list[tuple[int, ...]]:
    """Return the shape of each input, of the only one too."""

    def is_shape(value: object) -> bool:
        return isinstance(value, Sequence) and all(
            isinstance(side, Integral) and int(side) > 0 for side in value
        )

    shapes = [input_size] if is_shape(input_size) else input_size
    if not (isinstance(shapes, Sequence) and all(s and is_shape(s) for s in shapes)):
        raise ValueError(
            "input_size must be the shape of one input without the batch, such as "
            f"(3, 224, 224), or a list of such shapes; got {input_size!r}"
        )
    return [tuple(shape) for shape in shapes]


@dataclass
class _Running:
    """A module that is running, and what its operations have needed so far."""

    module: nn.Module
    parameters: int = 0
    macs: int = 0
    wrote: bool = False  # any value, rather than another view of what it read


class _Counter(TorchDispatchMode):
    """Writes a row for each layer that runs, and for each operation between layers.

    Hooks tell it which module begins and ends. As a dispatch mode it is handed every
    operation in between.
    """

    def __init__(self, model: nn.Module, batch_size: int):
        super().__init__()
        self.model, self.batch_size = model, batch_size
        self.names = {
            module: _observe.plain_name(name)
            for name, module in model.named_modules()
            if COMPUTED not in name.split(".")
        }
        self.layers = {
            module
            for module in self.names
            if all(name == COMPUTED for name, _ in module.named_children())
        }
        self.running = [_Running(model)]  # the innermost last
        # A tensor and all views of it share one storage: the keys.
        self.parameters: dict[torch.UntypedStorage, int] = {}
        self.unread: set[torch.UntypedStorage] = set()
        self.rows: list[tuple] = []

    def run(self, shapes: list[tuple[int, ...]]) -> None:
        """Run the model once on inputs of these shapes."""
        hooks = []
        with _observe.restored(self.model):
            try:
                for module in self.model.modules():
                    module.training = False
                for module in self.names:
                    hooks += [
                        module.register_forward_pre_hook(self.begin, prepend=True),
                        module.register_forward_hook(
                            self.end, prepend=True, with_kwargs=True
                        ),
                    ]
                with torch.inference_mode(False), torch.no_grad():
                    weights, inputs = self.on_meta(shapes)
                    with self:
                        functional_call(self.model, weights, inputs)
            except _products.UnknownOperationError as error:
                raise ValueError(f"{self.where()} cannot be counted: {error}") from None
            except (RuntimeError, TypeError, IndexError, AssertionError) as error:
                raise ValueError(self.explain(error, shapes)) from error
            finally:
                for hook in hooks:
                    hook.remove()

    def on_meta(self, shapes: list[tuple[int, ...]]) -> tuple[dict, tuple]:
        """Return the model's tensors and its inputs, without values."""
        twins: dict[tuple, Tensor] = {}

        def twin(tensor: Tensor) -> Tensor:
            """Return a tensor's like on meta: the same where memory is the same."""
            place = tensor.untyped_storage()._cdata, tensor.storage_offset()
            sides, strides, dtype = tensor.shape, tensor.stride(), tensor.dtype
            known = twins.get((*place, tensor.numel()))
            if known is not None:
                return known.as_strided(sides, strides)
            like = torch.empty_strided(sides, strides, dtype=dtype, device="meta")
            return twins.setdefault((*place, tensor.numel()), like)

        weights = {name: twin(p) for name, p in self.model.named_parameters()}
        self.parameters = {w.untyped_storage(): w.numel() for w in weights.values()}
        self.unread = set(self.parameters)
        dtypes = (w.dtype for w in weights.values())
        dtype = next((d for d in dtypes if d.is_floating_point or d.is_complex), None)
        inputs = (
            torch.empty(self.batch_size, *shape, dtype=dtype, device="meta")
            for shape in shapes
        )
        weights |= {name: b.to("meta") for name, b in self.model.named_buffers()}
        return weights, tuple(inputs)

    def begin(self, module: nn.Module, inputs: tuple) -> None:
        """Note that a module begins."""
        self.running.append(_Running(module))

    def end(self, module: nn.Module, args: tuple, kwargs: dict, output: object) -> None:
        """Note that a module ends; if it is a layer, write its row."""
        running = self.running[-1]
        if running.module is not module:
            raise RuntimeError("it failed, and the network went on without it")
        if module in self.layers and not isinstance(module, nn.Identity):
            inputs, outputs = map(_observe.tensors, ((args, kwargs), output))
            x, y = _first(inputs), _first(outputs)
            parameters, macs = running.parameters, running.macs
            work = _work(module, x, y, macs)
            different = {id(tensor): tensor.numel() for tensor in outputs}
            written = sum(different.values()) if running.wrote else 0
            self.write(module, _observe.kind(module), x, y, parameters, *work, written)
        self.running.pop()

    def __torch_dispatch__(
        self,
        operation: torch._ops.OpOverload,
        types: Sequence[type],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        """Run an operation; if it computes something between layers, write its row."""
        kwargs = kwargs or {}
        if _products.is_composed(operation):
            with self:
                return operation.decompose(*args, **kwargs)
        known = _products.look_up(operation)
        output = _SHORTCUTS.get(operation, operation)(*args, **kwargs)
        if not known.reads:
            return output
        read, y = _observe.tensors((args, kwargs)), _first(_observe.tensors(output))
        # A parameter counts where it is read first. What is read may be a view of it.
        new = self.unread.intersection(x.untyped_storage() for x in read)
        self.unread -= new
        parameters = sum(self.parameters[storage] for storage in new)
        macs = known.macs(args, kwargs, y) if known.macs else 0
        running = self.running[-1]
        if running.module in self.layers:  # its row is written when it ends
            running.parameters += parameters
            running.macs += macs
            running.wrote = True
        elif parameters or macs or _computes(known.kind, read, y):
            # Between layers. Its input is the first tensor that is no parameter.
            data = [x for x in read if x.untyped_storage() not in self.parameters]
            x = _first(data or read)
            counts = parameters, macs, macs, y.numel()
            self.write(running.module, known.kind, x, y, *counts)
        return output

    def write(
        self, module: nn.Module, kind: str, x: Tensor, y: Tensor, *counts: int
    ) -> None:
        """Add a row; `counts` are its values in the columns `SUMMED`."""
        shapes = (self.without_batch(x.shape), self.without_batch(y.shape))
        self.rows.append((self.names[module], kind, *shapes, *counts))

    def without_batch(self, shape: torch.Size) -> tuple[int, ...]:
        """Return the shape of one of the batch; all of it if the batch is not first."""
        return tuple(shape[1:] if shape[:1] == (self.batch_size,) else shape)

    def explain(self, error: Exception, shapes: list[tuple[int, ...]]) -> str:
        """Say what cannot run, why, and what to do."""
        reason = str(error).partition("\nException raised from")[0]  # C++ follows
        return (
            f"{self.where()} cannot run for input_size "
            f"{', '.join(map(str, shapes))}: {reason}\n"
            "input_size is the shape of one input without the batch, such as "
            "(3, 224, 224), or a list of one for each input. Shapes are all that is "
            "known: what runs must not depend on values, and constants be buffers."
        )

    def where(self) -> str:
        """Return what runs at this moment."""
        module = self.running[-1].module
        name = self.names[module]
        return (
            f"{f'layer {name!r}' if name else 'the network'} ({_observe.kind(module)})"
        )


def _first(tensors: list[Tensor]) -> Tensor:
    """Return the first tensor, an empty one if there is none."""
    return tensors[0] if tensors else torch.empty(0, device="meta")


def _computes(kind: str, read: list[Tensor], y: Tensor) -> bool:
    """Return whether an operation does more than move values or map each to one."""
    if len({id(x) for x in read}) > 1:
        return kind != "copy"
    return bool(read) and read[0].numel() != y.numel()


def _normalised(x: Tensor, *_: object) -> tuple[Tensor, ...]:
    y = torch.empty(x.shape, dtype=x.dtype, device="meta")
    return y, y, y  # the last two stand for statistics, which nobody reads


# torch finds these operations' shapes in Python, which would take most of the time.
_SHORTCUTS: dict[torch._ops.OpOverload, Callable] = {
    aten.native_batch_norm.default: _normalised,
    aten.addmm.default: lambda bias, a, b, **_: aten.mm(a, b).add_(bias),
}


# How to count what a layer of torch's reads: the connections of one that maps x to y,
# and multiplies so much. Rules go by `forward`: a subclass with its own, and any other
# layer, has as many connections as products. A layer of the book's own counts itself.
_Rule = Callable[..., int]  # of (layer, x, y, macs)
_RULES: dict[Callable, _Rule] = {}


class _CountsItself(Protocol):
    def connections_and_macs(self, x: Tensor, y: Tensor) -> tuple[int, int]: ...


class _Biased(Protocol):
    bias: Tensor | None


class _Windowed(Protocol):
    kernel_size: int | tuple[int, ...]


def _rule(*kinds: type[nn.Module]) -> Callable[[_Rule], _Rule]:
    """Register a rule for these kinds of layer."""

    def register(rule: _Rule) -> _Rule:
        _RULES.update({kind.forward: rule for kind in kinds})
        return rule

    return register


def _kinds(*names: str) -> list[type[nn.Module]]:
    """Return the layers of these names for one, two and three dimensions."""
    return [getattr(nn, f"{name}{n}d") for name in names for n in (1, 2, 3)]


@_rule(*_kinds("Conv", "ConvTranspose"), nn.Linear)
def _weighted_sums(layer: _Biased, x: Tensor, y: Tensor, macs: int) -> int:
    return macs + _biases(layer, y)


@_rule(*_kinds("MaxPool", "AvgPool"))
def _pooling(layer: _Windowed, x: Tensor, y: Tensor, macs: int) -> int:
    sides = layer.kernel_size
    area = sides ** (x.ndim - 2) if isinstance(sides, int) else math.prod(sides)
    return y.numel() * area


@_rule(*_kinds("AdaptiveMaxPool", "AdaptiveAvgPool"))
def _adaptive_pooling(layer: nn.Module, x: Tensor, y: Tensor, macs: int) -> int:
    # Along a side, output i of m reads inputs floor(i n / m) to ceil((i + 1) n / m).
    reads = (
        sum(math.ceil((i + 1) * n / m) - i * n // m for i in range(m))
        for n, m in zip(x.shape[2:], y.shape[2:], strict=True)
    )
    return math.prod(y.shape[:2]) * math.prod(reads)


@_rule(*_kinds("BatchNorm", "InstanceNorm"), nn.GroupNorm, nn.LayerNorm)
def _normalisation(layer: _Biased, x: Tensor, y: Tensor, macs: int) -> int:
    return y.numel() + _biases(layer, y)  # mean and variance are taken as given


def _biases(layer: _Biased, y: Tensor) -> int:
    return 0 if layer.bias is None else y.numel()


_WINDOWS = "Conv ConvTranspose MaxPool AvgPool AdaptiveMaxPool AdaptiveAvgPool".split()
_RANKS = {kind.forward: int(kind.__name__[-2]) + 2 for kind in _kinds(*_WINDOWS)}


def _work(layer: nn.Module, x: Tensor, y: Tensor, macs: int) -> tuple[int, int]:
    """Return the connections and MACs of a layer; as it ran, it had so many MACs."""
    if "forward" in vars(layer):  # put in place of its class's own: what runs counts
        return macs, macs
    forward = type(layer).forward
    if x.ndim != _RANKS.get(forward, x.ndim):
        # torch would take the batch for the channels, and the count would be wrong.
        raise RuntimeError(f"it needs channels too, got a batch of {tuple(x.shape)}")
    if _counts_itself(layer):
        return layer.connections_and_macs(x, y)
    return _RULES[forward](layer, x, y, macs) if forward in _RULES else macs, macs


def _counts_itself(layer: nn.Module) -> TypeGuard[_CountsItself]:
    """Return whether its class says what it costs, and no subclass runs otherwise."""
    for base in type(layer).__mro__:
        if "connections_and_macs" in vars(base):
            return True
        if "forward" in vars(base):
            return False
    return False
