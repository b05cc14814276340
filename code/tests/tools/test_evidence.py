"""The evidence: resumable to the bit, whole in every failure, the book's own loop."""

import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from cnnbook import data, models, training
from cnnbook._book import ROOT
from cnnbook.data import Augmentation, Split
from cnnbook.training import Recipe
from tools.experiments.evidence import __main__ as command
from tools.experiments.evidence import architectures, depth, pack, setting, surfaces
from tools.experiments.evidence.budget import Budget, TimeIsUpError
from tools.experiments.evidence.parts import Part, Piece, Record, run
from tools.experiments.evidence.side_by_side import SideBySide
from tools.experiments.evidence.speed import Speed

LINE = [sys.executable, "-m", "tools.experiments.evidence"]
PLACES = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'code'}", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Ten classes of small JPEG images, drawn at random."""
    place, random = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for part, count in (("train", 8), ("test", 3)):
        for label in range(10):
            (place / part / str(label)).mkdir(parents=True)
            for number in range(count):
                coarse = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                image = Image.fromarray(coarse).resize((32, 32))
                image.save(place / part / str(label) / f"{number}.jpg", quality=75)
    return place


@pytest.fixture(scope="module")
def packed(folder) -> Path:
    file = folder / "packed.safetensors"
    pack.write(folder, file, "Noise")
    return file


@pytest.fixture
def here(packed, tmp_path) -> setting.Setting:
    """A rehearsal whose records and checkpoints lie in a folder of the test's own."""
    return setting.Setting(
        budget=Budget(600),
        precision="no",
        tiny=True,
        data=packed,
        folder=tmp_path / "records",
        state=tmp_path / "state",
        command="python -m tools.experiments.evidence --tiny",
    )


class Questions(Budget):
    """A budget of so many questions for the time."""

    def __init__(self, count: int) -> None:
        super().__init__(600)
        self.count = count

    def check(self, needed: float = 0.0) -> None:
        self.count -= 1
        if self.count < 0:
            raise TimeIsUpError


def results(place: setting.Setting, part: str) -> dict:
    """Return what a part has recorded, without how long it took."""
    (file,) = place.folder.glob(f"evidence-{part}-*.json")
    return timeless(json.loads(file.read_text())["results"])


def timeless(found: object) -> object:
    if isinstance(found, list):
        return [timeless(item) for item in found]
    if isinstance(found, dict):
        return {k: timeless(v) for k, v in found.items() if "seconds" not in k}
    return found


def test_a_pack_holds_what_the_folder_holds(folder, packed):
    (ours, theirs) = pack.read(packed), data.image_folder.load(folder)
    assert ours.title == "Noise"
    assert ours.dataset.classes == theirs.classes
    for part in ("train", "test"):
        own, other = getattr(ours.dataset, part), getattr(theirs, part)
        assert torch.equal(own.images, other.images)
        assert torch.equal(own.labels, other.labels)


def test_a_pack_keeps_what_all_files_begin_with_once(folder, packed):
    files = [file.stat().st_size for file in folder.rglob("*.jpg")]
    assert packed.stat().st_size < 0.7 * sum(files)


def test_a_pack_that_cannot_travel_is_refused(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(pack, "LARGEST", 1000)
    with pytest.raises(pack.PackError, match="no more than"):
        pack.write(folder, tmp_path / "large.safetensors", "Noise")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["cut", "changed", "other", "gone"])
