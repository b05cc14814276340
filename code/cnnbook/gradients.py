"""Where the gradient goes in networks: layer by layer, and by the length of its paths.

In the smallest networks, chains of single units, all of it can be followed by hand:
see `chains`, whose `scalar_chain` stands here, too.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import parametrize

from . import _observe
from .chains import ACTIVATIONS, scalar_chain
from .models import resnet

__all__ = ["ACTIVATIONS", "by_path_length", "norm_by_layer", "scalar_chain"]

COLUMNS = ["layer", "kind", "weight_norm", "gradient_norm", "activation_rms"]
MOST_BLOCKS = 30  # rounding grows by (1 + sqrt 2) with each


def norm_by_layer(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    criterion: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    training: bool = True,
) -> pd.DataFrame:
    """Measure weights, gradients and activations layer by layer, on one batch.

    The model is left as it was: weights, their `grad`, running means of normalisation,
    whether it is in training mode; and so are random generators.

    Args:
        model: Maps images (N, C, H, W) to scores (N, classes).
        images: The batch (N, C, H, W), or (N, C, length), or of volumes; it is moved to
            the model's device, and its numbers are rounded to the model's precision.
        labels: (N,).
        criterion: Maps scores, or whatever the model returns, and labels to the loss.
        training: Run in training mode, where normalisation uses the batch itself, or
            in evaluation mode.

    Returns:
        A row for each convolution, transposed too, and linear layer on which the loss
        depends, in the order in which they first run: layer, kind, weight_norm and
        gradient_norm (Euclidean norms of the weights and of the loss' gradient with
        respect to them) and activation_rms (root mean square of the layer's output,
        before normalisation). The weights are those by which the layer multiplies,
        where it computes them by weight norm or the like. Layers that share a weight
        share its gradient.

    Raises:
        ValueError: If there is not one label for each image, if no convolution or
            linear layer runs, if the loss is none, or if the model is lazy, wrapped or
            a script.
    """
    labels = torch.as_tensor(labels)
    _check_batch(images, labels)
    _observe.expect_plain(model, may_be_compiled=True)
    layers: dict[nn.Module, str] = {
        module: _observe.plain_name(name)
        for name, module in model.named_modules()
        if isinstance(module, nn.modules.conv._ConvNd | nn.Linear | nn.Bilinear)
    }
    kernels: dict[nn.Module, list[Tensor]] = {}  # in the order of execution
    rms: dict[nn.Module, float] = {}

    def record(layer: nn.Module, inputs: tuple[Tensor, ...], output: object) -> None:
        # A layer may run several times, and compute its weights each time anew.
        used, weight = kernels.setdefault(layer, []), layer.weight
        assert isinstance(weight, Tensor)
        if not any(weight is known for known in used):
            used.append(weight)
        [first, *_] = _observe.tensors(output)
        rms.setdefault(layer, _wide(first).square().mean().sqrt().item())

    hooks = dict.fromkeys(layers, record)
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        _observe.eager(),
        _observe.restored(model),
        _observe.running(model, hooks, training),
        parametrize.cached(),  # what computes a weight does so once
    ):
        loss = _loss(model, images, labels, criterion)
        if not kernels:
            raise ValueError("the model runs no convolution and no linear layer")
        _check_loss(loss)
        used = [kernel for several in kernels.values() for kernel in several]
        found = torch.autograd.grad(loss, used, allow_unused=True)
    by_kernel = {id(k): g for k, g in zip(used, found, strict=True) if g is not None}
    rows = []
    for layer, several in kernels.items():
        gradients = [by_kernel[id(k)] for k in several if id(k) in by_kernel]
        if gradients:
            whole = torch.stack(gradients).sum(dim=0)
            norms = [_wide(tensor).norm().item() for tensor in (several[0], whole)]
            rows.append((layers[layer], _observe.kind(layer), *norms, rms[layer]))
    return pd.DataFrame(rows, columns=COLUMNS)


def _check_batch(images: Tensor, labels: Tensor) -> None:
    if len(images) != len(labels):
        raise ValueError(
            f"expected one label for each image, got {len(images)} images and "
            f"{len(labels)} labels"
        )
    if not len(images):
        raise ValueError("expected at least one image")
    if not images.is_floating_point():
        raise ValueError(f"images must be floating-point numbers, got {images.dtype}")


def _loss(
    model: nn.Module, images: Tensor, labels: Tensor, criterion: Callable
) -> Tensor:
    """Run a model on stand-ins for its weights and buffers, and return the loss.

    A gradient is kept even of weights that are frozen, and the running means that
    change are copies.
    """
    weights = {n: _stand_in(p) for n, p in model.named_parameters()}
    buffers = {n: b.clone() for n, b in model.named_buffers()}
    first = next((w for w in weights.values() if w.requires_grad), images)
    images, labels = images.to(first).clone(), labels.to(first.device).clone()
    scores = functional_call(model, weights | buffers, (images,))
    if criterion is F.cross_entropy and not isinstance(scores, Tensor):
        raise ValueError(
            f"the model returns a {type(scores).__name__}, not scores: give a "
            "criterion that finds the scores in it"
        )
    return criterion(scores, labels)


def _check_loss(loss: object) -> None:
    if not (isinstance(loss, Tensor) and loss.numel() == 1 and loss.requires_grad):
        raise ValueError(
            "the loss must be one number that depends on the model's weights: look at "
            "the criterion, and at what the model detaches or runs without gradients"
        )


def _stand_in(weight: Tensor) -> Tensor:
    like = weight.clone() if weight.is_inference() else weight
    return like.detach().requires_grad_(like.is_floating_point() or like.is_complex())


def _wide(x: Tensor) -> Tensor:
    """Return values, from half in single precision: their squares would overflow."""
    x = x.detach()
    return x.float() if x.dtype.itemsize < 4 else x


def by_path_length(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    criterion: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    training: bool = True,
) -> pd.DataFrame:
    """Measure how much of the images' gradient comes through short and long paths.

    A path goes through some of the n residual blocks' branches, its length, and past
    the others (Veit et al. 2016, arXiv:1605.06431, sections 3 and 4). Multiply what
    goes back through each branch by z, and a path of length k is multiplied by z^k:
    the gradient is a polynomial in z. From its values at n + 1 places follow its
    coefficients: the sums over all paths of each length. It is computed on a copy, in
    float64 on the CPU; for 27 blocks, rounding changes the shares by about 1e-6.

    Args:
        model: A network of `resnet.Block`, each with a shortcut.
        images: A batch (N, C, H, W).
        labels: (N,).
        criterion: Maps scores and labels to the loss.
        training: As for `norm_by_layer`.

    Returns:
        A row for each length: length, paths (their number), and share, which part of
        the whole gradient these paths contribute: the sum of their gradients, projected
        on it. The shares add up to 1; what points the other way counts as negative.

    Raises:
        ValueError: If the model has no residual blocks, too many, or one without a
            shortcut.
    """
    twin = copy.deepcopy(model).cpu().double().train(training)
    blocks = [module for module in twin.modules() if isinstance(module, resnet.Block)]
    if not blocks or any(block.downsample is None for block in blocks):
        raise ValueError("expected a network of residual blocks with shortcuts")
    n, z = len(blocks), torch.ones((), dtype=torch.float64)
    if n > MOST_BLOCKS:
        raise ValueError(
            f"{n} blocks are too many: rounding would spoil the result beyond "
            f"{MOST_BLOCKS}"
        )

    def scaled(branch: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def run(x: Tensor) -> Tensor:
            y = branch(x)
            y.register_hook(lambda gradient: z * gradient)
            return y

        return run

    for block in blocks:
        # A method, for this copy alone.
        block.branch = scaled(block.branch)  # type: ignore[method-assign, assignment]
    inputs = images.cpu().double().requires_grad_()
    with torch.enable_grad(), _observe.restored(twin):
        loss = criterion(twin(inputs), labels.cpu())
    # Chebyshev's places, where interpolation is as little sensitive as it can be.
    places = torch.cos(
        (torch.arange(n + 1, dtype=torch.float64) + 0.5) * math.pi / (n + 1)
    )
    values = []
    for place in places:
        z.copy_(place)
        [gradient] = torch.autograd.grad(loss, inputs, retain_graph=True)
        values.append(gradient.flatten())
    sums = torch.linalg.solve(torch.linalg.vander(places), torch.stack(values))
    whole = sums.sum(dim=0)
    shares = sums @ whole / whole.dot(whole)
    lengths = range(n + 1)
    return pd.DataFrame(
        {
            "length": lengths,
            "paths": [math.comb(n, length) for length in lengths],
            "share": shares.tolist(),
        }
    )
