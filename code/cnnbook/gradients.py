"""Where the gradient goes: in chains of single units, and layer by layer in networks.

A *scalar chain* is the smallest network that is deep: one number in, one number out,
one weight a layer. Everything that back-propagation does in it can be done by hand.
With shortcuts it becomes the smallest residual network (He et al. 2015,
arXiv:1512.03385, section 3.1; 2016, arXiv:1603.05027, section 2), whose gradient is a
sum over paths (Veit et al. 2016, arXiv:1605.06431, section 3).
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import sympy
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from . import modes
from .lookup import lookup
from .models import resnet

MOST_LAYERS = 16  # of which all paths are enumerated: 2^16 of them
MOST_BLOCKS = 30  # rounding grows by (1 + sqrt 2) with each
STEP = 1e-5  # of finite differences


@dataclass(frozen=True)
class Activation:
    """A function of one number, its derivative, and the same function for sympy.

    Attributes:
        function: Maps a tensor to a tensor, element by element.
        slope: Its derivative, likewise.
        symbolic: Maps a sympy expression to one; differentiated by sympy, not by us.
    """

    function: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]
    symbolic: Callable[[sympy.Expr], sympy.Expr]


class _Relu(sympy.Function):
    """max(0, a) with derivative 0 at a = 0, as PyTorch has it.

    Nested a few times, sympy's own Piecewise and Max grow out of all bounds.
    """

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return sympy.Heaviside(self.args[0], 0)


ACTIVATIONS = {
    "identity": Activation(lambda a: a, torch.ones_like, lambda a: a),
    "relu": Activation(
        torch.relu,
        lambda a: (a > 0).to(a),
        _Relu,
    ),
    "sigmoid": Activation(
        torch.sigmoid,
        lambda a: torch.sigmoid(a) * torch.sigmoid(-a),
        lambda a: (1 + sympy.tanh(a / 2)) / 2,  # exp(-a) overflows
    ),
    "tanh": Activation(torch.tanh, lambda a: 1 - torch.tanh(a) ** 2, sympy.tanh),
}


@dataclass(frozen=True)
class Trace:
    """What a chain of n layers computed on its way forward.

    Attributes:
        nets: Tensor (n,), what each f is given: net_k = w_k h_(k-1).
        sums: Tensor (n,), f(net_k) + skip h_(k-1).
        outputs: Tensor (n + 1,), first the input h_0 = x, then h_1 to h_n = y.
    """

    nets: Tensor
    sums: Tensor
    outputs: Tensor


@dataclass(frozen=True)
class Path:
    """One way of the gradient back from the output, and its product of derivatives.

    Attributes:
        branches: The layers, counted from 1, whose f it goes through; it goes past
            the others on their shortcuts.
        value: The product of all derivatives on the way, that of the error included.
    """

    branches: tuple[int, ...]
    value: float


@dataclass(frozen=True)
class ScalarChain:
    """A network of one unit a layer: h_k = after(f(w_k h_(k-1)) + skip h_(k-1)).

    Layers count from 1, so that h_0 = x is the input and h_n = y the output. The error
    is E = (target - y)² / 2. All is computed in float64. Make one with `scalar_chain`.

    Attributes:
        weights: w_1 to w_n.
        activation: f.
        skip: What the shortcuts multiply by: 0 makes a plain network, which has none,
            and 1 a residual one.
        after: What stands on the main path behind each sum.
    """

    weights: tuple[float, ...]
    activation: Activation
    skip: float
    after: Activation

    def __len__(self) -> int:
        """Return the number of layers."""
        return len(self.weights)

    def forward(self, x: float) -> Trace:
        """Return all that is computed from the input `x`."""
        return self._run(torch.tensor(self.weights, dtype=torch.float64), x)

    def error(self, x: float, target: float) -> float:
        """Return E = (target - y)² / 2."""
        return _error(self.forward(x), target).item()

    def factors(self, x: float) -> tuple[Tensor, Tensor]:
        """Return dh_k / dh_(k-1) in two parts (n,): past f, and through f.

        Their sum is what layer k multiplies the gradient by on its way back.
        """
        trace = self.forward(x)
        behind = self.after.slope(trace.sums)
        weights = torch.tensor(self.weights, dtype=torch.float64)
        return behind * self.skip, behind * self.activation.slope(trace.nets) * weights

    def signals(self, x: float, target: float) -> Tensor:
        """Return dE/dh_k for k = 0 to n, as a tensor (n + 1,): what passes layer k."""
        past, through = self.factors(x)
        arriving = self.forward(x).outputs[-1] - target
        from_layer = (past + through).flip(0).cumprod(0).flip(0)
        return arriving * torch.cat([from_layer, torch.ones(1, dtype=torch.float64)])

    def gradient(self, x: float, target: float, *, by: str = "closed form") -> Tensor:
        """Return dE/dw_k for k = 1 to n, as a tensor (n,).

        Args:
            by: How it is found, one of `METHODS`.

        Raises:
            ValueError: If there is no such method; the message names the closest.
        """
        return lookup(by, METHODS, "method")(self, x, target)

    def paths(self, x: float, target: float, *, layer: int = 0) -> list[Path]:
        """Return every path of the gradient from the error back to h_`layer`.

        There are 2^(n - layer) of them, or just one in a plain chain. Their values add
        up to ``signals(x, target)[layer]``.

        Raises:
            ValueError: If there is no such layer, or there are too many paths.
        """
        if not 0 <= layer <= len(self):
            raise ValueError(f"layer must be from 0 to {len(self)}, got {layer}")
        if self.skip and len(self) - layer > MOST_LAYERS:
            raise ValueError(
                f"{len(self) - layer} layers have 2^{len(self) - layer} paths; at most "
                f"{MOST_LAYERS} layers are enumerated: choose layer >= "
                f"{len(self) - MOST_LAYERS}"
            )
        past, through = (part.tolist() for part in self.factors(x))
        arriving = self.forward(x).outputs[-1].item() - target
        later = range(layer + 1, len(self) + 1)
        found = []
        for taken in itertools.product(
            (True, False) if self.skip else (True,), repeat=len(later)
        ):
            steps = zip(later, taken, strict=True)
            factors = [through[k - 1] if f else past[k - 1] for k, f in steps]
            branches = tuple(itertools.compress(later, taken))
            found.append(Path(branches, arriving * math.prod(factors)))
        return found

    def symbolic(self) -> tuple[sympy.Expr, dict[str, sympy.Symbol]]:
        """Return E for sympy, and its symbols by name.

        The names are x, t (the target), w1, w2, and so on.
        """
        names = ["x", "t", *(f"w{k}" for k in range(1, len(self) + 1))]
        symbols = {name: sympy.Symbol(name, real=True) for name in names}
        h, skip = symbols["x"], sympy.Rational(repr(self.skip))
        for name in names[2:]:
            branch = self.activation.symbolic(symbols[name] * h)
            h = self.after.symbolic(branch + skip * h)
        return (symbols["t"] - h) ** 2 / 2, symbols

    def _run(self, weights: Tensor, x: float) -> Trace:
        outputs = [torch.tensor(float(x), dtype=torch.float64)]
        nets, sums = [], []
        for weight in weights:
            nets.append(weight * outputs[-1])
            sums.append(self.activation.function(nets[-1]) + self.skip * outputs[-1])
            outputs.append(self.after.function(sums[-1]))
        return Trace(*(torch.stack(part) for part in (nets, sums, outputs)))


def scalar_chain(
    weights: Sequence[float],
    activation: str | Activation = "tanh",
    *,
    skip: float = 0.0,
    after: str | Activation = "identity",
) -> ScalarChain:
    """Return the chain of scalar layers with these weights.

    Args:
        weights: One for each layer, the first layer's first.
        activation: f of each layer: one of `ACTIVATIONS`, or one of your own.
        skip: Scale of the shortcuts: 0 for a plain chain, 1 for a residual one.
        after: Function on the main path behind each sum; the blocks of 2015 have
            "relu" there, those of 2016 "identity".

    Raises:
        ValueError: If there is no weight, a number is not finite, or a name is unknown.
    """
    numbers = tuple(float(weight) for weight in weights)
    if not numbers:
        raise ValueError("a chain needs at least one weight, got none")
    for number in (*numbers, skip):
        if not math.isfinite(number):
            raise ValueError(f"weights and skip must be finite numbers, got {number}")
    functions = [
        lookup(function, ACTIVATIONS, "activation")
        if isinstance(function, str)
        else function
        for function in (activation, after)
    ]
    return ScalarChain(numbers, functions[0], float(skip), functions[1])


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
    layers = {
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

    with modes.running(model, dict.fromkeys(layers, record), training):
        where = next(iter(weights.values())).device if weights else None
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
        block.branch = scaled(block.branch)
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


def _error(trace: Trace, target: float) -> Tensor:
    return (target - trace.outputs[-1]) ** 2 / 2


def _closed_form(chain: ScalarChain, x: float, target: float) -> Tensor:
    """(dE/dh_k)(dh_k/dsum_k)(dsum_k/dnet_k)(dnet_k/dw_k), the last of which is h."""
    trace = chain.forward(x)
    slopes = chain.after.slope(trace.sums) * chain.activation.slope(trace.nets)
    return chain.signals(x, target)[1:] * slopes * trace.outputs[:-1]


def _sum_of_paths(chain: ScalarChain, x: float, target: float) -> Tensor:
    trace = chain.forward(x)
    slopes = chain.after.slope(trace.sums) * chain.activation.slope(trace.nets)
    arriving = [
        math.fsum(path.value for path in chain.paths(x, target, layer=layer))
        for layer in range(1, len(chain) + 1)
    ]
    return torch.tensor(arriving, dtype=torch.float64) * slopes * trace.outputs[:-1]


def _by_sympy(chain: ScalarChain, x: float, target: float) -> Tensor:
    error, symbols = chain.symbolic()
    derivatives = [error.diff(symbols[f"w{k}"]) for k in range(1, len(chain) + 1)]
    relu = {"_Relu": lambda a: max(a, 0.0), "Heaviside": lambda a, _: float(a > 0)}
    evaluate = sympy.lambdify(
        list(symbols.values()), derivatives, [relu, "math"], cse=True
    )
    numbers = evaluate(x, target, *chain.weights)
    return torch.tensor(numbers, dtype=torch.float64)


def _by_autograd(chain: ScalarChain, x: float, target: float) -> Tensor:
    weights = torch.tensor(chain.weights, dtype=torch.float64, requires_grad=True)
    [gradient] = torch.autograd.grad(_error(chain._run(weights, x), target), weights)
    return gradient


def _by_finite_differences(chain: ScalarChain, x: float, target: float) -> Tensor:
    """(E(w + step) - E(w - step)) / (2 step), one weight after the other."""
    slopes = []
    for k, weight in enumerate(chain.weights):
        ends = []
        for moved in (weight + STEP, weight - STEP):
            weights = (*chain.weights[:k], moved, *chain.weights[k + 1 :])
            ends.append(replace(chain, weights=weights).error(x, target))
        slopes.append((ends[0] - ends[1]) / (2 * STEP))
    return torch.tensor(slopes, dtype=torch.float64)


METHODS = {
    "closed form": _closed_form,
    "paths": _sum_of_paths,
    "sympy": _by_sympy,
    "autograd": _by_autograd,
    "finite differences": _by_finite_differences,
}
