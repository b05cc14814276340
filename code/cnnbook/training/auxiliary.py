"""GoogLeNet as it was trained: with two more classifiers, on layers in its middle.

Szegedy et al., "Going deeper with convolutions", CVPR 2015, arXiv:1409.4842, section 5.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..models import architecture
from ..models.googlenet import GoogLeNet

WEIGHT = 0.3  # of each auxiliary loss, beside the main one


class GoogLeNetInTraining(GoogLeNet):
    """GoogLeNet whose scores in training are those of all its heads together.

    The paper adds the losses of three heads. Cross-entropy is the negative logarithm of
    a probability, so the sum is the same if the logarithms are added first, and that
    keeps one score a class. So an error counted in training is one of all heads; in
    eval mode the main head speaks alone. The weights are those of a `GoogLeNet`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to logarithms (N, num_classes).

        In eval mode, they are those of probabilities; in training, of a product of
        three.
        """
        if not self.training:
            return F.log_softmax(super().forward(x), dim=1)
        main, *others = (F.log_softmax(s, dim=1) for s in self.all_scores(x))
        return main + WEIGHT * sum(others)


def loss_of_all_heads(logarithms: Tensor, labels: Tensor) -> Tensor:
    """Return the mean loss, from what `GoogLeNetInTraining` gives, and labels (N,)."""
    return F.nll_loss(logarithms, labels)


def build(name: str, num_classes: int, in_channels: int) -> GoogLeNetInTraining:
    """Build one of the book's GoogLeNets so."""
    printed = getattr(architecture(name).builder, "keywords", {})
    return GoogLeNetInTraining(
        num_classes, in_channels, auxiliary_heads=True, **printed
    )
