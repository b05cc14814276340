"""Where a result comes from: the command, the code, the device, the versions."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version

import torch
from accelerate import PartialState

from .._book import ROOT
from .evaluation import device

LOCAL_TO_GIT = {  # `git rev-parse --local-env-vars` lists them and rarer ones
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"),
    *("GIT_OBJECT_DIRECTORY", "GIT_PREFIX"),
}
PACKAGES = ("torch", "torchvision", "accelerate")


def origin(command: str, seeds: Sequence[int], precision: str | None = None) -> dict:
    """Describe a run that is about to begin: what, from which code, and on what.

    Call it before the run: the code may have changed when the run is over.

    Args:
        command: The line that repeats the run.
        seeds: All that it uses.
        precision: As for `training.fit`.
    """
    return {
        "command": command,
        "commit": _commit(),
        "device": _device(),
        "precision": precision or os.environ.get("ACCELERATE_MIXED_PRECISION", "no"),
        "processes": PartialState().num_processes,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "seeds": list(seeds),
    }


def _commit() -> str:
    """Return the book's commit, "unknown" if it does not lie in a repository."""
    # A hook of git's, and all that it starts, is told of that repository by these.
    surroundings = {key: os.environ[key] for key in os.environ.keys() - LOCAL_TO_GIT}

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments],
            cwd=ROOT,
            env=surroundings,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    try:
        # A copy without a repository of its own may lie inside another one.
        if not ROOT.samefile(git("rev-parse", "--show-toplevel")):
            return "unknown"
        changed = git("status", "--porcelain", "--", "code")
        return git("rev-parse", "HEAD") + (" with local changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _device() -> str:
    if device().type == "cuda":
        return torch.cuda.get_device_name()
    count = torch.get_num_threads()
    threads = "1 thread" if count == 1 else f"{count} threads"
    return f"{device().type}, {threads}, {platform.machine()}"
