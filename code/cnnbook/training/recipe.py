"""How a network is trained, as data: everything that `training.fit` must be told."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch.nn.functional as F
from torch import Tensor

from .._settings import check_count, check_number, short_text
from ..data.augment import NONE, Augmentation

OPTIMIZERS = ("adamw", "sgd")
Criterion = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, kw_only=True, repr=False)
class Recipe:
    """The settings of a training run; `dataclasses.replace` makes a variant.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images per step, over all processes together.
        optimizer: ``adamw``, whose decay leaves biases and normalisation alone, or
            ``sgd``, with momentum 0.9 and a decay of all parameters, as in the papers.
        learning_rate: The highest rate.
        weight_decay: The share of a weight, times the rate, that a step takes away.
        warmup: The rate rises to the highest over this share of all steps, in a
            straight line. Over the others it falls in one, to nearly zero.
        milestones: Or it changes in steps, given as pairs: from this share of all steps
            on, it is the highest times this factor. Before the first pair, it is 1.
        criterion: Maps scores (N, classes) and labels (N,) to the loss.
        label_smoothing: Share of each target that cross-entropy spreads over all
            classes.
        augmentation: How the training images are varied.

    Raises:
        ValueError: If a setting makes no sense, or would have no effect.
    """

    epochs: int
    batch_size: int = 128
    optimizer: str = "adamw"
    learning_rate: float = 0.01
    weight_decay: float = 0.05
    warmup: float = 0.2
    milestones: tuple[tuple[float, float], ...] = ()
    criterion: Criterion = F.cross_entropy
    label_smoothing: float = 0.0
    augmentation: Augmentation = NONE

    def __post_init__(self) -> None:
        check_count("epochs", self.epochs)
        check_count("batch_size", self.batch_size)
        if self.optimizer not in OPTIMIZERS:
            known = " or ".join(map(repr, OPTIMIZERS))
            raise ValueError(f"optimizer must be {known}, got {self.optimizer!r}")
        check_number("learning_rate", self.learning_rate)
        check_number("weight_decay", self.weight_decay)
        check_number("warmup", self.warmup, most=1)
        check_number("label_smoothing", self.label_smoothing, most=1)
        if not _are_milestones(self.milestones):
            raise ValueError(
                "milestones must be pairs (share of all steps, factor of the rate), "
                f"with shares from 0 to 1 that rise, got {self.milestones!r}"
            )
        if not callable(self.criterion):
            raise ValueError(
                "criterion must be a function of scores and labels, got "
                f"{self.criterion!r}"
            )
        if self.label_smoothing and self.criterion is not F.cross_entropy:
            raise ValueError(
                "label_smoothing belongs to cross-entropy: leave it out, or put it "
                "into your criterion"
            )
        if not isinstance(self.augmentation, Augmentation):
            raise ValueError(
                f"augmentation must be an Augmentation, got {self.augmentation!r}"
            )

    def __repr__(self) -> str:
        return short_text(self)

    def loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the criterion's value on scores (N, classes) and labels (N,)."""
        if self.label_smoothing:
            return F.cross_entropy(scores, labels, label_smoothing=self.label_smoothing)
        return self.criterion(scores, labels)

    def as_json(self) -> dict:
        """Return all settings in one flat dictionary; a function stands by its name."""
        settings = asdict(self)
        settings |= settings.pop("augmentation")
        name = getattr(self.criterion, "__name__", repr(self.criterion))
        return settings | {"criterion": name}


def _are_milestones(milestones: tuple[tuple[float, float], ...]) -> bool:
    try:
        shares, factors = zip(*milestones, strict=True) if milestones else ((), ())
        return (
            all(0 <= share <= 1 for share in shares)
            and list(shares) == sorted(set(shares))
            and all(0 <= factor < math.inf for factor in factors)
        )
    except (TypeError, ValueError):
        return False
