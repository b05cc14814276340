"""On what the evidence is gathered: device, precision, data and folders."""

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from cnnbook import training

from .budget import Budget
from .pack import Pack, read

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "no", "bf16")


class RefusedError(Exception):
    """What was asked for cannot be done here; the text says why, in one sentence."""


@dataclass
class Setting:
    """What all parts share.

    Attributes:
        budget: The time that is left.
        precision: ``bf16`` or ``no`` (float32) for what is trained.
        tiny: Whether everything is as small as can be, to rehearse it.
        data: The packed data set.
        folder: Of the records.
        state: Of checkpoints and weights.
        command: The line that repeats the run.
        commit: Of the code, where its folder is no repository.
    """

    budget: Budget
    precision: str
    tiny: bool
    data: Path
    folder: Path
    state: Path
    command: str
    commit: str = ""

    @cached_property
    def device(self) -> torch.device:
        """The device that everything runs on."""
        return training.device()

    @property
    def on_gpu(self) -> bool:
        """Whether it is a GPU of CUDA, whose kernels can be replayed as a graph."""
        return self.device.type == "cuda"

    @cached_property
    def kind(self) -> str:
        """The device in a word or two that fit into a file's name."""
        name = torch.cuda.get_device_name() if self.on_gpu else self.device.type
        return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")

    @cached_property
    def pack(self) -> Pack:
        """The data set, decoded once; of a tiny setting, some of its images."""
        pack = read(self.data)
        return pack.thinned(128) if self.tiny else pack

    def size(self, full: int, tiny: int, on_cpu: int | None = None) -> int:
        """Return a size for a GPU, for a rehearsal, and for the CPU if it differs."""
        if self.tiny:
            return tiny
        return full if self.on_gpu or on_cpu is None else on_cpu


def choose_device(name: str) -> None:
    """Make `training.device` the one of this name, before anything asks for it.

    Raises:
        RefusedError: If the name is unknown, or there is no such device.
    """
    if name not in DEVICES:
        raise RefusedError(f"--device must be one of {', '.join(DEVICES)}, not {name}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise RefusedError(
            "There is no GPU that PyTorch can use here: leave --device out, and the "
            "same parts run on the CPU, which takes hours for the trained ones."
        )
    if name == "cpu":
        os.environ["ACCELERATE_USE_CPU"] = "true"
    if training.device().type == "cuda":
        # Convolutions of float32 are done so by default, and matrix products are not:
        # a rate of the one would be no limit for the other.
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.benchmark = True  # the shapes of a part do not change


def choose_precision(name: str) -> str:
    """Return ``bf16`` or ``no``: by default the shorter one where it is computed fast.

    Raises:
        RefusedError: If the name is unknown.
    """
    if name not in PRECISIONS:
        raise RefusedError(
            f"--precision must be one of {', '.join(PRECISIONS)}, not {name}."
        )
    if name != "auto":
        return name
    return "bf16" if has_bfloat16() else "no"


def has_bfloat16() -> bool:
    """Whether the device itself multiplies in bfloat16, and not by way of float32."""
    if training.device().type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported()
