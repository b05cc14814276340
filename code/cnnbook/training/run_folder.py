"""A training run on the disk: its log, and where to go on after an interruption.

A run owns a folder::

    run.json                what was asked for, and on what it runs
    log.jsonl               an object a line: each epoch, then the test
    epoch-0004/             the last checkpoint: weights, optimiser, random numbers
    model.safetensors       the weights at the end

Whatever is written takes its name only when it is complete, and a checkpoint goes only
when the next one is there, and good. A process that is killed, or a disk that is full,
leaves the last good checkpoint as it was. What else lies in the folder, or in one of
its checkpoints, is left alone.
"""

from __future__ import annotations

import errno
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from accelerate import Accelerator, PartialState
from accelerate.utils import load as load_pickled  # tensors and numbers only
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from torch import nn

from .._book import PARTIAL, remove_partial, write_whole
from . import weights

RECORD, LOG, WEIGHTS = WRITTEN = ("run.json", "log.jsonl", "model.safetensors")
# What has another name is not ours: in the folder, and in a checkpoint.
CHECKPOINT = re.compile(r"epoch-((?!0000)[0-9]{4}|[1-9][0-9]{4,})")
CONTENT = re.compile(
    r"model\.safetensors|(optimizer|scheduler)\.bin|scaler\.pt|history\.json"
    r"|random_states_[0-9]+\.pkl"
)
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # what systems call a full disk
FORMAT = 2  # of the folder; other numbers were written by other versions of the book


class RunFolder:
    """The folder of one training run; use it as a context manager.

    Args:
        path: Made if it does not exist.
        about: What decides the result: model, data set, recipe, seed. It must be
            JSON, and must be the same when the run is resumed, in the same precision.
        origin: Where and from which code the run is made (`provenance.origin`).
        resume: Whether to go on with the run that the folder holds, if it holds one.
            The record tells then where and from which code it went on.
        goes_on: Whether a run of other epochs, as the record has them, has done the
            same as this one until a given epoch. Then it may be resumed, too.

    Raises:
        FileExistsError: If the folder holds a run and `resume` is false.
        BlockingIOError: If another process is writing to the folder.
        OSError: If the folder cannot be made or written to.
        ValueError: If the run to resume is another one, damaged, of another format, or
            without its record.
    """

    def __init__(
        self,
        path: Path,
        about: dict,
        origin: dict,
        *,
        resume: bool = False,
        goes_on: Callable[[int, int], bool] = lambda epochs, done: False,
    ) -> None:
        self.path = Path(path)
        self.about = json.loads(json.dumps(about))  # as it will be read again
        self._goes_on = goes_on
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
            except (OSError, NotImplementedError) as error:  # or it cannot be locked
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
                self._remove_partials()
                (self.path / RECORD).unlink(missing_ok=True)
            self._lock.release()

    def restore(self, accelerator: Accelerator) -> list[dict]:
        """Load the last checkpoint into what `accelerator` has prepared.

        Returns:
            The log of the epochs that are done; empty if there is no checkpoint.

        Raises:
            ValueError: If it is damaged; the message says from where to go on.
        """
        accelerator.register_save_state_pre_hook(self._save_weights)
        accelerator.register_load_state_pre_hook(_load_weights)
        self._clock = time.perf_counter()
        if not self._checkpoints():
            return []
        *earlier, last = self._checkpoints()
        try:
            _check_random_states(last, accelerator.process_index)
            accelerator.load_state(last)
            history = list(json.loads((last / "history.json").read_text()))
        except Exception as error:  # a damaged file fails in ever new ways
            whole = [path for path in earlier if (path / "history.json").exists()]
            place = whole[-1].name if whole else "the start"
            raise ValueError(
                f"{last} is damaged ({_in_a_line(error)}): remove it to go on from "
                f"{place}"
            ) from error
        accelerator.wait_for_everyone()  # all have read the last: the others may go
        if self._is_main:
            for checkpoint in earlier:
                _discard(checkpoint)
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
            _discard(before)
        accelerator.wait_for_everyone()

    def finish(self, model: nn.Module, history: list[dict], test: dict) -> None:
        """Write the weights, and the test's figures as the last line of the log.

        Raises:
            OSError: If they could not be written; the last checkpoint remains.
        """
        if not self._is_main:
            return
        partial = self.path / (WEIGHTS + PARTIAL)
        with self._writing("the weights and the test", partial):
            weights.save(model, partial)
            partial.replace(self.path / WEIGHTS)
            self._write_log([*history, test])

    def _save_weights(self, models: list, states: list, folder: str) -> None:
        """Write the weights of a checkpoint, instead of Accelerate.

        Of tensors that share memory it would write the first alone, be it a part only.
        """
        if self._is_main:
            (network,) = models
            weights.save(network, Path(folder) / WEIGHTS)
        states.clear()

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
                f"could not write {what} to {self.path} ({_in_a_line(error)}); {kept}"
                + (". Is the disk full?" if _may_be_full(error) else "")
            ) from error

    def _open(self, origin: dict, resume: bool) -> None:
        record = self.path / RECORD
        if not record.exists():
            self._refuse_another_ones_files()
            begun = {"format": FORMAT, "about": self.about, "origin": origin}
        elif not resume:
            raise FileExistsError(
                f"{self.path} holds a run: go on with it (--resume), or choose "
                "another folder"
            )
        else:
            begun = self._resumed(record, origin)
            self._remove_partials()
        write_whole(record, json.dumps(begun, indent=1) + "\n")

    def _refuse_another_ones_files(self) -> None:
        """Refuse a folder whose files, without a record, the run would write over."""
        names = [path.name for path in self.path.iterdir() if _is_ours(path.name)]
        if names := sorted(set(names) - {RECORD + PARTIAL}):
            raise ValueError(
                f"{self.path} holds {', '.join(names[:5])}, but no {RECORD}: choose "
                "another folder"
            )

    def _remove_partials(self) -> None:
        """Remove what a process had begun to write when it was killed."""
        for partial in self.path.glob("*" + PARTIAL):
            if _is_ours(partial.name):
                remove_partial(partial)

    def _resumed(self, path: Path, origin: dict) -> dict:
        """Check the record of the run to go on with; return what it becomes.

        Raises:
            ValueError: If it is damaged, or another run's.
        """
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            there, format = dict(record["about"]), int(record["format"])
            precision = dict(record["origin"]).get("precision")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} is damaged ({error!r}): choose another folder"
            ) from error
        _check_format(self.path, format)
        done = self._epochs_done()
        there, asked = (
            about | {"precision": where}
            for about, where in (
                (there, precision),
                (self.about, origin.get("precision")),
            )
        )
        keys = [k for k in sorted(there | asked) if there.get(k) != asked.get(k)]
        says = [
            f"{key} is {there.get(key)!r} there, and {asked.get(key)!r} here"
            for key in keys
        ]
        if keys == ["epochs"]:
            if self._goes_on(there.get("epochs", 0), done):
                says = []
            else:
                says.append(f"the rates of its {done} epochs would have been others")
        if says:
            raise ValueError(
                f"the run in {self.path} is another one: {'; '.join(says)}"
            )
        if done == 0:  # nothing is kept of what was begun
            return record | {"origin": origin}
        again = [*record.get("resumed", []), {"after_epoch": done, **origin}]
        return record | {"about": self.about, "resumed": again}

    def _holds_results(self) -> bool:
        return self._last() is not None or (self.path / LOG).exists()

    def _checkpoints(self) -> list[Path]:
        """Return the checkpoints, the last one last."""
        found = [
            path
            for path in self.path.glob("epoch-*")
            if CHECKPOINT.fullmatch(path.name) and path.is_dir()
        ]
        return sorted(found, key=_number)

    def _last(self) -> Path | None:
        return next(reversed(self._checkpoints()), None)

    def _epochs_done(self) -> int:
        last = self._last()
        return _number(last) if last else 0

    def _write_log(self, rows: list[dict]) -> None:
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        write_whole(self.path / LOG, lines)


