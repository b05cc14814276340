"""How weights are drawn before training."""

from __future__ import annotations

from torch import nn


def kaiming_normal(network: nn.Module) -> None:
    """Draw convolutions from He's normal distribution, dense layers from N(0, 0.01²).

    A convolution's variance is 2 / (kernel area · output maps), which keeps the size
    of the gradient from layer to layer under ReLU (He et al. 2015, arXiv:1502.01852,
    section 2.2). Biases start at zero, normalisation as the identity. The networks of
    2012 to 2014 were started in other ways, which their files name; with those, VGG's
    deeper configurations had to be grown from a trained shallow one.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
