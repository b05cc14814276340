"""Training runs on the disk: interrupted, refused, and what they leave behind."""

import errno
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import Mock

import pytest
import torch
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError
from torch import nn

from cnnbook import data, models, training
from cnnbook.training import Recipe
from cnnbook.training.run_folder import CONTENT, FORMAT, RunFolder

from ..command import COMMAND, ENVIRONMENT, message, train
from .weights import largest_difference, trained_weights

SHORT = ("--epochs", 4, "--batch-size", 500)  # twelve steps


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the folder of a run of four epochs that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert train(*SHORT, "--folder", folder).exit_code == 0
    return folder


def test_a_run_leaves_its_record_log_checkpoint_and_weights(whole):
    names = {path.name for path in whole.iterdir()} - {".lock"}
    assert names == {"run.json", "log.jsonl", "epoch-0004", "model.safetensors"}
    record = json.loads((whole / "run.json").read_text())
    assert record["about"]["model"] == "lenet5-modern"
    assert record["about"]["epochs"] == 4
    assert record["origin"].keys() >= {"command", "commit", "device", "versions"}
    *epochs, test = map(json.loads, (whole / "log.jsonl").read_text().splitlines())
    assert [row["epoch"] for row in epochs] == [1, 2, 3, 4]
    network = models.build("lenet5-modern")
    network.load_state_dict(trained_weights(whole))
    digits = data.load("digits").test
    assert training.evaluate(network, digits).error == test["test_error"]


@pytest.mark.slow
def test_a_killed_process_goes_on_to_the_same_weights(tmp_path):
    """Kill it during its second epoch, and again a moment after it has resumed."""
    reference, folder = tmp_path / "reference", tmp_path / "run"
    assert train("--epochs", 4, "--folder", reference).exit_code == 0
    command = [*COMMAND, "--epochs", "4", "--folder", str(folder), "--resume"]
    for checkpoint in ("epoch-0001", "epoch-000[23]"):
        process = subprocess.Popen(
            command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        deadline = time.monotonic() + 120
        while not list(folder.glob(checkpoint)):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not (folder / "model.safetensors").exists()
    assert train("--epochs", 4, "--folder", folder, "--resume").exit_code == 0
    assert largest_difference(trained_weights(reference), trained_weights(folder)) == 0


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("moment", ["save_state", "rename", "_write_log", "_discard"])
def test_a_run_killed_while_it_saves_goes_on(moment, whole, tmp_path, monkeypatch):
    def killed(*arguments, **options):
        raise Killed

    place = {
        "save_state": "accelerate.Accelerator.save_state",
        "rename": "pathlib.Path.rename",
        "_write_log": "cnnbook.training.run_folder.RunFolder._write_log",
        "_discard": "cnnbook.training.run_folder._discard",
    }[moment]
    with monkeypatch.context() as patch:
        patch.setattr(place, killed)
        with pytest.raises(Killed):
            train(*SHORT, "--folder", tmp_path / "run", catch_exceptions=False)
    result = train(*SHORT, "--folder", tmp_path / "run", "--resume")
    assert result.exit_code == 0, result.output
    assert (
        largest_difference(trained_weights(whole), trained_weights(tmp_path / "run"))
        == 0
    )
    assert not list((tmp_path / "run").glob("*.partial"))
    assert len(list((tmp_path / "run").glob("epoch-*"))) == 1


def test_random_numbers_inside_a_network_go_on_where_they_were(tmp_path):
    """Dropout draws from PyTorch's own numbers, which a checkpoint holds."""
    digits = data.load("digits").train[:320]

    def fit(epochs, place):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(1024, 10))
        with RunFolder(place, {}, {}, resume=True) as run:
            steady = Recipe(epochs=epochs, warmup=0, milestones=((0, 1),))
            training.fit(network, digits, steady, run=run)
        return network.state_dict()

    at_once = fit(3, tmp_path / "whole")
    fit(2, tmp_path / "parts")
    torch.manual_seed(1)
    assert largest_difference(at_once, fit(3, tmp_path / "parts")) == 0


