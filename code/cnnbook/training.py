"""The one training loop of the book, on whatever device there is.

Hugging Face Accelerate finds the device (CPU, CUDA, Apple's MPS) and the number of
processes; the loop is the same on all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd
import torch
import torch.nn.functional as F
from accelerate import Accelerator, PartialState
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from tqdm import tqdm  # not tqdm.auto: its bar stays in the notebook as a widget

from . import data
from .data import Split


@dataclass(frozen=True)
class Evaluation:
    """Mean loss a sample, and the share of samples classified wrongly, in %."""

    loss: float
    error: float


def device() -> torch.device:
    """Return the device that training runs on: the GPU if there is one."""
    return PartialState().device


def fit(
    model: nn.Module,
    train: Split,
    validation: Split | None = None,
    *,
    epochs: int,
    batch_size: int = 128,
    learning_rate: float = 0.01,
    weight_decay: float = 0.05,
    warmup: float = 0.2,
    label_smoothing: float = 0.0,
    criterion: Callable[[Tensor, Tensor], Tensor] | None = None,
    shift: int = 0,
    seed: int = 0,
) -> pd.DataFrame:
    """Train `model` in place with AdamW; the rate rises, then falls, in straight lines.

    Args:
        model: Maps images (N, C, H, W) to scores (N, classes).
        train: All training images, as one tensor.
        validation: Evaluated after every epoch, if given.
        epochs: Passes over the training images.
        batch_size: Images a step, over all processes together.
        learning_rate: The highest rate, reached after the share `warmup` of all steps.
        weight_decay: For weights; biases and normalisation are left alone.
        label_smoothing: Share of each target spread over all classes.
        criterion: Maps scores and labels to the loss; cross-entropy if None.
        shift: Each image is moved by up to so many pixels, anew in every epoch.
        seed: Decides the order of the images and their shifts, on every device alike.

    Returns:
        A row an epoch: epoch, train_loss and train_error (%, running means over the
        epoch), and validation_loss and validation_error (%) if asked for.

    Raises:
        FloatingPointError: If the loss is no longer finite.
    """
    criterion = criterion or partial(F.cross_entropy, label_smoothing=label_smoothing)
    accelerator = Accelerator()
    generator = torch.Generator().manual_seed(seed)
    train = train.to(accelerator.device)
    steps = math.ceil(len(train) / batch_size)
    model = model.to(accelerator.device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        _parameter_groups(model, weight_decay), lr=learning_rate, fused=True
    )
    schedule = OneCycleLR(
        optimizer,
        max_lr=learning_rate,
        total_steps=epochs * steps,
        pct_start=warmup,
        anneal_strategy="linear",
        cycle_momentum=False,
    )
    network, optimizer = accelerator.prepare(model, optimizer)
    history = []
    for epoch in tqdm(range(1, epochs + 1), desc="epochs", leave=False):
        network.train()
        sums = torch.zeros(2, device=accelerator.device)
        order = torch.randperm(len(train), generator=generator)
        for indices in order.split(batch_size):
            batch = train[indices.to(accelerator.device)]
            images = data.shift(batch.images, shift, generator)
            scores = network(images)
            loss = criterion(scores, batch.labels)
            optimizer.zero_grad()
            accelerator.backward(loss)
            optimizer.step()
            schedule.step()
            wrong = (scores.argmax(dim=1) != batch.labels).sum()
            sums += torch.stack([loss.detach() * len(batch), wrong])
        loss, error = (sums / len(train)).tolist()
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"the training loss is {loss} in epoch {epoch}: lower learning_rate"
            )
        history.append({"epoch": epoch, "train_loss": loss, "train_error": 100 * error})
        if validation is not None:
            held_out = evaluate(model, validation, criterion)
            history[-1] |= {
                "validation_loss": held_out.loss,
                "validation_error": held_out.error,
            }
    return pd.DataFrame(history)


@torch.no_grad()
def predict(model: nn.Module, images: Tensor, *, batch_size: int = 1000) -> Tensor:
    """Return the scores (N, classes) of all images, with the model in eval mode."""
    was_training = model.training
    where = next(model.parameters()).device
    try:
        model.eval()
        scores = [model(part.to(where)) for part in images.split(batch_size)]
        return torch.cat(scores)
    finally:
        model.train(was_training)


def evaluate(
    model: nn.Module,
    split: Split,
    criterion: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
) -> Evaluation:
    """Return the mean loss and the error (%) of `model` on all of `split`."""
    scores = predict(model, split.images)
    labels = split.labels.to(scores.device)
    return Evaluation(criterion(scores, labels).item(), topk_error(scores, labels))


def topk_error(scores: Tensor, labels: Tensor, k: int = 1) -> float:
    """Return the share of samples, in %, whose class is not among the k best scores.

    A class counts as among them if it beats all but k - 1 classes. One that ties does
    not beat, nor does one without a number as its score: a network that gives all
    classes the same score knows nothing, and gets an error of 100 %.

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


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Kernels and matrices decay; biases, scales and coefficients do not."""
    kernels = [p for p in model.parameters() if p.squeeze().ndim > 1]
    others = [p for p in model.parameters() if p.squeeze().ndim <= 1]
    return [
        {"params": kernels, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
