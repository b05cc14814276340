"""Which files of a folder are images of a class, and what is told of the others."""

import io
import os
import shutil
import zlib
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from cnnbook.data import image_folder
from cnnbook.data.decode import suffixes
from cnnbook.data.image_tree import images_by_class

from ..images import write_images


@pytest.fixture
def small(tmp_path):
    return write_images(tmp_path / "small", (32, 32))


def test_a_test_folder_serves_as_well_as_val(tmp_path):
    dataset = image_folder.load(write_images(tmp_path, (8, 8), parts=("train", "test")))
    assert len(dataset.test) == 6


def test_a_missing_part_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="val is missing: a data set's folder"):
        image_folder.load(write_images(tmp_path, (8, 8), parts=("train",)))


def test_other_classes_in_the_test_are_named(small):
    (small / "val" / "dog").rename(small / "val" / "fish")
    with pytest.raises(ValueError, match="differ in their classes: dog, fish"):
        image_folder.load(small)


def test_a_class_without_images_is_named(small):
    (small / "train" / "empty").mkdir()
    (small / "val" / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"small/train: .* the classes empty"):
        image_folder.load(small)


def test_an_empty_part_is_named(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "val").mkdir()
    with pytest.raises(FileNotFoundError, match=r"any class folder in .*train"):
        image_folder.load(tmp_path)


def test_hidden_folders_and_files_are_other_programs(small):
    """Previews of a notebook editor, and what macOS leaves beside each file."""
    image = (small / "train" / "cat" / "0.png").read_bytes()
    for folder in ("train", "train/cat", "val"):
        (small / folder / ".ipynb_checkpoints").mkdir()
        (small / folder / ".ipynb_checkpoints" / "0-checkpoint.png").write_bytes(image)
    (small / "train" / "cat" / "._0.png").write_bytes(b"no image")
    dataset = image_folder.load(small)
    assert dataset.classes == ("cat", "dog")
    assert len(dataset.train) == 6


def test_a_test_folder_without_classes_has_no_labels(tmp_path):
    root = write_images(tmp_path, (8, 8))
    (root / "test").mkdir()
    (root / "test" / "1.png").write_bytes(b"unlabelled")
    assert len(image_folder.load(root).test) == 6


def test_a_flat_validation_folder_says_how_to_sort_it(tmp_path):
    root = write_images(tmp_path, (8, 8), parts=("train",))
    (root / "val").mkdir()
    (root / "val" / "ILSVRC2012_val_00000001.JPEG").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="sort them into a folder for each"):
        image_folder.load(root)


def _suffixes_of(found):
    return [Path(path).suffix for path in found.train.paths]


@pytest.mark.parametrize("suffix", sorted(suffixes()))
def test_what_the_error_lists_is_found_in_either_case(suffix, tmp_path):
    root = write_images(tmp_path, (80, 80), count=1)
    for image in list(root.rglob("*.png")):
        image.rename(image.with_suffix(suffix.upper()))
    assert _suffixes_of(image_folder.load(root)) == 2 * [suffix.upper()]


def test_files_of_other_kinds_are_left_out_and_counted(small, capsys):
    for name in ("a.HEIC", "b.heic", "notes.txt", "Thumbs.db", "README"):
        (small / "train" / "cat" / name).write_text("no image")
    shutil.copy(small / "train" / "cat" / "0.png", small / "train" / "stray.png")
    assert len(image_folder.load(small).train) == 6
    said = capsys.readouterr().out
    assert f"left out of {small / 'train'}, since they are no images of a class" in said
    assert "class: .heic (2), .png (1), .txt (1), nothing (1)" in said
    assert said.count("left out") == 1


def test_a_class_of_files_that_are_not_read_names_them(small):
    for image in (small / "train" / "dog").iterdir():
        image.rename(image.with_suffix(".heic"))
    says = (
        r"no image is in the classes dog\. Images end in .*\.jpg.*end in \.heic \(3\)"
    )
    with pytest.raises(FileNotFoundError, match=says):
        image_folder.load(small)


def test_what_systems_leave_beside_the_classes_is_no_class(small):
    image = small / "train" / "cat" / "0.png"
    for folder in ("__MACOSX", "@eaDir", "lost+found"):
        (small / "train" / folder).mkdir()
        shutil.copy(image, small / "train" / folder / "0.png")
    (small / "train" / "__MACOSX" / "._0.png").write_bytes(b"no image")
    assert image_folder.load(small).classes == ("cat", "dog")


def test_links_are_followed_once(small):
    """A circle of links would give each image some forty times."""
    cats = small / "train" / "cat"
    (cats / "again").symlink_to(cats, target_is_directory=True)
    (cats / "up").symlink_to(small, target_is_directory=True)
    (cats / "3.png").symlink_to(small / "val" / "cat" / "0.png")
    (small / "train" / "fish").symlink_to(small / "val" / "dog")
    (small / "val" / "fish").symlink_to(small / "train" / "dog")
    labels = image_folder.load(small).train.labels.tolist()
    assert labels.count(1) == labels.count(2) == 3
    # Its own three, the link to one, and the rest of the tree that `up` leads to.
    assert labels.count(0) == 3 + 1 + 3 + 6


def test_a_folder_that_cannot_be_read_is_an_error(small, monkeypatch):
    scandir = os.scandir

    def refuse(place):
        if os.fspath(place).endswith("train/dog"):
            raise PermissionError(13, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError, match=r"Permission denied: .*train/dog"):
        image_folder.load(small)