@pytest.mark.parametrize("name", ["file", "file/run"])
def test_a_file_in_place_of_the_folder_is_one_clear_error(name, tmp_path):
    (tmp_path / "file").write_text("kept")
    result = train("--folder", tmp_path / name)
    assert result.exit_code == 1
    assert "cannot be a run's folder" in message(result)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_folder_that_holds_a_run_is_not_written_over(whole):
    before = (whole / "model.safetensors").read_bytes()
    result = train(*SHORT, "--folder", whole)
    assert result.exit_code == 2
    assert "holds a run: go on with it (--resume)" in message(result)
    assert (whole / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--model", "lenet5"], "model is 'lenet5-modern' there, and 'lenet5' here"),
        (["--seed", "1"], "seed is 0 there, and 1 here"),
        (["--epochs", "9"], "epochs is 4 there, and 9 here"),
    ],
)
def test_another_run_cannot_be_resumed(whole, arguments, says):
    result = train(*SHORT, "--folder", whole, "--resume", *arguments)
    assert result.exit_code == 2
    assert says in message(result)


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (FORMAT - 1, "an older version of the book .*: go on with that version"),
        (FORMAT + 1, "a newer version of the book .*: update the book"),
    ],
)
def test_a_run_of_another_version_cannot_be_resumed(number, says, whole, tmp_path):
    record = json.loads((whole / "run.json").read_text()) | {"format": number}
    (tmp_path / "run.json").write_text(json.dumps(record))
    result = train(*SHORT, "--folder", tmp_path, "--resume")
    assert result.exit_code == 2
    assert re.search(says, message(result))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"about": {}, "format": "x"}'])
def test_a_damaged_record_is_named(text, tmp_path):
    (tmp_path / "run.json").write_text(text)
    result = train(*SHORT, "--folder", tmp_path, "--resume")
    assert result.exit_code == 2
    assert "run.json is damaged" in message(result)
    assert (tmp_path / "run.json").read_text() == text


def test_a_damaged_checkpoint_is_named(tmp_path):
    assert train("--epochs", 1, "--folder", tmp_path).exit_code == 0
    weights = tmp_path / "epoch-0001" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    result = train("--epochs", 1, "--folder", tmp_path, "--resume")
    assert result.exit_code == 2
    assert "epoch-0001 is damaged" in message(result)


def test_what_the_run_did_not_make_is_left_alone(tmp_path):
    """Backups, archives and notes of the reader, beside a checkpoint."""
    folder = tmp_path / "run"
    assert train("--epochs", 1, "--folder", folder).exit_code == 0
    (folder / "epoch-0001").rename(folder / "epoch-0001-backup")
    shutil.copytree(folder / "epoch-0001-backup", folder / "epoch-0001")
    for name in ("epoch-old", "epoch-3"):
        (folder / name).mkdir()
    for name in ("epoch-0003.zip", "epoch-0009", "notes.partial", "epoch-x.partial"):
        (folder / name).write_text("kept")
    before = sorted(path.name for path in folder.iterdir())
    result = train("--epochs", 1, "--folder", folder, "--resume")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in folder.iterdir()) == before
    assert (folder / "epoch-0001-backup" / "model.safetensors").exists()


OURS = re.compile(r"(run\.json|log\.jsonl|model\.safetensors)(\.partial)?|\.lock")
NAMES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1),
    # Near what a run writes: other numbers, other ends, digits of other scripts.
    st.from_regex(r"\A(epoch|Epoch)[-_]?\d{0,6}(\.partial|\.zip|-backup| 2)?\Z"),
    st.from_regex(r"\A(model|log|run)\.[a-z]{1,6}(\.partial|~)?\Z"),
).filter(
    lambda name: (
        name not in (".", "..")
        and len(name.encode()) < 200
        and not OURS.fullmatch(name)
        and not re.fullmatch(r"epoch-[0-9]{4,}(\.partial)?", name)
    )
)


def _run(folder, epochs, *, resume):
    """Train next to nothing, and leave what a run leaves."""
    torch.manual_seed(0)
    network = nn.Linear(2, 2)
    train = data.Split(torch.randn(4, 2), torch.tensor([0, 1, 0, 1]))
    steady = Recipe(epochs=epochs, batch_size=2, warmup=0, milestones=((0, 1),))
    with RunFolder(
        folder, {"epochs": epochs}, {}, resume=resume, goes_on=lambda *_: True
    ) as run:
        history = training.fit(
            network, train, steady, run=run, channels_last=False, progress=False
        )
        run.finish(network, history.to_dict("records"), {"test_loss": 0.0})


