"""The command line: in this process, or for processes of its own."""

import os
import re
import sys

from click.testing import Result
from typer.testing import CliRunner

from cnnbook.__main__ import app

TRAIN = ["train", "--model", "lenet5-modern", "--data", "digits"]
COMMAND = [sys.executable, "-m", "cnnbook", *TRAIN]
# Alone on this machine, on a port that is free: another run may have the usual one.
TORCHRUN = [
    *(sys.executable, "-m", "torch.distributed.run"),
    *("--standalone", "--nproc_per_node", "2"),
]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}


def run(*words: object, **options) -> Result:
    """Run ``python -m cnnbook`` with these words, here."""
    return CliRunner().invoke(app, [str(word) for word in words], **options)


def train(*words: object, **options) -> Result:
    """Run `TRAIN` with more words, here."""
    return run(*TRAIN, *words, **options)


def message(result: Result) -> str:
    """Return what was printed, without the frame and its line breaks."""
    return re.sub(r"[\s│╭╮╰╯─]+", " ", result.output)
