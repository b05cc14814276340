"""Several seeds of one network, trained at once on one device.

A network for CIFAR-10 is small: of a training step on a large GPU most of the time goes
into *starting* some hundreds of kernels, not into running them. Two things help. The
kernels of a whole step, optimizer and augmentation included, are captured once in a
CUDA graph, and started together from then on. And networks that differ only in their
seed have a branch of the graph each, so that their kernels run side by side.

Without CUDA the same steps are done one by one. They are those of `training.fit`, bit
for bit: the same order of images, the same draws, the same rates; a test says so.
"""

import copy
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from cnnbook import training
from cnnbook.data import Split
from cnnbook.training import Recipe
from cnnbook.training.loop import cut
from cnnbook.training.optimization import make_optimizer, make_scheduler

WARM_UP = 3  # steps before the capture: libraries choose algorithms, memory is taken


def rates(recipe: Recipe, steps: int) -> list[float]:
    """Return the learning rate of each step, as the book's schedulers set it."""
    optimizer = torch.optim.SGD([torch.zeros(1)], recipe.learning_rate)
    scheduler = make_scheduler(optimizer, recipe, steps)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


class Learner:
    """A network with its optimizer, its random numbers and its sums of an epoch."""

    network: nn.Module
    optimizer: Optimizer

    def __init__(
        self, make: Callable[[], nn.Module], recipe: Recipe, seed: int
    ) -> None:
        torch.manual_seed(seed)
        self.seed = seed
        self.network = make().to(  # type: ignore[call-overload]
            training.device(), memory_format=torch.channels_last
        )
        self.optimizer = make_optimizer(self.network, recipe)
        self.generator = torch.Generator().manual_seed(seed)
        self.totals = torch.zeros(2, device=training.device())

    def state(self) -> dict:
        """Return all that decides how it goes on."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
        }

    def load(self, state: dict) -> None:
        """Go on from what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])