def _is_ours(name: str) -> bool:
    """Return whether a run writes something of this name into its folder."""
    whole = name.removesuffix(PARTIAL)
    return whole in WRITTEN or CHECKPOINT.fullmatch(whole) is not None


def _number(checkpoint: Path) -> int:
    return int(checkpoint.name.partition("-")[2])


def _discard(checkpoint: Path) -> None:
    """Remove a checkpoint, but nothing in it that a run does not write."""
    if checkpoint.is_symlink():  # somebody's own arrangement
        return
    for path in checkpoint.iterdir():
        if CONTENT.fullmatch(path.name) and not path.is_dir():
            path.unlink()
    with suppress(OSError):  # something else is in it
        checkpoint.rmdir()


def _load_weights(models: list, folder: str) -> None:
    """Read the weights of a checkpoint, instead of Accelerate; see `_save_weights`."""
    (network,) = models
    weights.load(network, Path(folder) / WEIGHTS)
    models.clear()


def _check_random_states(checkpoint: Path, process: int) -> None:
    """Fail if they are damaged: Accelerate would pass over that in silence.

    Of more processes than before, the new ones have none yet.
    """
    own = checkpoint / f"random_states_{process}.pkl"
    load_pickled(own if own.exists() else checkpoint / "random_states_0.pkl")


def _check_format(folder: Path, format: int) -> None:
    if format == FORMAT:
        return
    age, remedy = (
        ("a newer", "update the book")
        if format > FORMAT
        else ("an older", "go on with that version, or take another folder")
    )
    raise ValueError(
        f"{folder} was written by {age} version of the book (format {format}, this "
        f"one has {FORMAT}): {remedy}"
    )


def _in_a_line(error: Exception) -> str:
    """Return what an error says, or at least its kind."""
    return " ".join(str(error).split()) or type(error).__name__


def _may_be_full(error: Exception) -> bool:
    """Return whether the disk may be full: where the error gives no other reason."""
    told = re.search(r"os error (\d+)", str(error))  # by safetensors
    number = int(told[1]) if told else getattr(error, "errno", None)
    return number is None or number in FULL
