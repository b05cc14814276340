"""Recorded runs: results too long to compute in a chapter, with their origin."""

from __future__ import annotations

import json
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch

from .checkpoints import write_whole
from .papers import ROOT, damaged
from .training import device

FOLDER = ROOT / "data" / "runs"


def load(name: str) -> dict:
    """Return the recorded run ``data/runs/<name>.json``.

    Raises:
        FileNotFoundError: If there is none of that name; the message lists them.
        ValueError: If the file is damaged.
    """
    path = FOLDER / f"{name}.json"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.json")))
        raise FileNotFoundError(f"no recorded run {name!r}; there are: {known}")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise damaged(path, error) from error


def origin(command: str, seeds: list[int]) -> dict:
    """Describe a run that is about to begin: what, from which code, and on what.

    Call it before the run: the code may have changed when the run is over.
    """
    packages = ("torch", "torchvision", "accelerate")
    return {
        "command": command,
        "commit": _commit(),
        "device": _device(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in packages},
        },
        "seeds": seeds,
    }


def save(name: str, record: dict) -> Path:
    """Write a run, its `origin` included, to ``data/runs/<name>.json``."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    write_whole(path, json.dumps(record, indent=1) + "\n")
    return path


def _commit() -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()

    changed = git("status", "--porcelain", "--", "code")
    return git("rev-parse", "HEAD") + (" with local changes" if changed else "")


def _device() -> str:
    if device().type == "cuda":
        return torch.cuda.get_device_name()
    count = torch.get_num_threads()
    threads = "1 thread" if count == 1 else f"{count} threads"
    return f"{device().type}, {threads}, {platform.machine()}"
