"""How good a network is: its scores, its loss, its error on a data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from accelerate import PartialState
from accelerate.utils import gather_object
from torch import Tensor, nn

from .._observe import running
from ..data import Images, Split


@dataclass(frozen=True)
class Evaluation:
    """Mean loss a sample, and the share of samples classified wrongly, in %.

    `top5_error` allows five guesses; with fewer than six classes it is zero.
    """

    loss: float
    error: float
    top5_error: float


def device() -> torch.device:
    """Return the device that training runs on: the GPU if there is one."""
    return PartialState().device


@torch.no_grad()
def predict(model: nn.Module, images: Tensor, *, batch_size: int = 1000) -> Tensor:
    """Return the scores (N, classes) of all images, with the model in eval mode."""
    where = next((weight.device for weight in model.parameters()), images.device)
    with running(model):
        scores = [model(part.to(where)) for part in images.split(batch_size)]
    return torch.cat(scores)


def evaluate(
    model: nn.Module,
    split: Images,
    criterion: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
) -> Evaluation:
    """Return the mean loss and the error (%) of `model` on all of `split`.

    Several processes share the work, and all get the result.
    """
    processes = PartialState()
    batch_size = 1000 if isinstance(split, Split) else 100
    indices = torch.arange(len(split)).split(batch_size)
    mine = indices[processes.process_index :: processes.num_processes]
    sums = []
    for part in split.batches(mine):
        scores = predict(model, part.images)
        labels = part.labels.to(scores.device)
        means = [criterion(scores, labels).item()]
        means += [topk_error(scores, labels, min(k, scores.shape[1])) for k in (1, 5)]
        sums.append([len(part) * mean for mean in means])
    columns = zip(*gather_object(sums), strict=True)
    return Evaluation(*(sum(column) / len(split) for column in columns))


def topk_error(scores: Tensor, labels: Tensor, k: int = 1) -> float:
    """Return the share of samples, in %, whose class is not among the k best scores.

    A class counts as among them if it beats all but k - 1 classes. One that ties does
    not beat, nor does one without a number as its score: a network that gives all
    classes the same score knows nothing, and gets an error of 100 % (for k below the
    number of classes; all of them together are never wrong).

    Args:
        scores: Tensor of shape (N, classes).
        labels: The classes, of shape (N,).
        k: How many guesses are allowed: 5 for ILSVRC (Russakovsky et al. 2015,
            arXiv:1409.0575, section 4.1).

    Raises:
        ValueError: If there are fewer than k classes, or the shapes do not agree.
    """
    if scores.ndim != 2 or labels.shape != scores.shape[:1] or not len(labels):
        raise ValueError(
            "expected scores (N, classes) and labels (N,) of at least one sample, got "
            f"{tuple(scores.shape)} and {tuple(labels.shape)}"
        )
    classes = scores.shape[1]
    if not 1 <= k <= classes:
        raise ValueError(f"k must be from 1 to {classes}, the classes, got {k}")
    own = scores.gather(1, labels.to(scores.device)[:, None])
    beaten = (scores < own).sum(dim=1)
    return 100 * (beaten < classes - k).float().mean().item()
