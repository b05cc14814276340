"""Recorded runs: results too long to compute in a chapter, with their origin."""

from __future__ import annotations

import json
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch

from .papers import ROOT
from .training import device

FOLDER = ROOT / "data" / "runs"


def load(name: str) -> dict:
    """Return the recorded run ``data/runs/<name>.json``.

    Raises:
        FileNotFoundError: If there is none of that name; the message lists them.
    """
    path = FOLDER / f"{name}.json"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.json")))
        raise FileNotFoundError(f"no recorded run {name!r}; there are: {known}")
    return json.loads(path.read_text(encoding="utf-8"))


def save(name: str, results: dict, *, command: str, seeds: list[int]) -> Path:
    """Write a run, with its command, commit, device, versions and seeds."""
    record = {
        "command": command,
        "commit": _commit(),
        "device": _device(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "torchvision", "accelerate")},
        },
        "seeds": seeds,
        **results,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)  # whole, or not at all
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
    threads = torch.get_num_threads()
    return f"{device().type}, {threads} threads, {platform.machine()}"
