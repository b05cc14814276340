"""A run from beginning to end: what decides it, and what it says."""

import json
import subprocess

import pytest
import torch
from torch import nn

from cnnbook.data import image_folder
from cnnbook.training.task import Task

from ..command import ENVIRONMENT, TORCHRUN, TRAIN, message, train
from ..images import write_images
from .weights import largest_difference, trained_weights


def test_a_task_describes_itself():
    task = Task.find("lenet5", "digits", validation=37, epochs=3)
    about = task.about()
    assert about["criterion"] == "map_criterion"
    assert (about["train_images"], about["validation_images"]) == (1400, 37)
    assert task.name == "lenet5-digits-seed0"


@pytest.mark.slow
def test_two_processes_speak_as_one_and_share_one_log(tmp_path):
    short = ["--epochs", "1", "--batch-size", "500"]
    done = subprocess.run(
        [*TORCHRUN, "-m", "cnnbook", *TRAIN, *short, "--folder", str(tmp_path)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("test error") == 1
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["origin"]["processes"] == 2
    rows = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    assert [row.get("epoch") for row in rows] == [1, None]


def test_half_precision_leaves_weights_in_32_bits(tmp_path):
    """They are no numbers of 16 bits, and not those of a run in 32 bits."""
    found = {}
    for precision in ("bf16", "no"):
        folder = tmp_path / precision
        result = train(
            "--epochs", 1, "--batch-size", 500, "--precision", precision,
            "--folder", folder,
        )  # fmt: skip
        assert result.exit_code == 0
        found[precision] = trained_weights(folder)
        record = json.loads((folder / "run.json").read_text())
        assert record["origin"]["precision"] == precision
    half = found["bf16"]
    assert all(weight.dtype == torch.float32 for weight in half.values())
    assert all(not weight.bfloat16().float().equal(weight) for weight in half.values())
    assert largest_difference(half, found["no"]) > 1e-6


def test_a_last_step_that_spoils_the_network_is_told(tmp_path):
    """The training loss is that before the step: only the test shows it."""
    options = ("--epochs", 1, "--batch-size", 1437, "--learning-rate", 1e30)
    result = train(*options, "--folder", tmp_path)
    assert result.exit_code == 1
    assert "the test loss is nan: lower learning_rate" in message(result)
    assert not (tmp_path / "model.safetensors").exists()


def test_a_run_counts_the_damaged_images(tmp_path, monkeypatch):
    root = write_images(tmp_path / "photos", (240, 240))
    (root / "val" / "dog" / "2.png").write_bytes(b"no image")
    monkeypatch.setattr(image_folder, "DAMAGED_SHARE", 0.5)
    small = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 2))
    monkeypatch.setattr(Task, "build", lambda task: small)
    task = Task.find("resnet18", str(root), "paper", epochs=1, batch_size=2)
    figures = task.run(tmp_path / "run", "a test")
    assert figures["damaged_test_images"] == 1
    assert "damaged_train_images" not in figures
