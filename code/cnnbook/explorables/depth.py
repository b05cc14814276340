"""Chapter 5: the depth machine, which makes gradients vanish and explode."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..plots.style import GREY, LOOKS, WORDS
from ._depth import PROMISES, Network, Setting, kept_promises, measure, path_shares
from ._element import Explorable

MARKS = {"plain": "o", "residual": "D"}


def view() -> Explorable:
    """Return the machine with 50 layers, He's weights and no normalisation."""
    setting = Setting()
    networks = {"plain": Network(setting.plain), "residual": Network(setting)}
    return Explorable(
        name="depth",
        figure=_still(networks),
        alt="Four panels for two networks of 50 layers with He’s first weights and no "
        "normalisation. The plain network’s signal and gradient stay within a factor "
        "of ten from layer to layer; the residual network’s both grow by seven powers "
        "of ten. Its gradient comes by paths of about 18 branches, where most paths "
        "have 25. The plain network keeps its promise for steps that promise a "
        "hundredth of the loss, the residual one further.",
        sentence="With He’s weights the plain network’s gradient neither vanishes nor "
        "explodes; add shortcuts, and it explodes.",
        heights=(2110, 1162),
        needs=("controls",),
    )


def _still(networks: dict[str, Network]) -> Figure:
    """Draw the machine's four panels."""
    figure, axes = plt.subplots(2, 2, figsize=(6, 4.4), layout="constrained")
    (forward, backward), (paths, promises) = axes
    for kind, network in networks.items():
        measured = measure(network)
        _line(forward, kind, range(len(measured.signal)), measured.signal)
        _line(backward, kind, range(len(measured.sizes)), measured.sizes, mark=0)
        kept = [100 * part for part in kept_promises(network, measured)]
        _line(promises, kind, PROMISES, kept)
        if kind == "residual":
            shares = [100 * share for share in path_shares(network, measured)]
            paths.bar(range(len(shares)), shares, color=LOOKS[kind].colour)
    forward.set(yscale="log", title="forward: RMS of h", xlabel="layer")
    backward.set(yscale="log", title="backward: RMS of ∂E/∂h", xlabel="layer")
    paths.set(title="share of ∂E/∂h₀, %", xlabel="branches on the path")
    promises.set(
        xscale="log",
        ylim=(-20, 120),
        title="fall of the loss, % of the promised",
        xlabel="promised, as a share of the loss",
    )
    for place, kind in enumerate(networks):
        colour = LOOKS[kind].colour
        words = {"color": WORDS.get(colour, colour), "transform": forward.transAxes}
        forward.text(0.05, 0.88 - 0.14 * place, kind, **words)
    for axis in axes.flat:
        axis.title.set_size(10)
        axis.xaxis.label.set_color(GREY)
    return figure


def _line(
    axis: Axes, kind: str, x: Sequence[float], y: Sequence[float], mark: int = -1
) -> None:
    """Draw a line in the colour of its kind, with its mark at one of its ends."""
    axis.plot(x, y, color=LOOKS[kind].colour)
    axis.plot([x[mark]], [y[mark]], MARKS[kind], color=LOOKS[kind].colour)