def test_a_damaged_pack_is_told_in_a_sentence(packed, here, damage):
    content = packed.read_bytes()
    here.data = here.folder.parent / "damaged.safetensors"
    if damage == "cut":
        here.data.write_bytes(content[: len(content) // 2])
    elif damage == "changed":  # a byte of the last tensor
        here.data.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "other":
        here.data.write_bytes(b"no tensors")
    lines = list(run([Speed()], here))
    (line,) = lines
    assert "evidence pack FOLDER" in line
    assert ("There is no data pack" if damage == "gone" else "is damaged") in line
    assert not here.folder.exists()


RECIPES = [
    Recipe(
        epochs=4,
        batch_size=32,
        optimizer="sgd",
        learning_rate=0.05,
        weight_decay=1e-4,
        warmup=0,
        milestones=((0.5, 0.1),),
        augmentation=Augmentation(shift=2, flip=True, border="constant"),
    ),
    Recipe(epochs=2, batch_size=24, learning_rate=0.003, label_smoothing=0.1),
]


def small() -> torch.nn.Module:
    return models.build("lenet5-modern", in_channels=3)


def noise() -> Split:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(80, 3, 32, 32, generator=generator)
    return Split(images, torch.arange(80) % 10)


@pytest.mark.parametrize("precision", ["no", "bf16"])
@pytest.mark.parametrize("recipe", RECIPES, ids=["sgd", "adamw"])
def test_side_by_side_is_the_book_s_loop_to_the_bit(recipe, precision):
    engine = SideBySide(small, noise(), recipe, (3, 4), precision=precision)
    histories = [engine.epoch() for _ in range(recipe.epochs)]
    for index, learner in enumerate(engine.learners):
        torch.manual_seed(learner.seed)
        network = small()
        history = training.fit(
            network,
            noise(),
            recipe,
            seed=learner.seed,
            precision=precision,
            progress=False,
        )
        own = [rows[index]["train_error"] for rows in histories]
        assert own == history.train_error.tolist()
        for name, tensor in network.state_dict().items():
            assert torch.equal(tensor, learner.network.state_dict()[name]), name


def test_a_state_goes_on_as_if_nothing_had_happened(tmp_path):
    whole = SideBySide(small, noise(), RECIPES[0], (0, 1))
    for _ in range(4):
        expected = whole.epoch()
    begun = SideBySide(small, noise(), RECIPES[0], (0, 1))
    begun.epoch()
    begun.epoch()
    torch.save(begun.state(), tmp_path / "state.pt")
    resumed = SideBySide(small, noise(), RECIPES[0], (0, 1))
    resumed.load(torch.load(tmp_path / "state.pt"))
    resumed.epoch()
    assert resumed.epoch() == expected


class Stream:
    """Stands for a stream of CUDA where there is none: everything is done at once."""

    def wait_stream(self, other):
        pass


def fails(graph):
    raise RuntimeError("operation not permitted when stream is capturing")


@pytest.mark.parametrize("begun", [0, 1])
@pytest.mark.parametrize("graph", [lambda graph: nullcontext(), fails])
@pytest.mark.parametrize("recipe", RECIPES, ids=["sgd", "adamw"])
def test_a_capture_changes_nothing(recipe, graph, begun, monkeypatch):
    """As far as it can be seen without CUDA: it warms up, and undoes that."""
    engines = [SideBySide(small, noise(), recipe, (0, 1)) for _ in range(2)]
    for engine in engines:
        for _ in range(begun):
            engine.epoch()
    plain, captured = engines
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Mock)
    captured.graphs = True
    captured._capture()
    for size, kept in captured.captured.items():
        kept.replay = partial(captured._step, size)
    assert captured.graphs == (graph is not fails)
    assert set(captured.captured) == (set(captured.sizes) if captured.graphs else set())
    expected, found = plain.epoch(), captured.epoch()
    for own, other in zip(expected, found, strict=True):
        # The rate is a number of 32 bits there, and of 64 here.
        assert other["train_loss"] == pytest.approx(own["train_loss"], rel=1e-5)


def test_a_loss_that_is_no_number_ends_a_run():
    engine = SideBySide(small, noise(), RECIPES[0], (0,))
    engine.rates = [1e9] * len(engine.rates)
    with pytest.raises(FloatingPointError, match="loss"):
        engine.epoch()


def test_a_budget_that_ends_in_the_middle_leaves_whole_records(here):
    lines = list(run([Speed()], here))
    assert len(lines) == 3
    whole = results(here, "speed")
    here.folder /= "again"
    for count in (2, 5, 6, 9):  # in the first run, between two, in the second, …
        here.budget = Questions(count)
        *_, last = run([Speed()], here)
        assert last.startswith("The budget of 600 s ended in speed, resnet18, seed ")
        for file in here.folder.glob("*"):
            assert json.loads(file.read_text())["results"]
    here.budget = Budget(600)
    list(run([Speed()], here))
    assert results(here, "speed") == whole


def test_a_budget_of_nothing_records_nothing(here):
    here.budget = Budget(0)
    (line,) = run([Speed()], here)
    assert "ended in speed, resnet18, seed 0" in line
    assert not here.folder.exists()


def test_a_damaged_checkpoint_is_told_in_a_sentence(here):
    file = here.state / "cpu-tiny" / "speed" / "resnet18-seed-0.pt"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"cut short")
    first, *others = run([Speed()], here)
    assert "is damaged" in first
    assert "remove it" in first
    assert len(others) == 2


class Fragile(Part):
    """A part whose first piece lacks memory."""

    name = "fragile"
    about = "to be tested"

    def settings(self, setting):
        return {"side": 1}

    def pieces(self, setting):
        return [Piece("large", self._large), Piece("small", self._small)]

    def _large(self, results):
        results["half"] = 1
        raise torch.OutOfMemoryError("CUDA out of memory")

    def _small(self, results):
        results["small"] = 2


def test_too_little_memory_stops_one_piece_alone(here):
    lines = list(run([Fragile()], here))
    assert lines == [
        "fragile, large: It needs more memory than this device has, and is left out.",
        "fragile, small: recorded",
    ]
    record = Record.open(Fragile(), here).content
    assert record["done"] == ["small"]
    assert list(record["failed"]) == ["large"]


def test_a_record_names_where_it_went_on(here):
    list(run([Fragile()], here))
    here.commit = "another"
    record = Record.open(Fragile(), here)
    assert record.content["resumed"][0]["commit"] == "another"
    assert record.content["resumed"][0]["after_pieces"] == 1
    record.save()
    assert len(Record.open(Fragile(), here).content["resumed"]) == 1


