"""The one training loop of the book, on whatever device there is.

Hugging Face Accelerate finds the device (CPU, CUDA, Apple's MPS) and the number of
processes; the loop is the same on all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from tqdm import tqdm

from .._observe import several_images
from .._progress import progress
from .._settings import check_count
from ..data import Images, Split
from .evaluation import evaluate
from .optimization import make_optimizer, make_scheduler
from .recipe import Criterion, Recipe
from .run_folder import RunFolder


@dataclass(frozen=True)
class MicroBatch:
    """The part of a batch that goes through a network at once: all of it, as a rule.

    Attributes:
        images: Tensor of shape (n, C, H, W).
        labels: Tensor of shape (n,).
        weight: What its mean loss counts in the batch's. The processes' gradients are
            averaged, so that it is n / batch size times the number of processes.
        is_last: Whether it is this process's last part of the batch.
    """

    images: Tensor
    labels: Tensor
    weight: float
    is_last: bool


def train_epoch(
    model: nn.Module,
    batches: Iterable[MicroBatch],
    criterion: Criterion,
    optimizer: Optimizer,
    scheduler: LRScheduler,
    accelerator: Accelerator,
    report: Callable[[int], object],
) -> Tensor:
    """Show all training images once; return the sums of the loss and of the errors."""
    model.train()  # dropout drops, batch normalisation looks at the batch
    totals = torch.zeros(2, device=accelerator.device)
    for batch in batches:
        # Processes add their gradients up only when the batch is complete.
        sharing = nullcontext() if batch.is_last else accelerator.no_sync(model)
        with sharing, several_images():
            scores = model(batch.images)  # forward: (n, classes)
            loss = criterion(scores, batch.labels)
            # Backward: the gradient is added to what each weight's grad holds.
            accelerator.backward(batch.weight * loss)
        if batch.is_last:
            optimizer.step()  # each weight goes a step against its gradient
            scheduler.step()  # the next step may be longer or shorter
            optimizer.zero_grad()  # otherwise the next gradient would be added
        # Counted where the images are: asking for a number would wait for the GPU.
        wrong = (scores.argmax(dim=1) != batch.labels).sum()
        totals += torch.stack([loss.detach() * len(scores), wrong])
        report(len(scores))
    return totals


def fit(
    model: nn.Module,
    train: Images,
    recipe: Recipe,
    *,
    validation: Images | None = None,
    seed: int = 0,
    precision: str | None = None,
    gradient_accumulation: int = 1,
    channels_last: bool = True,
    run: RunFolder | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Train `model` in place: in one process or in several, on whatever device.

    Args:
        model: Maps images (N, C, H, W) to scores (N, classes).
        train: All training images, as one tensor; or a folder to read them from.
        recipe: How to train.
        validation: Evaluated after every epoch, if given.
        seed: Decides the order of the images and their augmentation, on every device
            and for any number of processes alike.
        precision: ``no``, ``bf16`` or ``fp16``; if None, what `accelerate launch` says.
        gradient_accumulation: A process handles its share of a batch in so many
            micro-batches, one after the other. That takes less memory and gives the
            same step, but for batch normalisation, whose statistics are those of a
            micro-batch.
        channels_last: Whether a pixel's channels lie side by side in memory.
        run: The folder of log and checkpoints; training goes on from its last one.
        progress: Whether a bar is shown, by the first process.

    Returns:
        A row an epoch: epoch, train_loss and train_error (%, running means over the
        epoch), and validation_loss and validation_error (%) if asked for.

    Raises:
        FloatingPointError: If the loss is no longer finite.
        ValueError: If there is nothing to train on, or not in finite numbers; if the
            augmentation does not suit the images, a batch has fewer images than
            micro-batches (or one, where batch normalisation compares several), weights
            have no size before the first image, or the device lacks the precision.
        And as `RunFolder` does.
    """
    check_count("gradient_accumulation", gradient_accumulation)
    if not len(train):
        raise ValueError("there is no image to train on")
    if any(map(is_lazy, model.parameters())):
        raise ValueError(
            "the network has layers without a size yet, such as nn.LazyLinear: show it "
            "one batch of images first"
        )
    with _accelerator(precision) as accelerator:
        layout = torch.channels_last if channels_last else torch.contiguous_format
        # torch's annotations lack the two together.
        model = model.to(  # type: ignore[call-overload]
            accelerator.device, memory_format=layout
        )
        train = train.to(accelerator.device).augmented(recipe.augmentation)
        parts = accelerator.num_processes * gradient_accumulation
        steps = len(cut(torch.arange(len(train)), recipe.batch_size, parts))
        optimizer = make_optimizer(model, recipe)
        scheduler = make_scheduler(optimizer, recipe, recipe.epochs * steps)
        network, optimizer, scheduler = accelerator.prepare(model, optimizer, scheduler)
        optimizer.zero_grad()
        history = run.restore(accelerator) if run else []
        _check_steps(scheduler, len(history) * steps)
        generator = torch.Generator().manual_seed(seed)
        bar = _bar(
            train, recipe, len(history), progress and accelerator.is_main_process
        )
        for epoch in range(1, recipe.epochs + 1):
            # Drawn for epochs that are done, too, so that the others are the same.
            order = torch.randperm(len(train), generator=generator)
            draws = train.draw(generator)
            if epoch <= len(history):
                continue
            batches = cut(order, recipe.batch_size, parts)
            totals = train_epoch(
                network,
                _micro_batches(train, batches, draws, accelerator, parts),
                recipe.loss,
                optimizer,
                scheduler,
                accelerator,
                lambda images: bar.update(images * accelerator.num_processes),
            )
            _share_statistics(model, accelerator)
            _check_all_move(model, optimizer)
            means = accelerator.reduce(totals) / len(train)
            history.append(_row(epoch, means, train))
            if validation is not None:
                held_out = evaluate(model, validation, recipe.loss)
                history[-1] |= {
                    "validation_loss": held_out.loss,
                    "validation_error": held_out.error,
                }
            if run:
                run.save(accelerator, history)
        bar.close()
    return pd.DataFrame(history)


