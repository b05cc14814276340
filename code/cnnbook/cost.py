"""Counting what a network costs: a row a layer, from shapes alone.

Three counts are kept apart, because texts mix them up:

- *parameters* are trained numbers, each counted once however often it is used;
- *connections* are LeCun's measure: every input that a unit reads, its bias too;
- *MACs* are the multiply-accumulates of convolutions and matrix products. One MAC
  is two floating-point operations; element-wise work (biases, pooling, activation
  functions, normalisation) counts as none.
"""

from __future__ import annotations

import math
from functools import singledispatch

import pandas as pd
import torch
from torch import Tensor, nn
from torch.func import functional_call

from .models import lenet

SUMMED = ["parameters", "connections", "macs", "activations"]


def layer_table(
    model: nn.Module, input_size: tuple[int, ...], *, batch_size: int = 1
) -> pd.DataFrame:
    """Count a network layer by layer, in the order in which it runs.

    The network runs on the meta device, where tensors have shapes but no values:
    nothing is allocated, and `model` is left as it was.

    Args:
        model: Any network of layers that this module knows how to count.
        input_size: Shape of one input without the batch, such as (1, 32, 32).
        batch_size: Connections, MACs and activations are for so many inputs.

    Returns:
        A row per leaf layer: layer, kind, input_shape, output_shape (both without
        the batch), parameters, connections, macs, activations (output values) and
        share_of_parameters. A layer that runs twice has two rows; its parameters
        stand in the first.

    Raises:
        TypeError: If a layer has parameters and there is no rule to count it.
        ValueError: From the network, if it cannot take inputs of this size.
    """
    names = {module: name for name, module in model.named_modules()}
    rows: list[dict] = []
    counted: set[int] = set()

    def record(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        new = [p for p in layer.parameters() if id(p) not in counted]
        counted.update(map(id, new))
        connections, macs = _work(layer, inputs[0], output)
        rows.append(
            {
                "layer": names[layer],
                "kind": type(layer).__name__,
                "input_shape": tuple(inputs[0].shape[1:]),
                "output_shape": tuple(output.shape[1:]),
                "parameters": sum(p.numel() for p in new),
                "connections": connections,
                "macs": macs,
                "activations": output.numel(),
            }
        )

    _run_on_meta(model, (batch_size, *input_size), record)
    table = pd.DataFrame(rows)
    table["share_of_parameters"] = table.parameters / max(table.parameters.sum(), 1)
    return table


def total(
    model: nn.Module, input_size: tuple[int, ...], *, batch_size: int = 1
) -> pd.Series:
    """Return the sums of `layer_table`: parameters, connections, macs, activations."""
    return layer_table(model, input_size, batch_size=batch_size)[SUMMED].sum()


def _run_on_meta(model: nn.Module, shape: tuple[int, ...], hook) -> None:
    """Run `model` once on the meta device; `hook` sees every leaf layer run."""
    weights = {
        name: tensor.to("meta")
        for tensors in (model.named_parameters(), model.named_buffers())
        for name, tensor in tensors
    }
    leaves = [module for module in model.modules() if not any(module.children())]
    handles = [leaf.register_forward_hook(hook) for leaf in leaves]
    was_training = model.training
    try:
        model.eval()
        with torch.no_grad():
            functional_call(model, weights, (torch.empty(shape, device="meta"),))
    finally:
        model.train(was_training)
        for handle in handles:
            handle.remove()


@singledispatch
def _work(layer: nn.Module, x: Tensor, y: Tensor) -> tuple[int, int]:
    """Return the connections and MACs of a layer that maps x to y."""
    if any(True for _ in layer.parameters()):
        raise TypeError(
            f"no rule to count a layer of kind {type(layer).__name__}: "
            "register one with cost._work"
        )
    return 0, 0  # activation functions, dropout, flatten: no weights, no sums


@_work.register(nn.Conv2d)
@_work.register(nn.Linear)
@_work.register(lenet.SparseConv2d)
def _shared_weights(layer, x: Tensor, y: Tensor) -> tuple[int, int]:
    # Every weight and every bias is used once at each output position.
    positions = y.numel() // len(layer.weight if layer.bias is None else layer.bias)
    biases = 0 if layer.bias is None else layer.bias.numel()
    macs = positions * layer.weight.numel()
    return macs + positions * biases, macs


@_work.register(lenet.Subsampling)
def _subsampling(layer, x: Tensor, y: Tensor) -> tuple[int, int]:
    return y.numel() * (2 * 2 + 1), 0


@_work.register(lenet.EuclideanRBF)
def _rbf(layer, x: Tensor, y: Tensor) -> tuple[int, int]:
    # One subtraction, squared and summed, for each code's each entry.
    pairs = len(x) * layer.codes.numel()
    return pairs, pairs


@_work.register(nn.MaxPool2d)
@_work.register(nn.AvgPool2d)
def _pooling(layer, x: Tensor, y: Tensor) -> tuple[int, int]:
    side = layer.kernel_size
    area = side**2 if isinstance(side, int) else math.prod(side)
    return y.numel() * area, 0


@_work.register(nn.BatchNorm2d)
def _normalisation(layer, x: Tensor, y: Tensor) -> tuple[int, int]:
    return y.numel() * (1 + layer.affine), 0  # its input and the shift