@settings(max_examples=8, derandomize=True)
@given(st.dictionaries(NAMES, st.sampled_from(["file", "folder", "link"]), min_size=1))
def test_whatever_a_reader_puts_into_the_folder_survives(kinds):
    """Beside our files and inside a checkpoint, through a resumed and an ended run."""
    with TemporaryDirectory() as place:
        folder = Path(place) / "run"
        _run(folder, 2, resume=False)
        kept = {}
        for inside in ("", "epoch-0002"):
            for name, kind in kinds.items():
                path = folder / inside / name
                if CONTENT.fullmatch(name) and inside:
                    continue
                if kind == "folder":
                    path.mkdir()
                    path = path / "note"
                if kind == "link":
                    path.symlink_to(Path(place) / "elsewhere")
                else:
                    path.write_text("kept")
                kept[path] = kind
        _run(folder, 4, resume=True)
        for path, kind in kept.items():
            if kind == "link":
                assert path.is_symlink(), path
            else:
                assert path.read_text() == "kept", path
        assert (folder / "epoch-0004" / "history.json").exists()
        assert not (folder / "epoch-0002" / "history.json").exists()


def test_all_that_a_checkpoint_holds_is_known_by_name(whole):
    names = {path.name for path in (whole / "epoch-0004").iterdir()}
    assert len(names) == 5
    assert all(map(CONTENT.fullmatch, names))


@pytest.mark.parametrize(
    "name", ["model.safetensors", "log.jsonl", "epoch-0001", "epoch-0001.partial"]
)
def test_files_without_a_record_are_not_written_over(name, tmp_path):
    """Somebody's weights, in a folder that is taken for that of a new run."""
    (tmp_path / name).write_text("kept")
    for options in ([], ["--resume"]):
        result = train(*SHORT, "--folder", tmp_path, *options)
        assert result.exit_code == 2
        assert f"holds {name}, but no run.json: choose another folder" in message(
            result
        )
    assert (tmp_path / name).read_text() == "kept"
    assert {path.name for path in tmp_path.iterdir()} == {name, ".lock"}


def test_digits_of_other_scripts_and_links_are_not_our_checkpoints(tmp_path):
    with RunFolder(tmp_path, {}, {}) as run:
        for name in ("epoch-٠٠٠٩", "epoch-00008", "epoch-0000", "epoch-0003"):
            (tmp_path / name).mkdir()
        assert run._last().name == "epoch-0003"


def test_checkpoints_are_ordered_as_numbers(tmp_path):
    with RunFolder(tmp_path, {}, {}) as run:
        for name in ("epoch-10000", "epoch-9999"):
            (tmp_path / name).mkdir()
        assert run._last().name == "epoch-10000"


def test_a_damaged_last_checkpoint_does_not_take_the_one_before_with_it(tmp_path):
    assert train("--epochs", 1, "--folder", tmp_path).exit_code == 0
    (tmp_path / "epoch-0002").mkdir()  # as a broken copy leaves it
    result = train("--epochs", 1, "--folder", tmp_path, "--resume")
    assert result.exit_code == 2
    assert "epoch-0002 is damaged" in message(result)
    assert "remove it to go on from epoch-0001" in message(result)
    (tmp_path / "epoch-0002").rmdir()
    assert train("--epochs", 1, "--folder", tmp_path, "--resume").exit_code == 0


@pytest.mark.parametrize("damage", [b"", b"no checkpoint", None])
@pytest.mark.parametrize(
    "name",
    [
        *("model.safetensors", "optimizer.bin", "scheduler.bin"),
        *("random_states_0.pkl", "history.json"),
    ],
)
def test_each_damaged_file_of_a_checkpoint_is_told(name, damage, whole, tmp_path):
    """Empty, of another kind, or missing: an interrupted copy."""
    folder = shutil.copytree(whole, tmp_path / "run")
    file = folder / "epoch-0004" / name
    file.unlink() if damage is None else file.write_bytes(damage)
    result = train(*SHORT, "--folder", folder, "--resume")
    assert result.exit_code == 2
    assert "epoch-0004 is damaged" in message(result)
    assert "remove it to go on from the start" in message(result)


class Malicious:
    def __reduce__(self):
        return Path.touch, (Path(os.environ["MARKED"]),)


@pytest.mark.parametrize(
    "name", ["optimizer.bin", "scheduler.bin", "random_states_0.pkl"]
)
def test_nothing_in_a_checkpoint_is_executed(name, whole, tmp_path, monkeypatch):
    monkeypatch.setenv("MARKED", str(tmp_path / "executed"))
    folder = shutil.copytree(whole, tmp_path / "run")
    torch.save(Malicious(), folder / "epoch-0004" / name)
    result = train(*SHORT, "--folder", folder, "--resume")
    assert result.exit_code == 2
    assert "epoch-0004 is damaged" in message(result)
    assert not (tmp_path / "executed").exists()


