"""The one training loop of the book, on whatever device there is.

Hugging Face Accelerate finds the device (CPU, CUDA, Apple's MPS) and the number of
processes; the loop is the same on all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from numbers import Integral

import pandas as pd
import torch
import torch.nn.functional as F
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast, gather_object
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR
from tqdm import tqdm  # not tqdm.auto: its bar stays in the notebook as a widget

from . import data, modes
from .checkpoints import Run
from .data import Split
from .folders import Folder


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


def fit(
    model: nn.Module,
    train: Split | Folder,
    validation: Split | Folder | None = None,
    *,
    epochs: int,
    batch_size: int = 128,
    optimizer: str = "adamw",
    learning_rate: float = 0.01,
    weight_decay: float = 0.05,
    warmup: float = 0.2,
    rate_steps: Sequence[tuple[float, float]] = (),
    label_smoothing: float = 0.0,
    criterion: Callable[[Tensor, Tensor], Tensor] | None = None,
    shift: int = 0,
    flip: bool = False,
    border: str = "replicate",
    seed: int = 0,
    precision: str | None = None,
    accumulation: int = 1,
    channels_last: bool = True,
    progress: bool = True,
    run: Run | None = None,
) -> pd.DataFrame:
    """Train `model` in place: in one process or in several, on whatever device.

    Args:
        model: Maps images (N, C, H, W) to scores (N, classes).
        train: All training images, as one tensor; or a folder to read them from.
        validation: Evaluated after every epoch, if given.
        epochs: Passes over the training images.
        batch_size: Images a step, over all processes together.
        optimizer: ``adamw``, whose decay leaves biases and normalisation alone, or
            ``sgd``, with momentum 0.9 and a decay of all parameters, as in the papers.
        learning_rate: The highest rate.
        weight_decay: The share of a weight, times the rate, that a step takes away.
        warmup: The rate rises to the highest over this share of all steps, in a
            straight line. Over the others it falls in one, to nearly zero.
        rate_steps: Or it changes in steps, given as pairs: from this share of all steps
            on, it is the highest times this factor. Before the first pair, it is 1.
        label_smoothing: Share of each target spread over all classes.
        criterion: Maps scores and labels to the loss; cross-entropy if None.
        shift: Each image is moved by up to so many pixels, anew in every epoch.
        flip: Half of the images are mirrored, others in every epoch.
        border: What moves in at a border: see `data.vary`.
        seed: Decides the order of the images and their variation, on every device and
            for any number of processes alike.
        precision: ``no``, ``bf16`` or ``fp16``; if None, what `accelerate launch` says.
        accumulation: A process handles its share of a batch in so many parts, one after
            the other. That takes less memory and gives the same step, but for batch
            normalisation, whose statistics are those of a part.
        channels_last: Whether a pixel's channels lie side by side in memory.
        progress: Whether a bar is shown, by the first process.
        run: The folder of log and checkpoints; training goes on from its last one.

    Returns:
        A row an epoch: epoch, train_loss and train_error (%, running means over the
        epoch), and validation_loss and validation_error (%) if asked for.

    Raises:
        FloatingPointError: If the loss is no longer finite.
        ValueError: If the optimizer is unknown, there is nothing to train on or for, or
            a batch has fewer images than parts.
    """
    _check(epochs=epochs, batch_size=batch_size, accumulation=accumulation)
    if not len(train):
        raise ValueError("there is no image to train on")
    criterion = criterion or partial(F.cross_entropy, label_smoothing=label_smoothing)
    with _accelerator(precision) as accelerator:
        memory = torch.channels_last if channels_last else torch.contiguous_format
        model = model.to(accelerator.device, memory_format=memory)
        train = train.to(accelerator.device)
        portions = accelerator.num_processes * accumulation
        steps = len(_batches(torch.arange(len(train)), batch_size, portions))
        updates = _optimizer(optimizer, model, learning_rate, weight_decay)
        schedule = _schedule(updates, epochs * steps, learning_rate, warmup, rate_steps)
        network, updates, schedule = accelerator.prepare(model, updates, schedule)
        history = run.restore(accelerator) if run else []
        generator = torch.Generator().manual_seed(seed)
        vary = partial(data.vary, shift=shift, flip=flip, border=border)
        bar = tqdm(
            desc="training",
            total=epochs * len(train),
            initial=len(history) * len(train),
            unit=" images",
            unit_scale=True,
            leave=False,
            **({} if progress and accelerator.is_main_process else {"disable": True}),
        )
        for epoch in range(1, epochs + 1):
            # Drawn for an epoch that is done, too, so that those after it are the same.
            order = torch.randperm(len(train), generator=generator)
            varied = shift or flip or isinstance(train, Folder)
            draws = torch.rand(len(train), 4, generator=generator) if varied else None
            if epoch <= len(history):
                continue
            network.train()
            updates.zero_grad()
            sums = torch.zeros(2, device=accelerator.device)
            batches = _batches(order, batch_size, portions)
            for part, weight, is_last in _parts(
                train, batches, draws, vary, accelerator, accumulation
            ):
                shared = nullcontext() if is_last else accelerator.no_sync(network)
                with shared, modes.several_images():
                    scores = network(part.images)
                    loss = criterion(scores, part.labels)
                    accelerator.backward(weight * loss)
                if is_last:
                    updates.step()
                    schedule.step()
                    updates.zero_grad()
                wrong = (scores.argmax(dim=1) != part.labels).sum()
                sums += torch.stack([loss.detach() * len(part), wrong])
                bar.update(len(part) * accelerator.num_processes)
            loss, error = (accelerator.reduce(sums) / len(train)).tolist()
            if not math.isfinite(loss):
                raise FloatingPointError(
                    f"the training loss is {loss} in epoch {epoch}: lower learning_rate"
                )
            history.append(
                {"epoch": epoch, "train_loss": loss, "train_error": 100 * error}
            )
            _share_statistics(model, accelerator)
            if validation is not None:
                held_out = evaluate(model, validation, criterion)
                history[-1] |= {
                    "validation_loss": held_out.loss,
                    "validation_error": held_out.error,
                }
            if run:
                run.save(accelerator, history)
        bar.close()
    return pd.DataFrame(history)


@contextmanager
def _accelerator(precision: str | None) -> Iterator[Accelerator]:
    """Yield an Accelerator of this precision, whatever the last one's was.

    Accelerate keeps the precision in one place for the whole process, and refuses
    another. So it begins anew here, and afterwards finds again what was there: an
    Accelerator of the reader's own stays as it is. A network that was prepared is given
    back its own `forward`, also if training is interrupted.
    """
    state = AcceleratorState._shared_state
    before = dict(state)
    state.clear()
    try:
        accelerator = Accelerator(
            mixed_precision=precision, step_scheduler_with_optimizer=False
        )
        if accelerator.device.type == "cpu" and accelerator.mixed_precision == "fp16":
            raise ValueError("precision fp16 needs a GPU: take bf16 or no")
        try:
            yield accelerator
        finally:
            for model in accelerator._models:
                accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    finally:
        state.clear()
        state.update(before)


def fit_each(
    models: Sequence[nn.Module],
    train: Split | Sequence[Split],
    *,
    seeds: Sequence[int],
    **options,
) -> list[pd.DataFrame]:
    """Train several networks, one after the other, under one progress bar.

    Not side by side in threads: PyTorch 2.11 has crashed there, once in thirty runs.

    Args:
        models: The networks; they are trained in place.
        train: One training set for all, or one for each.
        seeds: One for each.
        options: Arguments of `fit`.

    Returns:
        The histories, in the order of `models`.
    """
    sets = [train] * len(models) if isinstance(train, Split) else train
    jobs = tqdm(
        zip(models, sets, seeds, strict=True), "networks", len(models), leave=False
    )
    return [
        fit(model, part, seed=seed, progress=False, **options)
        for model, part, seed in jobs
    ]


@torch.no_grad()
def predict(model: nn.Module, images: Tensor, *, batch_size: int = 1000) -> Tensor:
    """Return the scores (N, classes) of all images, with the model in eval mode."""
    where = next((weight.device for weight in model.parameters()), images.device)
    with modes.running(model):
        scores = [model(part.to(where)) for part in images.split(batch_size)]
    return torch.cat(scores)


def evaluate(
    model: nn.Module,
    split: Split | Folder,
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


def _check(**counts: int) -> None:
    """Refuse a count that is not a whole number from 1."""
    for name, count in counts.items():
        if not isinstance(count, Integral) or count < 1:
            raise ValueError(f"{name} must be a whole number from 1, got {count!r}")


def _batches(order: Tensor, batch_size: int, portions: int) -> list[Tensor]:
    """Cut an epoch's order into batches of at least two images, and one a portion.

    A smaller rest joins the batch before it: batch normalisation needs two images, and
    each process some.

    Raises:
        ValueError: If the data set or the batch size is too small for that.
    """
    least = max(2, portions)
    if min(len(order), batch_size) < portions:
        raise ValueError(
            f"{min(len(order), batch_size)} images a batch cannot be shared out into "
            f"{portions} parts (processes times accumulation)"
        )
    batches = list(order.split(batch_size))
    if len(batches) > 1 and len(batches[-1]) < least:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def _parts(
    train: Split | Folder,
    batches: list[Tensor],
    draws: Tensor | None,
    vary: Callable[[Tensor, Tensor], Tensor],
    accelerator: Accelerator,
    accumulation: int,
) -> Iterator[tuple[Split, float, bool]]:
    """Yield this process's parts of each batch, varied.

    With each comes the weight that its mean loss has in the batch's (the processes'
    gradients are averaged), and whether it is the process's last part of the batch.
    """
    portions = accelerator.num_processes * accumulation
    first = accelerator.process_index * accumulation
    plan = [
        (part, len(part) * accelerator.num_processes / len(batch), i == accumulation)
        for batch in batches
        for i, part in enumerate(
            batch.tensor_split(portions)[first : first + accumulation], start=1
        )
    ]
    stream = train.batches([indices for indices, _, _ in plan], draws)
    for (indices, weight, is_last), part in zip(plan, stream, strict=True):
        if draws is not None:
            part = Split(vary(part.images, draws[indices]), part.labels)
        yield part, weight, is_last


def _optimizer(
    name: str, model: nn.Module, learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Return the optimizer, in the form that updates all weights in one pass."""
    if name == "adamw":
        groups = _parameter_groups(model, weight_decay)
        return torch.optim.AdamW(groups, lr=learning_rate, fused=True)
    if name == "sgd":
        return torch.optim.SGD(
            model.parameters(),
            lr=learning_rate,
            momentum=0.9,
            weight_decay=weight_decay,
            fused=True,
        )
    raise ValueError(f"unknown optimizer {name!r}: known are 'adamw' and 'sgd'")


