"""Receptive fields: which pixels a unit depends on, and how much on each.

Three ways to ask, each on a network as it is, of any layers and branches:

- `trace` follows the network from its input with a recursion on window sizes (Araujo,
  Norris and Sim 2019, doi:10.23915/distill.00021): `recursion`;
- `measure` asks automatic differentiation which pixels have a gradient at all, and
- `effective` asks how large the gradient is (Luo et al. 2016, arXiv:1701.04128):
  `by_gradient`.
"""

from ._common import Window
from .by_gradient import effective, measure, support
from .recursion import trace, window

__all__ = ["Window", "effective", "measure", "support", "trace", "window"]
