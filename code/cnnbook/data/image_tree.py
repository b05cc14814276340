"""A folder of images for each class: which files they are, and what else lies there.

Hidden files and folders are other programs', and ignored. Files of kinds that `decode`
does not read are left out, and counted on the screen. An image in a folder within a
class's folder belongs to that class.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from . import imagenet_files
from .decode import suffixes

# Visible, but not the user's: of Windows, macOS, network drives, and repaired disks.
SYSTEM_FILES = {
    *("Thumbs.db", "desktop.ini", "$RECYCLE.BIN", "System Volume Information"),
    *("__MACOSX", "Icon\r", "@eaDir", "lost+found"),
}
MOST_NAMED = 5  # of many names, a message holds so many


def parts_of(path: Path) -> list[Path]:
    """Return the folders to train and to test on: `train`, and `val` or `test`.

    A `test` that has none of the classes, as some archives come, has no labels.

    Raises:
        FileNotFoundError: If one is missing; the message says what is there instead.
    """
    train, val, test = (path / name for name in ("train", "val", "test"))
    known, tested = (_visible_folders(part) for part in (train, test))
    has_labels = set(known) & set(tested) or (tested and not val.is_dir())
    parts = [train, test if has_labels else val]
    for part in parts:
        if not part.is_dir():
            raise FileNotFoundError(
                f"{part} is missing: a data set's folder holds train/<class>/<image> "
                f"and val/<class>/<image> (or test/){_what_is_there(path)}"
            )
    return parts


def class_names(part: Path) -> list[str]:
    """Return the names of a part's class folders.

    Raises:
        FileNotFoundError: If there are none; the message says how to sort images.
    """
    names = _visible_folders(part)
    if names:
        return names
    says = [f"there is not any class folder in {part}"]
    if any(map(_is_image, part.iterdir())):
        says.append("There are images: sort them into a folder for each class")
    says += filter(None, [imagenet_files.remedy(part.parent)])
    raise FileNotFoundError(". ".join(says))


def images_by_class(
    part: Path, classes: Sequence[str]
) -> tuple[tuple[str, ...], Tensor]:
    """Return the paths of all images and their labels, class by class, by their names.

    Raises:
        FileNotFoundError: If a class has no image.
        OSError: If a folder cannot be read.
    """
    paths: list[str] = []
    labels: list[int] = []
    others = [file for file in part.iterdir() if file.is_file()]
    empty = []
    for label, name in enumerate(classes):
        files = list(_visible_files(part / name))
        images = [str(file) for file in files if _is_image(file)]
        others += [file for file in files if not _is_image(file)]
        paths += images
        labels += [label] * len(images)
        if not images:
            empty.append(name)
    ends = _ends(filter(_is_visible, others))
    if empty:
        raise FileNotFoundError(
            f"{part}: no image is in the classes {', '.join(empty[:MOST_NAMED])}. "
            f"Images end in {', '.join(sorted(suffixes()))}"
            + (f"; others that are there end in {ends}" if ends else "")
        )
    if ends:
        tqdm.write(f"left out of {part}, since they are no images of a class: {ends}")
    return tuple(paths), torch.tensor(labels)


def printable(name: str) -> str:
    """Return a name that any screen takes, also if it is no text in UTF-8."""
    return os.fsencode(name).decode(errors="replace")


def _visible_folders(place: Path) -> list[str]:
    """Return the names of the visible folders in a folder, if it is one."""
    inner = place.iterdir() if place.is_dir() else ()
    return sorted(path.name for path in inner if _is_visible(path) and path.is_dir())


def _visible_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and of the visible folders in it, in their order."""

    def fail(error: OSError) -> None:
        raise error

    found: dict[str, list[str]] = {}
    visited = set()  # links may lead in a circle
    for place, inner, files in os.walk(folder, onerror=fail, followlinks=True):
        real = Path(place).resolve()
        if real in visited:
            inner.clear()
            continue
        visited.add(real)
        inner[:] = [name for name in inner if _is_visible(Path(name))]
        found[place] = [name for name in files if _is_visible(Path(name))]
    for place in sorted(found):
        yield from (Path(place, name) for name in sorted(found[place]))


def _is_visible(path: Path) -> bool:
    return not path.name.startswith(".") and path.name not in SYSTEM_FILES


def _is_image(path: Path) -> bool:
    return _is_visible(path) and path.suffix.lower() in suffixes()


def _ends(files: Iterable[Path]) -> str:
    """Return what names end in, the most frequent first, with counts."""
    ends = Counter(file.suffix.lower() or "nothing" for file in files)
    common = sorted(ends.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{printable(end)} ({n})" for end, n in common[:MOST_NAMED])


def _what_is_there(path: Path) -> str:
    """Return what to do with a folder that lacks a part, as the end of a sentence."""
    if remedy := imagenet_files.remedy(path):
        return f". {remedy}"
    others = [name for name in _visible_folders(path) if name not in ("train", "test")]
    if not others:
        return ""
    shown = ", ".join(others[:MOST_NAMED])
    return f". It holds {shown}: if these are classes, share their images out"