class SideBySide:
    """The learners of several seeds, and the epochs that they go through together.

    Args:
        make: Builds a network; the seed decides its weights.
        train: All training images, as one tensor.
        recipe: How to train.
        seeds: Each decides weights, order and augmentation of its network.
        precision: ``no`` or ``bf16``.
        graphs: Whether to capture the steps; by default wherever there is CUDA.
    """

    def __init__(
        self,
        make: Callable[[], nn.Module],
        train: Split,
        recipe: Recipe,
        seeds: Sequence[int],
        *,
        precision: str = "no",
        graphs: bool | None = None,
    ) -> None:
        self.device = training.device()
        self.graphs = self.device.type == "cuda" if graphs is None else graphs
        self.train = train.to(self.device).augmented(recipe.augmentation)
        self.recipe, self.precision = recipe, precision
        self.learners = [Learner(make, recipe, seed) for seed in seeds]
        self.sizes = [len(b) for b in cut(torch.arange(len(train)), recipe.batch_size)]
        self.rates = rates(recipe, recipe.epochs * len(self.sizes))
        self.epochs = 0
        # What a step reads lies where it is captured to lie.
        self.order = torch.zeros(
            len(seeds), len(train), dtype=torch.int64, device=self.device
        )
        self.draws = torch.zeros(len(seeds), len(train), 4, device=self.device)
        self.chosen = self.order[:, : max(self.sizes)].clone()
        self.captured: dict[int, torch.cuda.CUDAGraph] = {}

    def epoch(self, check: Callable[[], object] = lambda: None) -> list[dict]:
        """Show all images once to each learner; return a row of each one's history.

        Args:
            check: Called before each step. If it raises, the learners have done a part
                of an epoch, and can only go on from an earlier state.
        """
        if self.graphs and not self.captured:
            self._capture()
        self._draw()
        for learner in self.learners:
            learner.network.train()
            learner.totals.zero_()
        start, first = 0, self.epochs * len(self.sizes)
        for step, size in enumerate(self.sizes, first):
            check()
            self.chosen[:, :size].copy_(self.order[:, start : start + size])
            self._set_rate(self.rates[step])
            if self.graphs:
                self.captured[size].replay()
            else:
                self._step(size)
            start += size
        self.epochs += 1
        return [self._row(learner) for learner in self.learners]

    def state(self) -> dict:
        """Return what `load` needs to go on after the last epoch."""
        return {
            "epochs": self.epochs,
            "learners": [learner.state() for learner in self.learners],
            "random": torch.get_rng_state(),  # dropout draws from it
        }

    def load(self, state: dict) -> None:
        """Go on from what `state` returned; before the first epoch of this process."""
        for learner, own in zip(self.learners, state["learners"], strict=True):
            learner.load(own)
        torch.set_rng_state(state["random"])
        self.epochs = state["epochs"]

    def _draw(self) -> None:
        """Draw the next epoch's order and augmentation, as `training.fit` does."""
        for index, learner in enumerate(self.learners):
            images = len(self.train)
            self.order[index] = torch.randperm(images, generator=learner.generator)
            draws = self.train.draw(learner.generator)
            if draws is not None:
                self.draws[index] = draws

    def _set_rate(self, rate: float) -> None:
        for learner in self.learners:
            for group in learner.optimizer.param_groups:
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(rate)
                else:
                    group["lr"] = rate

    def _step(self, size: int) -> None:
        for index in range(len(self.learners)):
            self._learn(index, size)

    def _learn(self, index: int, size: int) -> None:
        """Let one learner make a step with the images that are chosen for it."""
        learner, chosen = self.learners[index], self.chosen[index, :size]
        batch = self.train[chosen]
        images = batch.images
        if self.train.augmentation.moves:
            images = self.train.augmentation.vary(images, self.draws[index][chosen])
        short = torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.precision == "bf16"
        )
        with short:
            scores = learner.network(images)
        scores = scores.float()
        loss = self.recipe.loss(scores, batch.labels)
        loss.backward()
        learner.optimizer.step()
        learner.optimizer.zero_grad()
        wrong = (scores.argmax(dim=1) != batch.labels).sum()
        learner.totals += torch.stack([loss.detach() * len(scores), wrong])

    def _row(self, learner: Learner) -> dict:
        loss, wrong = (learner.totals / len(self.train)).tolist()
        if not math.isfinite(loss):
            raise FloatingPointError(f"the training loss became {loss}")
        return {"train_loss": loss, "train_error": 100 * wrong}

    def _capture(self) -> None:
        """Capture a step for each size of a batch, and undo what the capture did.

        Where it fails, the steps are done one by one.
        """
        before = copy.deepcopy(self.state())
        for learner in self.learners:
            for group in learner.optimizer.param_groups:
                # A number would be captured as it is; a tensor is read in each step.
                group["lr"] = torch.tensor(float(group["lr"]), device=self.device)
                if "capturable" in group:
                    group["capturable"] = True
        self._warm_up()
        try:
            for size in set(self.sizes):
                self.captured[size] = self._captured(size)
        except RuntimeError:
            self.captured.clear()
            self.graphs = False
        self._put_back(before)

    def _warm_up(self) -> None:
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for size in [*set(self.sizes)] * WARM_UP:
                self._step(size)
        torch.cuda.current_stream().wait_stream(aside)

    def _captured(self, size: int) -> torch.cuda.CUDAGraph:
        """Return the graph of a step with batches of one size."""
        graph = torch.cuda.CUDAGraph()
        streams = [torch.cuda.Stream() for _ in self.learners]
        with torch.cuda.graph(graph):
            main = torch.cuda.current_stream()
            # All branches leave before the first one comes back: side by side.
            for index, stream in enumerate(streams):
                stream.wait_stream(main)
                with torch.cuda.stream(stream):
                    self._learn(index, size)
            for stream in streams:
                main.wait_stream(stream)
        return graph

    def _put_back(self, state: dict) -> None:
        """Write a state into the tensors that are captured, and not beside them."""
        for learner, own in zip(self.learners, state["learners"], strict=True):
            learner.network.load_state_dict(own["network"])
            learner.optimizer.zero_grad()  # of a capture that failed
            kept = own["optimizer"]["state"]
            for number, values in enumerate(learner.optimizer.state.values()):
                for name, tensor in values.items():
                    # Before a first step there is nothing, which is as good as zeros.
                    old = kept.get(number, {}).get(name, torch.zeros_like(tensor))
                    tensor.copy_(old)
            learner.generator.set_state(own["generator"])
        torch.set_rng_state(state["random"])
