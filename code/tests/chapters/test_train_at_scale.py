"""The page on training at scale: its figures, and its commands."""

import doctest
import re
import shlex

import typer

from cnnbook.__main__ import app
from cnnbook._book import ROOT
from cnnbook.training import recipe_for

PAGE = ROOT / "chapters" / "train-at-scale.md"


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
        recipe_for(parameters["model"], parameters["dataset"], parameters["recipe"])
