"""Receptive fields: which pixels a unit depends on, and how much on each.

Three ways to ask, each on a network as it is, of any layers and branches:

- `trace` follows the network from its input with a recursion on window sizes (Araujo,
  Norris and Sim 2019, doi:10.23915/distill.00021): `recursion`, which has
  `path_counts`, too: in how many ways each pixel gets through a stack of layers;
- `measure` follows it backwards from one unit, operation by operation, to the pixels
  that can change it: `by_dependence`;
- `effective` asks automatic differentiation how much each pixel does (Luo et al. 2016,
  arXiv:1701.04128): `by_gradient`.
"""

from ._common import Window
from .by_dependence import measure, support
from .by_gradient import effective
from .recursion import path_counts, trace, window

__all__ = [
    "Window",
    "effective",
    "measure",
    "path_counts",
    "support",
    "trace",
    "window",
]
