"""ImageNet's official files: what is left to do until they are a folder a class.

The official archives hold the validation images in one flat folder, and the training
images in an archive a class. Kaggle's copy has the first, and labels of its own.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

ARCHIVES = {"train": "ILSVRC2012_img_train.tar", "val": "ILSVRC2012_img_val.tar"}
DEVKIT = "ILSVRC2012_devkit_t12.tar.gz"  # holds the labels of the validation images
KAGGLE = "ILSVRC/Data/CLS-LOC"  # the images' folder in Kaggle's archive
KAGGLE_LABELS = "LOC_val_solution.csv"  # beside ILSVRC
# A line of it: ILSVRC2012_val_00000001,n01751748 111 108 230 365
_SORT_KAGGLE = (
    "tail -n +2 {labels} | while IFS=', ' read -r image class box; do "
    'mkdir -p "$class" && mv "$image.JPEG" "$class/"; done'
)
_UNPACK_CLASSES = (
    'for archive in *.tar; do mkdir -p "${archive%.tar}" && '
    'tar -xf "$archive" -C "${archive%.tar}"; done'
)


def remedy(root: Path) -> str:
    """Return what to do with ImageNet's files in a folder, with the line to type.

    Returns:
        A sentence; empty if they are sorted, or it is not ImageNet's folder.
    """
    return " ".join(_steps(root))


def _steps(root: Path) -> Iterator[str]:
    for inner in (KAGGLE, KAGGLE.partition("/")[2]):
        if (root / inner).is_dir():
            yield f"This is Kaggle's copy of ImageNet: its folder is {root / inner}."
            return
    packed = [part for part in ARCHIVES if not (root / part).exists()]
    packed = [part for part in packed if (root / ARCHIVES[part]).is_file()]
    if packed:
        yield f"Unpack and sort ImageNet's archives by: {_unpack(root, packed)}"
    if any((root / "train").glob("n*.tar")):
        yield f"Unpack ImageNet's classes by: {_in(root / 'train', _UNPACK_CLASSES)}"
    if any((root / "val").glob("ILSVRC2012_val_*.JPEG")):
        yield _sort(root)


def _sort(root: Path) -> str:
    """Return how the flat folder of validation images is sorted."""
    above = root.resolve().parents
    labels = above[2] / KAGGLE_LABELS if len(above) > 2 else root / KAGGLE_LABELS
    if labels.is_file():
        line = _SORT_KAGGLE.format(labels=shlex.quote(str(labels)))
        return f"Sort ImageNet's validation images by: {_in(root / 'val', line)}"
    missing = [
        file for file in (ARCHIVES["val"], DEVKIT) if not (root / file).is_file()
    ]
    first = f"put {' and '.join(missing)} into {root}, and " if missing else ""
    line = f"mv val val-flat && {_torchvision(['val'])}"
    return f"To sort ImageNet's validation images, {first}type: {_in(root, line)}"


def _unpack(root: Path, parts: list[str]) -> str:
    return _in(root, _torchvision(parts))


def _torchvision(parts: list[str]) -> str:
    """Return the command that unpacks parts, checks and sorts them by the devkit.

    It has two lines, so that a page shows it whole.
    """
    calls = "; ".join(f"ImageNet('.', '{part}')" for part in parts)
    return f'python -c "from torchvision.datasets import ImageNet\n{calls}"'


def _in(folder: Path, line: str) -> str:
    return f"cd {shlex.quote(str(folder))} && {line}"