def test_a_record_of_other_settings_is_not_mixed(here, monkeypatch):
    list(run([Fragile()], here))
    monkeypatch.setattr(Fragile, "settings", lambda self, setting: {"side": 2})
    (line,) = run([Fragile()], here)
    assert "was made with another side" in line
    here.precision = "bf16"
    (line,) = run([Fragile()], here)
    assert "another side and precision" in line


def test_a_damaged_record_is_told_in_a_sentence(here):
    list(run([Fragile()], here))
    (file,) = here.folder.iterdir()
    file.write_text(file.read_text()[:100])
    (line,) = run([Fragile()], here)
    assert "is damaged" in line


def test_two_processes_do_not_write_one_record(here):
    lines = run([Fragile()], here)
    next(lines)
    (line,) = run([Fragile()], here)
    assert "Another process is gathering this part" in line
    assert list(lines) == ["fragile, small: recorded"]


def test_no_gpu_is_told_in_a_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = CliRunner().invoke(command.app, ["--device", "cuda"])
    assert result.exit_code == 2
    assert result.stdout.startswith("There is no GPU that PyTorch can use here")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--parts", "costs,cost"], "There is no part 'cost'"),
        (["--device", "tpu"], "--device must be one of"),
        (["--precision", "fp8"], "--precision must be one of"),
    ],
)
def test_a_wrong_word_is_told_in_a_sentence(arguments, says):
    result = CliRunner().invoke(command.app, [*arguments, "--tiny"])
    assert result.exit_code == 2
    assert says in result.stdout


def test_what_is_recorded_elsewhere_is_not_trained_again(here, tmp_path, monkeypatch):
    here.tiny, here.precision = False, "bf16"
    part = depth.Depth()
    assert len(part.pieces(here)) == 12
    settings = json.loads(json.dumps(part.settings(here)))
    monkeypatch.setattr(depth.records, "FOLDER", tmp_path)
    known = {
        "device": "cpu, 1 thread, x86_64",
        "precision": "bf16",
        "dataset": "Noise",
        "recipe": settings["recipe"],
        "results": {"plain20-cifar": [{"seed": 1}]},
    }
    (tmp_path / "known.json").write_text(json.dumps(known))
    keys = [piece.key for piece in part.pieces(here)]
    assert len(keys) == 11
    assert "plain20-cifar, seed 1" not in keys
    here.precision = "no"
    assert len(part.pieces(here)) == 12


@pytest.mark.parametrize("name", architectures.NETWORKS)
def test_every_architecture_takes_small_images(name):
    with torch.device("meta"):
        network = architectures.at_32(name).eval()
        assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_a_direction_has_the_length_of_each_filter():
    weight, direction = torch.randn(4, 3, 3, 3), torch.randn(4, 3, 3, 3)
    scaled = surfaces.filter_normalised(direction, weight)
    for own, filter_ in zip(weight, scaled, strict=True):
        assert own.norm().item() == pytest.approx(filter_.norm().item(), rel=1e-5)
    assert not surfaces.filter_normalised(torch.ones(4), torch.ones(4)).any()


def rehearse(packed: Path, place: Path, *arguments: str) -> list[str]:
    """Return a rehearsal's command line in a process of its own."""
    return [
        *(*LINE, "--tiny", "--data", str(packed), "--state", str(place / "state")),
        *("--folder", str(place / "records"), "--precision", "no", *arguments),
    ]


@pytest.mark.slow
def test_every_part_runs_on_a_bare_machine(packed, tmp_path):
    code = f"""
import runpy, sys
from importlib.machinery import PathFinder
BLOCKED = {{"IPython", "ipywidgets", "matplotlib", "sklearn", "skimage", "nbformat"}}
find = PathFinder.find_spec
def find_others(name, path=None, target=None):
    return None if name.partition(".")[0] in BLOCKED else find(name, path, target)
PathFinder.find_spec = find_others
sys.argv = {rehearse(packed, tmp_path)[2:]!r}
runpy.run_module("tools.experiments.evidence", run_name="__main__")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | PLACES,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    *_, table = done.stdout.partition("\n\n")
    rows = table.splitlines()[1:]
    assert [row.split()[0] for row in rows] == [part.name for part in command.PARTS]
    for row in rows:
        _, recorded, _, all_, *_ = row.split()
        assert recorded == all_ != "0"
    assert len(list((tmp_path / "records").iterdir())) == len(command.PARTS)


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_record(packed, here):
    list(run([Speed()], here))
    whole = results(here, "speed")
    place = here.folder.parent / "killed"
    line = rehearse(packed, place, "--parts", "speed", "--device", "cpu")
    started = subprocess.Popen(
        line, cwd=ROOT, env=os.environ | PLACES, stdout=subprocess.PIPE, text=True
    )
    assert started.stdout.readline() == "speed, resnet18, seed 0: recorded\n"
    started.send_signal(signal.SIGKILL)
    started.wait()
    started.stdout.close()
    here.folder = place / "records"
    assert len(results(here, "speed")["resnet18"]) in (1, 2)
    subprocess.run(
        line, cwd=ROOT, env=os.environ | PLACES, check=True, stdout=subprocess.DEVNULL
    )
    assert results(here, "speed") == whole
