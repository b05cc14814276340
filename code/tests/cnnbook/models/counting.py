"""How large a network is, for the tests of several architectures."""

from torch import nn


def count_parameters(network: nn.Module) -> int:
    """Return how many numbers are trained."""
    return sum(parameter.numel() for parameter in network.parameters())
