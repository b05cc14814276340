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

from . import _observe
from .chains import ACTIVATIONS, scalar_chain
from .models import resnet

__all__ = ["ACTIVATIONS", "by_path_length", "norm_by_layer", "scalar_chain"]

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
    and whether it is in training mode.

    Args:
        model: Maps images (N, C, H, W) to scores (N, classes).
        images: The batch (N, C, H, W); it is moved to the model's device.
        labels: (N,).
        criterion: Maps scores and labels to the loss.
        training: Run in training mode, where normalisation uses the batch itself, or
            in evaluation mode.

    Returns:
        A row for each convolution and linear layer, in the order in which they first
        run: layer, kind, weight_norm and gradient_norm (Euclidean norms of the weights
        and of the loss' gradient with respect to them) and activation_rms (root mean
        square of the layer's output, before normalisation).

    Raises:
        ValueError: If there is not one label for each image, or if no convolution or
            linear layer runs.
    """
    if len(images) != len(labels):
        raise ValueError(
            f"expected one label for each image, got {len(images)} images and "
            f"{len(labels)} labels"
        )
    layers: dict[nn.Module, str] = {
        module: name
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    }
    # The model runs on stand-ins: a gradient is kept even of weights that are frozen,
    # and the running means that change are copies.
    weights = {n: p.detach().requires_grad_() for n, p in model.named_parameters()}
    buffers = {n: b.clone() for n, b in model.named_buffers()}
    rms: dict[str, float] = {}  # by layer, in the order of execution

    def record(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        rms.setdefault(layers[layer], output.detach().square().mean().sqrt().item())

    where = next(iter(weights.values())).device if weights else None
    hooks = dict.fromkeys(layers, record)
    with _observe.restored(model), _observe.running(model, hooks, training):
        scores = functional_call(model, weights | buffers, (images.to(where),))
        loss = criterion(scores, labels.to(where))
    if not rms:
        raise ValueError("the model runs no convolution and no linear layer")
    kernels = [weights[f"{name}.weight"] for name in rms]
    gradients = torch.autograd.grad(loss, kernels)
    kinds = {name: type(layer).__name__ for layer, name in layers.items()}
    return pd.DataFrame(
        {
            "layer": list(rms),
            "kind": [kinds[name] for name in rms],
            "weight_norm": [kernel.norm().item() for kernel in kernels],
            "gradient_norm": [gradient.norm().item() for gradient in gradients],
            "activation_rms": list(rms.values()),
        }
    )


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
        A row for each length: length, paths (their number), and share, the norm of the
        sum of these paths' gradients divided by the norm of the whole gradient. Such
        sums partly cancel, so the shares need not add up to 1.

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
    shares = sums.norm(dim=1) / sums.sum(dim=0).norm()
    lengths = range(n + 1)
    return pd.DataFrame(
        {
            "length": lengths,
            "paths": [math.comb(n, length) for length in lengths],
            "share": shares.tolist(),
        }
    )
