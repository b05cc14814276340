"""The page on training at scale: its figures, its commands, and its programs."""

import doctest
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from torchvision.io import read_file, write_file

from cnnbook.__main__ import app
from cnnbook._book import ROOT
from cnnbook.data import imagenet_files
from cnnbook.training import recipe_for
from tests.cnnbook.command import ENVIRONMENT, run
from tests.cnnbook.images import write_images

PAGE = ROOT / "chapters" / "train-at-scale.md"
# In place of the cluster's: two nodes, both of them this machine.
SCONTROL = """#!/bin/bash
echo localhost
echo localhost
"""
SRUN = """#!/bin/bash
[ "$SRUN_CPUS_PER_TASK" = "$SLURM_CPUS_PER_TASK" ] || exit 3
"$@" & first=$!
"$@" & second=$!
wait $first && wait $second
"""


def _block(language: str, word: str) -> str:
    """Return the page's block of code in which a word stands."""
    page = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(rf"^```{language}\n(.*?)^```", page, re.M | re.S)
    (found,) = (block for block in blocks if word in block)
    return found


def test_the_page_counts_what_it_says():
    failed, attempted = doctest.testfile(str(PAGE), module_relative=False)
    assert attempted > 5
    assert failed == 0


def test_every_command_of_the_page_exists():
    page = PAGE.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"-m cnnbook train (-.*)$", page, re.M)
    assert len(lines) > 4
    command = typer.main.get_command(app).commands["train"]
    for line in lines:
        with command.make_context("train", shlex.split(line)) as context:
            parameters = context.params
        kind = parameters["dataset"].replace("my-images", "imagenet")
        recipe_for(parameters["model"], kind, parameters["recipe"])


def test_a_dry_run_needs_no_data(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path / "nothing"))
    for line in ("resnet20-cifar --data cifar10", "resnet50 --data imagenet"):
        counted = run(
            "train", "--model", *line.split(), "--recipe", "paper", "--dry-run"
        )
        assert counted.exit_code == 0
        assert "training macs" in counted.output
    assert not [*tmp_path.iterdir()]


def test_the_line_that_sorts_imagenet_is_the_one_that_the_error_tells(tmp_path):
    for archive in imagenet_files.ARCHIVES.values():
        (tmp_path / archive).touch()
    line = _block("sh", "import ImageNet").strip()
    assert imagenet_files.remedy(tmp_path).endswith(line)


@pytest.mark.slow
def test_a_folder_of_photographs_is_trained_on_and_asked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_images(Path("my-images"), (72, 90))
    write_file("photograph.jpg", read_file("my-images/val/dog/0.png"))
    commands = _block("sh", "--data my-images").replace("\\\n", " ").splitlines()
    assert len(commands) == 2
    for line in commands:
        line = line.replace("--batch-size 32", "--batch-size 3 --epochs 1")
        done = run(*shlex.split(line)[3:])
        assert done.exit_code == 0, done.output
    exec(_block("python", "my-images/train"), {})
    assert re.search(r"(cat|dog) \d+%", capsys.readouterr().out)


@pytest.mark.slow
def test_the_script_for_slurm_starts_a_process_on_each_node(tmp_path):
    """With stand-ins for Slurm's two commands, and a small network."""
    for name, text in (("scontrol", SCONTROL), ("srun", SRUN)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    script = _block("sh", "#SBATCH").replace(". .venv/bin/activate\n", "")
    script, replaced = re.subn(
        r"--model resnet50 .*?--precision bf16",
        "--model lenet5-modern --data digits --epochs 1 --batch-size 500",
        script,
        flags=re.S,
    )
    assert replaced == 1
    done = subprocess.run(
        ["bash", "-c", script],
        env=ENVIRONMENT
        | {
            "PATH": f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "code"),
            "SCRATCH": str(tmp_path),
            "SLURM_CPUS_PER_TASK": "2",
            "SLURM_GPUS_ON_NODE": "1",
            "SLURM_JOB_ID": str(os.getpid()),
            "SLURM_JOB_NODELIST": "node[1-2]",
            "SLURM_NNODES": "2",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "resnet50" / "run.json").read_text())
    assert record["origin"]["processes"] == 2
    assert (tmp_path / "resnet50" / "model.safetensors").is_file()
