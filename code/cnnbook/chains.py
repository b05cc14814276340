"""Where the gradient goes in chains of single units, found in five ways.

A *scalar chain* is the smallest network that is deep: one number in, one number out,
one weight a layer. Everything that back-propagation does in it can be done by hand.
With shortcuts it becomes the smallest residual network (He et al. 2015,
arXiv:1512.03385, section 3.1; 2016, arXiv:1603.05027, section 2), whose gradient is a
sum over paths (Veit et al. 2016, arXiv:1605.06431, section 3).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import sympy
import torch
from torch import Tensor

from ._lookup import lookup

MOST_LAYERS = 16  # of which all paths are enumerated: 2^16 of them
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
class ForwardPass:
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
class GradientPath:
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

    def forward(self, x: float) -> ForwardPass:
        """Return all that is computed from the input `x`."""
        return self._run(torch.tensor(self.weights, dtype=torch.float64), x)

    def error(self, x: float, target: float) -> float:
        """Return E = (target - y)² / 2."""
        return _error(self.forward(x), target).item()

    def factors(self, x: float) -> tuple[Tensor, Tensor]:
        """Return dh_k / dh_(k-1) in two parts (n,): past f, and through f.

        Their sum is what layer k multiplies the gradient by on its way back.
        """
        computed = self.forward(x)
        behind = self.after.slope(computed.sums)
        weights = torch.tensor(self.weights, dtype=torch.float64)
        return behind * self.skip, behind * self.activation.slope(
            computed.nets
        ) * weights

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

    def paths(self, x: float, target: float, *, layer: int = 0) -> list[GradientPath]:
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
            found.append(GradientPath(branches, arriving * math.prod(factors)))
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

    def _run(self, weights: Tensor, x: float) -> ForwardPass:
        outputs = [torch.tensor(float(x), dtype=torch.float64)]
        nets, sums = [], []
        for weight in weights:
            nets.append(weight * outputs[-1])
            sums.append(self.activation.function(nets[-1]) + self.skip * outputs[-1])
            outputs.append(self.after.function(sums[-1]))
        return ForwardPass(*(torch.stack(part) for part in (nets, sums, outputs)))


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


def _error(computed: ForwardPass, target: float) -> Tensor:
    return (target - computed.outputs[-1]) ** 2 / 2


def _closed_form(chain: ScalarChain, x: float, target: float) -> Tensor:
    """(dE/dh_k)(dh_k/dsum_k)(dsum_k/dnet_k)(dnet_k/dw_k), the last of which is h."""
    computed = chain.forward(x)
    slopes = chain.after.slope(computed.sums) * chain.activation.slope(computed.nets)
    return chain.signals(x, target)[1:] * slopes * computed.outputs[:-1]


def _sum_of_paths(chain: ScalarChain, x: float, target: float) -> Tensor:
    computed = chain.forward(x)
    slopes = chain.after.slope(computed.sums) * chain.activation.slope(computed.nets)
    arriving = [
        math.fsum(path.value for path in chain.paths(x, target, layer=layer))
        for layer in range(1, len(chain) + 1)
    ]
    return torch.tensor(arriving, dtype=torch.float64) * slopes * computed.outputs[:-1]


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
