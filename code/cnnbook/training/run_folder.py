"""A training run on the disk: its log, and where to go on after an interruption.

A run owns a folder::

    run.json                what was asked for, and on what it runs
    log.jsonl               an object a line: each epoch, then the test
    epoch-0004/             the last checkpoint: weights, optimiser, random numbers
    model.safetensors       the weights at the end

Whatever is written takes its name only when it is complete, and a checkpoint goes only
when the next one is there, and good. A process that is killed, or a disk that is full,
leaves the last good checkpoint as it was. What else lies in the folder is left alone.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import safetensors.torch
import torch
from accelerate import Accelerator, PartialState
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from torch import nn

from .._book import PARTIAL, remove_partial, write_whole

WRITTEN = ("run.json", "log.jsonl", "model.safetensors")
CHECKPOINT = re.compile(r"epoch-(\d{4,})")  # a folder of another name is not ours
FORMAT = 2  # of the folder; other numbers were written by other versions of the book


class RunFolder:
    """The folder of one training run; use it as a context manager.

    Args:
        path: Made if it does not exist.
        about: What decides the result: model, data set, recipe, seed. It must be
            JSON, and must be the same when the run is resumed.
        origin: Where and from which code the run is made (`provenance.origin`).
        resume: Whether to go on with the run that the folder holds, if it holds one.

    Raises:
        FileExistsError: If the folder holds a run and `resume` is false.
        BlockingIOError: If another process is writing to the folder.
        OSError: If the folder cannot be made or written to.
        ValueError: If the run to resume is another one, damaged, of another format, or
            without its record.
    """

    def __init__(
        self, path: Path, about: dict, origin: dict, *, resume: bool = False
    ) -> None:
        self.path = Path(path)
        self.about = json.loads(json.dumps(about))  # as it will be read again
        self._is_main = PartialState().is_main_process
        if self._is_main:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                self._lock = FileLock(self.path / ".lock")
                self._lock.acquire(timeout=0)
            except Timeout:
                raise BlockingIOError(
                    f"another process is writing to {self.path}: wait for it, or "
                    "choose another folder"
                ) from None
            except OSError as error:
                raise OSError(
                    f"{self.path} cannot be a run's folder ({error}): choose another"
                ) from error
            try:
                self._open(origin, resume)
            except BaseException:
                self._lock.release()
                raise
        PartialState().wait_for_everyone()

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if self._is_main:
            if kind and not self._holds_results():  # so that the folder is free again
                (self.path / "run.json").unlink(missing_ok=True)
            self._lock.release()

    def restore(self, accelerator: Accelerator) -> list[dict]:
        """Load the last checkpoint into what `accelerator` has prepared.

        Returns:
            The log of the epochs that are done; empty if there is no checkpoint.
        """
        self._clock = time.perf_counter()
        if not self._checkpoints():
            return []
        *earlier, last = self._checkpoints()
        try:
            accelerator.load_state(last)
            history = json.loads((last / "history.json").read_text())
        except (OSError, RuntimeError, ValueError, SafetensorError) as error:
            place = earlier[-1].name if earlier else "the start"
            raise ValueError(
                f"{last} is damaged ({error}): remove it to go on from {place}"
            ) from error
        accelerator.wait_for_everyone()  # all have read the last: the others may go
        if self._is_main:
            for checkpoint in earlier:
                shutil.rmtree(checkpoint)
        return history

    def save(self, accelerator: Accelerator, history: list[dict]) -> None:
        """Write a checkpoint after an epoch, and the log; every process calls this.

        The epoch's row in `history` is given its duration, in seconds.

        Raises:
            OSError: If it could not be written; the checkpoint before it remains.
        """
        name = f"epoch-{len(history):04}"
        before, partial = self._last(), self.path / (name + PARTIAL)
        start, self._clock = self._clock, time.perf_counter()
        history[-1]["seconds"] = round(self._clock - start, 2)
        with self._writing(f"the checkpoint {name}", partial):
            accelerator.save_state(partial)
            accelerator.wait_for_everyone()
            if self._is_main:
                (partial / "history.json").write_text(json.dumps(history))
                partial.rename(self.path / name)
                self._write_log(history)
        if self._is_main and before:
            shutil.rmtree(before)
        accelerator.wait_for_everyone()

    def finish(self, model: nn.Module, history: list[dict], test: dict) -> None:
        """Write the weights, and the test's figures as the last line of the log.

        Raises:
            OSError: If they could not be written; the last checkpoint remains.
        """
        if not self._is_main:
            return
        file = self.path / "model.safetensors"
        partial = file.with_name(file.name + PARTIAL)
        # Copies, since two names may share one tensor, which safetensors refuses.
        weights = {
            name: tensor.clone(memory_format=torch.contiguous_format)
            for name, tensor in model.state_dict().items()
        }
        with self._writing("the weights and the test", partial):
            safetensors.torch.save_file(weights, partial)
            partial.replace(file)
            self._write_log([*history, test])

    @contextmanager
    def _writing(self, what: str, partial: Path) -> Iterator[None]:
        """Turn an error in writing into one that says what is kept."""
        try:
            yield
        # PyTorch and safetensors report a full disk each in their own way.
        except (OSError, RuntimeError, SafetensorError) as error:
            remove_partial(partial)
            last = self._last()
            kept = f"the run can go on from {last.name}" if last else "none is kept"
            raise OSError(
                f"could not write {what} to {self.path} ({error}); {kept}. Is the "
                "disk full?"
            ) from error

    def _open(self, origin: dict, resume: bool) -> None:
        record = self.path / "run.json"
        if not record.exists():
            if self._holds_results():
                raise ValueError(f"{self.path} holds checkpoints, but no run.json")
            begun = {"format": FORMAT, "about": self.about, "origin": origin}
            write_whole(record, json.dumps(begun, indent=1) + "\n")
        elif not resume:
            raise FileExistsError(
                f"{self.path} holds a run: go on with it (--resume), or choose "
                "another folder"
            )
        else:
            self._check(record)
        for partial in self.path.glob("*" + PARTIAL):  # of a process that was killed
            name = partial.name.removesuffix(PARTIAL)
            if name in WRITTEN or CHECKPOINT.fullmatch(name):
                remove_partial(partial)

    def _check(self, path: Path) -> None:
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            there, format = dict(record["about"]), int(record["format"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} is damaged ({error!r}): choose another folder"
            ) from error
        if format != FORMAT:
            age, remedy = (
                ("a newer", "update the book")
                if format > FORMAT
                else (
                    "an older",
                    "go on with that version, or take another folder",
                )
            )
            raise ValueError(
                f"{self.path} was written by {age} version of the book (format "
                f"{format}, this one has {FORMAT}): {remedy}"
            )
        asked = self.about
        differing = [
            f"{key} is {there.get(key)!r} there, and {asked.get(key)!r} here"
            for key in sorted(there | asked)
            if there.get(key) != asked.get(key)
        ]
        if differing:
            raise ValueError(
                f"the run in {self.path} is another one: {'; '.join(differing)}"
            )

    def _holds_results(self) -> bool:
        return self._last() is not None or (self.path / "log.jsonl").exists()

    def _checkpoints(self) -> list[Path]:
        """Return the checkpoints, the last one last."""
        found = {
            int(match[1]): path
            for path in self.path.glob("epoch-*")
            if path.is_dir() and (match := CHECKPOINT.fullmatch(path.name))
        }
        return [found[epoch] for epoch in sorted(found)]

    def _last(self) -> Path | None:
        return next(reversed(self._checkpoints()), None)

    def _write_log(self, rows: list[dict]) -> None:
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        write_whole(self.path / "log.jsonl", lines)