def test_a_run_may_be_lengthened_where_its_rates_stay(tmp_path, monkeypatch):
    steady = Recipe(epochs=2, batch_size=500, warmup=0, milestones=((0, 1),))
    monkeypatch.setattr(training.task, "recipe_for", lambda *names: steady)
    at_once, parts = tmp_path / "at-once", tmp_path / "parts"
    assert train("--epochs", 3, "--folder", at_once).exit_code == 0
    assert train("--epochs", 2, "--folder", parts).exit_code == 0
    result = train("--epochs", 3, "--folder", parts, "--resume")
    assert result.exit_code == 0, result.output
    assert largest_difference(trained_weights(at_once), trained_weights(parts)) == 0
    record = json.loads((parts / "run.json").read_text())
    assert record["about"]["epochs"] == 3
    assert [again["after_epoch"] for again in record["resumed"]] == [2]
    assert record["resumed"][0].keys() == {"after_epoch"} | record["origin"].keys()
    # It cannot become shorter than what is done.
    result = train("--epochs", 1, "--folder", parts, "--resume")
    assert "epochs is 3 there, and 1 here" in message(result)


def test_where_its_rates_would_have_been_others_a_run_is_not_lengthened(whole):
    result = train("--epochs", 9, "--batch-size", 500, "--folder", whole, "--resume")
    assert result.exit_code == 2
    assert "epochs is 4 there, and 9 here; the rates of its 4 epochs" in message(result)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--precision", "bf16"], "precision is 'no' there, and 'bf16' here"),
        (["--batch-size", "400"], "batch_size is 500 there, and 400 here"),
        (["--validation", "9"], "validation_images is 0 there, and 9 here"),
        (["--learning-rate", "0.5"], "learning_rate is 0.012 there, and 0.5 here"),
    ],
)
def test_a_run_goes_on_only_as_it_began(arguments, says, whole):
    before = (whole / "run.json").read_text()
    result = train(*SHORT, "--folder", whole, "--resume", *arguments)
    assert result.exit_code == 2
    assert says in message(result)
    assert (whole / "run.json").read_text() == before


def test_epochs_of_another_number_of_steps_are_not_gone_on_with(tmp_path):
    """49 micro-batches leave too few images to the last batch, which is joined."""
    short = ("--epochs", 1, "--batch-size", 700, "--folder", tmp_path)
    assert train(*short).exit_code == 0
    result = train(*short, "--resume", "--gradient-accumulation", 49)
    assert result.exit_code == 2
    assert "the run has made 3 steps, and would have made 2" in message(result)


class Tied(nn.Module):
    """Two layers with one matrix of weights."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(1024, 1024), nn.Linear(1024, 1024)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x.flatten(1)).relu())[:, :10]


def test_tied_weights_are_saved_and_resumed(tmp_path, monkeypatch):
    monkeypatch.setattr(training.task.Task, "build", lambda task: Tied())
    assert train("--epochs", 2, "--folder", tmp_path).exit_code == 0
    saved = trained_weights(tmp_path)
    assert saved["first.weight"].equal(saved["second.weight"])
    Tied().load_state_dict(saved)
    result = train("--epochs", 2, "--folder", tmp_path, "--resume")
    assert result.exit_code == 0, result.output
    assert largest_difference(saved, trained_weights(tmp_path)) == 0


class Sharing(nn.Module):
    """Weights and buffers that share memory in all ways, and odd kinds of tensors."""

    def __init__(self):
        super().__init__()
        flat = torch.randn(2 * 1024 * 10)
        self.first = nn.Parameter(flat[: 1024 * 10].view(1024, 10))
        self.second = nn.Parameter(flat[1024 * 10 :].view(10, 1024).T)  # not contiguous
        self.scale = nn.Parameter(torch.tensor(0.5))  # without dimensions
        self.brief = nn.Parameter(torch.ones(10, dtype=torch.bfloat16))
        self.register_buffer("same", self.first.data)
        self.register_buffer("part", self.first.data[:2])
        self.register_buffer("count", torch.tensor(7))
        self.register_buffer("passing", torch.zeros(3), persistent=False)

    def forward(self, x):
        mixed = self.first + self.scale * self.second
        return x.flatten(1) @ mixed * self.brief.float()


@pytest.mark.parametrize(
    "wrap", [lambda n: n, nn.DataParallel, partial(torch.compile, backend="eager")]
)
def test_tensors_that_share_memory_are_saved_and_resumed(wrap, tmp_path, digits):
    """Each under the network's own names, whatever runs it."""

    def fit(epochs, place):
        torch.manual_seed(0)
        wrapped = wrap(Sharing())
        recipe = Recipe(epochs=epochs, batch_size=32, warmup=0, milestones=((0, 1),))
        with RunFolder(place, {}, {}, resume=True) as run:
            history = training.fit(wrapped, digits.train[:64], recipe, run=run)
            run.finish(wrapped, history.to_dict("records"), {})
        return trained_weights(place)

    at_once = fit(2, tmp_path / "whole")
    fit(1, tmp_path / "parts")
    assert largest_difference(at_once, fit(2, tmp_path / "parts")) == 0
    assert at_once.keys() == Sharing().state_dict().keys()
    assert at_once["same"].equal(at_once["first"])
    assert at_once["part"].equal(at_once["first"][:2])
    assert at_once["brief"].dtype == torch.bfloat16
    Sharing().load_state_dict(at_once)