def test_a_test_folder_of_other_folders_has_no_labels(tmp_path):
    root = write_images(tmp_path, (8, 8))
    (root / "test" / "images").mkdir(parents=True)
    assert len(image_folder.load(root).test) == 6


def test_classes_without_parts_are_told_how_to_be_shared_out(tmp_path):
    root = write_images(tmp_path, (8, 8), parts=("train",)) / "train"
    says = "train is missing: .* It holds cat, dog: if these are classes, share"
    with pytest.raises(FileNotFoundError, match=says):
        image_folder.load(root)


def test_names_that_are_no_text_can_be_told(small, capsys):
    """As a ZIP of another system leaves them."""
    odd = os.fsdecode(b"\xe9t\xe9")
    (small / "train" / "cat" / f"{odd}.png").write_bytes(b"no image")
    (small / "train" / "cat" / f"x.{odd}").write_bytes(b"no image")
    assert len(image_folder.load(small, damaged_share=0.5).train) == 6
    assert capsys.readouterr().out.encode().count("\ufffdt\ufffd".encode()) == 2


# Trees of any kind: what is found must be what was written.

SIDE = 8
MODES = {
    "BMP": ["RGB", "L", "1", "P"],
    "GIF": ["P"],
    "PNG": ["RGB", "RGBA", "L", "LA", "1", "P"],
    "PPM": ["RGB", "L", "1"],
    "TIFF": ["RGB", "RGBA", "L", "1", "P", "CMYK"],
}
SUFFIXES = {"BMP": "bmp", "GIF": "gif", "PNG": "png", "PPM": "ppm", "TIFF": "tif"}
TURNS = {1: 0, 3: 180, 6: 270, 8: 90}  # an orientation, and what brings it upright
NAMES = st.text("ab1 é漢-._", min_size=1, max_size=6).filter(
    lambda name: not name.startswith(".")
)


@dataclass
class Stored:
    """How an image is stored, and what has become of it."""

    name: str
    kind: str
    mode: str
    upper: bool  # the suffix
    turned: int
    inside: str  # a folder in the class's folder
    fate: str

    def write(self, folder: Path) -> tuple[Path, np.ndarray]:
        """Write it; return where, and its colours upright."""
        seed = zlib.crc32(repr(self).encode())
        colours = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3))
        image = Image.fromarray(colours.astype(np.uint8)).convert(self.mode)
        upright, exif = image.convert("RGB"), None
        if self.kind in ("PNG", "TIFF"):
            upright, exif = upright.rotate(TURNS[self.turned]), Image.Exif()
            exif[ExifTags.Base.Orientation] = self.turned
        suffix = "txt" if self.fate == "of another kind" else SUFFIXES[self.kind]
        suffix = suffix.upper() if self.upper else suffix
        hidden = "." if self.fate == "hidden" else ""
        path = folder / self.inside / f"{hidden}{self.name}{seed}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, self.kind, **({"exif": exif} if exif else {}))
        if self.fate == "damaged":
            path.write_bytes(path.read_bytes()[:-40])
        return path, np.asarray(upright)


@st.composite
def stored(draw) -> Stored:
    kind = draw(st.sampled_from(sorted(MODES)))
    return Stored(
        name=draw(NAMES),
        kind=kind,
        mode=draw(st.sampled_from(MODES[kind])),
        upper=draw(st.booleans()),
        turned=draw(st.sampled_from(sorted(TURNS))),
        inside=draw(st.sampled_from(["", "", "inside", "in.side.png", ".hidden"])),
        fate=draw(
            st.sampled_from(["good", "good", "damaged", "hidden", "of another kind"])
        ),
    )


def _check_tree(classes: dict[str, list[Stored]]) -> None:
    """Write a tree, load it, and compare all that is known of it."""
    with TemporaryDirectory() as folder, redirect_stdout(io.StringIO()) as said:
        root = write_images(Path(folder), (SIDE, SIDE), classes=classes, count=1)
        wanted, damaged = {}, set()
        for name, images in classes.items():
            plain = root / "train" / name / "0.png"  # so that no class is empty
            wanted[str(plain)] = name, np.asarray(Image.open(plain))
            for image in images:
                path, colours = image.write(root / "train" / name)
                if image.inside == ".hidden" or image.fate in (
                    "hidden",
                    "of another kind",
                ):
                    continue
                if image.fate == "damaged":
                    damaged.add(str(path))
                else:
                    wanted[str(path)] = name, colours
        found = image_folder.load(root, damaged_share=1)
        train = image_folder.ImageFolder(
            *images_by_class(root / "train", found.classes), listed=1, damaged_share=99
        )
        decoded = train.decoded()
    assert found.classes == tuple(sorted(classes))
    assert train.damaged == damaged
    assert all(path in said.getvalue() for path in damaged)
    good = [path for path in train.paths if path not in damaged]
    assert sorted(good) == sorted(wanted)
    assert found.train.labels.equal(decoded.labels)
    assert [found.classes[label] for label in decoded.labels] == [
        wanted[path][0] for path in good
    ]
    for path, image in zip(good, decoded.images, strict=True):
        assert (image.permute(1, 2, 0).numpy() == wanted[path][1]).all(), path


TREES = st.dictionaries(NAMES, st.lists(stored(), max_size=4), min_size=2, max_size=3)


@settings(max_examples=20, derandomize=True)
@given(TREES)
def test_what_is_found_in_any_tree_is_what_was_written(classes):
    _check_tree(classes)


@pytest.mark.slow
@settings(max_examples=100)
@given(TREES)
def test_what_is_found_in_many_trees_is_what_was_written(classes):
    _check_tree(classes)
