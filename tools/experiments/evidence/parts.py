"""The parts of the evidence, the record of each, and going through them in a budget."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from cnnbook import training
from cnnbook._book import write_whole

from .budget import TimeIsUpError
from .pack import PackError
from .setting import RefusedError, Setting


class MissingError(Exception):
    """A part needs what another one has not made yet; the text says what."""


@dataclass(frozen=True)
class Piece:
    """A piece of a part: it is recorded whole, or not at all.

    Attributes:
        key: Its name in the record.
        run: Does it, and writes what it has found into the record's results at its end.
    """

    key: str
    run: Callable[[dict], None]


class Part(ABC):
    """One part of the evidence.

    Attributes:
        name: As it is chosen on the command line, and of its record.
        about: What it is, for the table.
        seeds: All that it uses.
    """

    name: str
    about: str
    seeds: tuple[int, ...] = ()

    @abstractmethod
    def settings(self, setting: Setting) -> dict:
        """Return what decides the results, in JSON: data set, recipe, sizes."""

    @abstractmethod
    def pieces(self, setting: Setting) -> Sequence[Piece]:
        """Return the pieces, the one that is worth most first."""


@dataclass
class Record:
    """What a part has found so far, with its origin, as a file of `data/runs`."""

    path: Path
    content: dict

    @classmethod
    def open(cls, part: Part, setting: Setting) -> "Record":
        """Begin a record, or go on with the one that is there.

        Raises:
            RefusedError: If that one is damaged, or was made in another way.
        """
        tiny = "-tiny" if setting.tiny else ""
        path = setting.folder / f"evidence-{part.name}-{setting.kind}{tiny}.json"
        origin = training.origin(setting.command, part.seeds, setting.precision)
        if setting.on_gpu:
            origin["versions"]["cuda"] = torch.version.cuda
        if setting.commit:
            origin["commit"] = setting.commit
        settings = json.loads(json.dumps(part.settings(setting)))
        if not path.exists():
            return cls(
                path, origin | settings | {"done": [], "failed": {}, "results": {}}
            )
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            there = {key: content[key] for key in settings}
            before = content.get("resumed", [content])[-1]
            known = {key: before[key] for key in origin}
        except (ValueError, KeyError, TypeError) as error:
            raise RefusedError(
                f"The record {path} is damaged ({type(error).__name__}): restore it, "
                "or choose another --folder."
            ) from error
        unlike = [key for key in settings if there[key] != settings[key]]
        if content["precision"] != origin["precision"]:
            unlike.append("precision")
        if unlike:
            raise RefusedError(
                f"The record {path} was made with another {' and '.join(unlike)}: "
                "choose another --folder."
            )
        # The command's budget says nothing of the results.
        if any(known[key] != origin[key] for key in origin.keys() - {"command"}):
            after = len(content["done"])
            content.setdefault("resumed", []).append({"after_pieces": after, **origin})
        return cls(path, content)

    def save(self) -> None:
        """Write the record; it takes its name only when it is complete."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, json.dumps(self.content, indent=1) + "\n")

    def open_pieces(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Return the pieces that are not recorded yet."""
        return [piece for piece in pieces if piece.key not in self.content["done"]]


def run(parts: Sequence[Part], setting: Setting) -> Iterator[str]:
    """Go through the parts until the budget is spent; yield a line for each event.

    What stops one part (no data, too little memory) does not stop the others.
    """
    for part in parts:
        try:
            with _alone(part, setting):
                yield from _run_part(part, setting)
        except (PackError, RefusedError) as error:
            yield f"{part.name}: {error}"
        except TimeIsUpError as where:
            yield (
                f"The budget of {setting.budget.seconds:g} s ended in {where}: what "
                "was done until then is recorded, and the same command goes on from "
                "there."
            )
            return


@contextmanager
def _alone(part: Part, setting: Setting) -> Iterator[None]:
    """Keep other processes away from a part's record and checkpoints.

    Raises:
        RefusedError: If another one is at it already.
    """
    setting.state.mkdir(parents=True, exist_ok=True)
    lock = FileLock(setting.state / f".{part.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RefusedError(
            f"Another process is gathering this part in {setting.state}: wait for it, "
            "or choose another --state and --folder."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _run_part(part: Part, setting: Setting) -> Iterator[str]:
    """Do what is not recorded yet, piece by piece.

    Raises:
        TimeIsUpError: It names the piece in which the budget ended.
    """
    record = Record.open(part, setting)
    for piece in record.open_pieces(part.pieces(setting)):
        place = f"{part.name}, {piece.key}"
        try:
            setting.budget.check()
            piece.run(record.content["results"])
        except TimeIsUpError:
            raise TimeIsUpError(place) from None
        except (MissingError, RefusedError) as error:
            yield f"{place}: {error}"
            continue
        except (RuntimeError, MemoryError, FloatingPointError) as error:
            sentence = _failure(error)
            record.content["failed"][piece.key] = sentence
            record.save()
            yield f"{place}: {sentence}"
            continue
        record.content["failed"].pop(piece.key, None)
        record.content["done"].append(piece.key)
        record.save()
        yield f"{place}: recorded"


def _failure(error: Exception) -> str:
    """Say in a sentence why a piece could not be done."""
    text = " ".join(str(error).split())
    lacks_memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
    if lacks_memory or "not enough memory" in text or "can't allocate memory" in text:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return "It needs more memory than this device has, and is left out."
    return f"It failed ({text[:200]}), and is left out."