def _schedule(
    updates: torch.optim.Optimizer,
    steps: int,
    learning_rate: float,
    warmup: float,
    rate_steps: Sequence[tuple[float, float]],
) -> LRScheduler:
    """Return a rate that rises and falls, or changes at given shares of the steps."""
    if not rate_steps:
        return OneCycleLR(
            updates,
            max_lr=learning_rate,
            total_steps=steps,
            pct_start=warmup,
            anneal_strategy="linear",
            cycle_momentum=False,
        )

    def factor(step: int) -> float:
        passed = [factor for share, factor in rate_steps if step >= share * steps]
        risen = min(1.0, (step + 1) / (warmup * steps)) if warmup else 1.0
        return risen * (passed[-1] if passed else 1.0)

    return LambdaLR(updates, factor)


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Kernels and matrices decay; biases, scales and coefficients do not."""
    kernels = [p for p in model.parameters() if p.squeeze().ndim > 1]
    others = [p for p in model.parameters() if p.squeeze().ndim <= 1]
    return [
        {"params": kernels, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def _share_statistics(model: nn.Module, accelerator: Accelerator) -> None:
    """Give all processes the first one's running statistics of batch normalisation."""
    if accelerator.num_processes > 1:
        for buffer in model.buffers():
            broadcast(buffer)
