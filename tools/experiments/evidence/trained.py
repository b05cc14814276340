"""A training run as a piece of a part: it goes on from its last checkpoint."""

import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from cnnbook import training
from cnnbook._book import PARTIAL
from cnnbook.data import Split
from cnnbook.training import Recipe, weights

from .budget import TimeIsUpError
from .setting import RefusedError, Setting
from .side_by_side import SideBySide

SAVE_AFTER = 20  # seconds: a shorter time is cheaper to repeat than to save often


@dataclass(frozen=True)
class Run:
    """What is trained: a network, by a recipe, from one seed or several side by side.

    Attributes:
        name: Of the network.
        make: Builds it; a seed decides its weights.
        recipe: How it is trained.
        seeds: One, or several side by side.
        follow: Whether the error on the images that are watched is taken after each
            epoch, and not only at the end.
        keep: Whether the weights are kept, for another part.
    """

    name: str
    make: Callable[[], nn.Module]
    recipe: Recipe
    seeds: Sequence[int]
    follow: bool = False
    keep: bool = False

    @property
    def key(self) -> str:
        """Its name among the pieces of a part."""
        return f"{self.name}, seed {' '.join(map(str, self.seeds))}"


def weights_of(setting: Setting, part: str, name: str, seed: int) -> Path:
    """Return where the weights of a trained network are kept."""
    kind = f"{setting.kind}{'-tiny' if setting.tiny else ''}"
    return setting.state / kind / part / f"{name}-seed{seed}.safetensors"


def train(
    run: Run, part: str, train: Split, test: Split, setting: Setting
) -> list[dict]:
    """Train and test; return an entry of the record for each seed.

    Raises:
        TimeIsUpError: If the budget is spent; the last checkpoint remains.
        RefusedError: If the checkpoint is damaged.
    """
    engine = SideBySide(
        run.make, train, run.recipe, run.seeds, precision=setting.precision
    )
    kept = weights_of(setting, part, run.name, run.seeds[0])
    file = kept.with_name(run.key.replace(", ", "-").replace(" ", "-") + ".pt")
    # A list a learner of rows, and the seconds that all of them took together.
    history: list[list[dict]] = [[] for _ in run.seeds]
    seconds: list[float] = []
    if file.exists():
        history, seconds = _load(engine, file)
    saved = time.monotonic()
    while engine.epochs < run.recipe.epochs:
        # An epoch that cannot be finished would be lost.
        setting.budget.check(seconds[-1] if seconds else 0.0)
        start = time.perf_counter()
        rows = engine.epoch(setting.budget.check)
        seconds.append(time.perf_counter() - start)
        for own, row, learner in zip(history, rows, engine.learners, strict=True):
            if run.follow:
                row["test_error"] = training.evaluate(learner.network, test).error
            own.append(row)
        if time.monotonic() - saved > SAVE_AFTER or _is_over(setting, seconds[-1]):
            _save(engine, history, seconds, file)
            saved = time.monotonic()
    entries = []
    for learner, rows in zip(engine.learners, history, strict=True):
        if run.keep:
            place = weights_of(setting, part, run.name, learner.seed)
            place.parent.mkdir(parents=True, exist_ok=True)
            weights.save(learner.network, place)
        entry = _entry(learner.seed, rows, seconds, run, test, learner.network)
        entries.append(entry | {"captured": engine.graphs})
    file.unlink(missing_ok=True)
    return entries


def _entry(
    seed: int,
    rows: list[dict],
    seconds: list[float],
    run: Run,
    test: Split,
    network: nn.Module,
) -> dict:
    entry = {
        "seed": seed,
        "seconds": round(sum(seconds), 2),
        "side_by_side": len(run.seeds),
        "train_error": [round(row["train_error"], 3) for row in rows],
    }
    if run.follow:
        errors = [round(row["test_error"], 3) for row in rows]
        return entry | {"test_error": errors, "epoch_seconds": _rounded(seconds)}
    return entry | {"test_error": round(training.evaluate(network, test).error, 3)}


def _rounded(seconds: list[float]) -> list[float]:
    return [round(value, 3) for value in seconds]


def _is_over(setting: Setting, next_epoch: float) -> bool:
    """Return whether there is no time for one more epoch."""
    try:
        setting.budget.check(next_epoch)
    except TimeIsUpError:
        return True
    return False


def _save(
    engine: SideBySide, history: list[list[dict]], seconds: list[float], file: Path
) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(file.name + PARTIAL)
    state = {"engine": engine.state(), "history": history, "seconds": seconds}
    torch.save(state, partial)
    partial.replace(file)


def _load(engine: SideBySide, file: Path) -> tuple[list[list[dict]], list[float]]:
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        engine.load(state["engine"])
        return state["history"], state["seconds"]
    except (
        OSError,
        RuntimeError,
        KeyError,
        ValueError,
        EOFError,
        pickle.UnpicklingError,
    ) as error:
        raise RefusedError(
            f"The checkpoint {file} is damaged ({type(error).__name__}): remove it, "
            "and its run begins anew."
        ) from error