def fit_seeds(
    make: Callable[[], nn.Module],
    train: Images | Sequence[Images],
    recipe: Recipe,
    *,
    seeds: Sequence[int],
    **options: Any,
) -> tuple[list[nn.Module], list[pd.DataFrame]]:
    """Build and train a network for each seed, one after the other, under one bar.

    Not side by side in threads: PyTorch 2.11 has crashed there, once in thirty runs.

    Args:
        make: Builds a network; the seed decides its weights.
        train: One training set for all, or one for each seed.
        recipe: How to train.
        seeds: Each decides weights, order and augmentation of its network.
        options: Arguments of `fit`.

    Returns:
        The networks and their histories, in the order of the seeds.
    """
    sets = train if isinstance(train, Sequence) else [train] * len(seeds)
    networks, histories = [], []
    for seed, own in progress(zip(seeds, sets, strict=True), "networks", len(seeds)):
        torch.manual_seed(seed)
        networks.append(make())
        histories.append(
            fit(networks[-1], own, recipe, seed=seed, progress=False, **options)
        )
    return networks, histories


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


def cut(order: Tensor, batch_size: int, parts: int = 1) -> list[Tensor]:
    """Cut an epoch's order into batches of at least two images, and one per part.

    A smaller rest joins the batch before it: batch normalisation needs two images, and
    each process some.

    Raises:
        ValueError: If the data set or the batch size is too small for that.
    """
    least = max(2, parts)
    if min(len(order), batch_size) < parts:
        raise ValueError(
            f"{min(len(order), batch_size)} images a batch cannot be shared out into "
            f"{parts} micro-batches (processes times gradient_accumulation)"
        )
    batches = list(order.split(batch_size))
    if len(batches) > 1 and len(batches[-1]) < least:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def _micro_batches(
    train: Images,
    batches: list[Tensor],
    draws: Tensor | None,
    accelerator: Accelerator,
    parts: int,
) -> Iterator[MicroBatch]:
    """Yield this process's micro-batches of each batch, augmented.

    Args:
        batches: Index tensors, each of a batch.
        draws: What decides the augmentation.
        parts: Into how many each batch is cut, over all processes together.
    """
    own = parts // accelerator.num_processes
    first = accelerator.process_index * own
    plan = [
        (part, len(part) * accelerator.num_processes / len(batch), i == own)
        for batch in batches
        for i, part in enumerate(batch.tensor_split(parts)[first : first + own], 1)
    ]
    # The data sees all parts at once, so that it can read ahead.
    stream = train.batches([indices for indices, _, _ in plan], draws)
    for (_, weight, is_last), part in zip(plan, stream, strict=True):
        yield MicroBatch(part.images, part.labels, weight, is_last)


def _row(epoch: int, means: Tensor, train: Images) -> dict:
    """Return an epoch's row of the history, from its mean loss and error."""
    loss, error = means.tolist()
    if not math.isfinite(loss):
        if isinstance(train, Split) and not train.images.isfinite().all():
            raise ValueError("the training images hold numbers that are not finite")
        raise FloatingPointError(
            f"the training loss is {loss} in epoch {epoch}: lower learning_rate"
        )
    return {"epoch": epoch, "train_loss": loss, "train_error": 100 * error}


def _check_steps(scheduler: LRScheduler, expected: int) -> None:
    """Refuse to go on with a run whose epochs had another number of steps."""
    done = scheduler.state_dict()["last_epoch"]
    if done != expected:
        raise ValueError(
            f"the run has made {done} steps, and would have made {expected} with as "
            "many processes and micro-batches as now: take those of its beginning"
        )


def _check_all_move(model: nn.Module, optimizer: Optimizer) -> None:
    """Refuse a network that makes weights in `forward`: no optimizer knows them."""
    known = {id(w) for group in optimizer.param_groups for w in group["params"]}
    new = [name for name, w in model.named_parameters() if id(w) not in known]
    if new:
        raise ValueError(
            f"{new[0]!r} was made while the network ran, so that no step moves it: "
            "make it in __init__, or show the network one batch of images first"
        )


def _bar(train: Images, recipe: Recipe, done: int, shown: bool) -> tqdm:
    """Return the bar of progress, in images; `done` epochs are behind it."""
    return progress(
        name="training",
        total=recipe.epochs * len(train),
        initial=done * len(train),
        unit=" images",
        unit_scale=True,
        shown=shown,
    )


def _share_statistics(model: nn.Module, accelerator: Accelerator) -> None:
    """Give all processes the first one's running statistics of batch normalisation."""
    if accelerator.num_processes > 1:
        for buffer in model.buffers():
            broadcast(buffer)