def test_two_runs_into_one_folder_are_refused(tmp_path):
    with FileLock(tmp_path / ".lock"):
        result = train("--epochs", 1, "--folder", tmp_path)
    assert result.exit_code == 1
    assert "another process is writing" in message(result)


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    """A limit on the size of files stands for the full disk."""
    folder, save = tmp_path / "run", RunFolder.save
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limited(run, accelerator, history):
        size = 100_000 if len(history) == 2 else before[0]
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            save(run, accelerator, history)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save", limited)
        result = train("--epochs", 3, "--folder", folder)
    assert result.exit_code == 1
    assert "could not write the checkpoint epoch-0002" in message(result)
    assert "the run can go on from epoch-0001" in message(result)
    assert "Traceback" not in result.output
    assert [path.name for path in folder.glob("epoch*")] == ["epoch-0001"]
    assert train("--epochs", 3, "--folder", folder, "--resume").exit_code == 0


@pytest.mark.parametrize(
    ("error", "asks"),
    [
        (OSError(errno.EACCES, os.strerror(errno.EACCES)), False),
        (SafetensorError("I/O error: Read-only file system (os error 30)"), False),
        (SafetensorError("I/O error: No space left on device (os error 28)"), True),
        (RuntimeError("PytorchStreamWriter failed\nwriting file"), True),
    ],
)
def test_only_what_may_be_a_full_disk_is_called_one(error, asks, tmp_path, monkeypatch):
    monkeypatch.setattr("accelerate.Accelerator.save_state", Mock(side_effect=error))
    result = train("--epochs", 1, "--folder", tmp_path)
    assert result.exit_code == 1
    assert " ".join(str(error).split()) in message(result)
    assert ("Is the disk full?" in message(result)) is asks


@pytest.mark.parametrize("fails", ["weights.save", "RunFolder._write_log"])
def test_a_disk_full_at_the_end_leaves_the_last_checkpoint(
    fails, whole, tmp_path, monkeypatch
):
    """Weights and test are written last: a run that is resumed does only that."""
    folder, full = tmp_path / "run", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finish = RunFolder.finish

    def finish_on_a_full_disk(run, *arguments):
        with monkeypatch.context() as patch:
            patch.setattr(
                f"cnnbook.training.run_folder.{fails}", Mock(side_effect=full)
            )
            finish(run, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "finish", finish_on_a_full_disk)
        result = train(*SHORT, "--folder", folder)
    assert result.exit_code == 1
    assert "could not write the weights and the test" in message(result)
    assert "the run can go on from epoch-0004" in message(result)
    assert "Traceback" not in result.output
    assert not list(folder.glob("*.partial"))
    assert train(*SHORT, "--folder", folder, "--resume").exit_code == 0
    assert largest_difference(trained_weights(whole), trained_weights(folder)) == 0
    logs = [(place / "log.jsonl").read_text() for place in (whole, folder)]
    assert logs[0].splitlines()[-1] == logs[1].splitlines()[-1]


def test_a_loss_that_is_not_finite_leaves_the_last_checkpoint(tmp_path):
    digits = data.load("digits").train[:64]
    calls = []

    def criterion(scores, labels):
        calls.append(len(labels))
        return scores.square().mean() * (1 if len(calls) < 3 else float("nan"))

    recipe = Recipe(epochs=3, batch_size=32, criterion=criterion)
    with RunFolder(tmp_path, {}, {}) as run, pytest.raises(FloatingPointError):
        training.fit(models.build("lenet5-modern"), digits, recipe, run=run)
    assert [path.name for path in tmp_path.glob("epoch*")] == ["epoch-0001"]
