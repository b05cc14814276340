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
from unittest.mock import Mock

import pytest
import torch
from filelock import FileLock
from torch import nn

from cnnbook import data, models, training
from cnnbook.training import Recipe
from cnnbook.training.run_folder import FORMAT, RunFolder

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


@pytest.mark.parametrize("moment", ["save_state", "rename", "_write_log", "rmtree"])
def test_a_run_killed_while_it_saves_goes_on(moment, whole, tmp_path, monkeypatch):
    def killed(*arguments, **options):
        raise Killed

    place = {
        "save_state": "accelerate.Accelerator.save_state",
        "rename": "pathlib.Path.rename",
        "_write_log": "cnnbook.training.run_folder.RunFolder._write_log",
        "rmtree": "shutil.rmtree",
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
    "fails", ["safetensors.torch.save_file", "RunFolder._write_log"]
)
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
