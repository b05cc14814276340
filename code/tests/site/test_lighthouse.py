"""Lighthouse's scores, and what is said where it cannot measure."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tools.browser import chromium, lighthouse
from tools.site import assets


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a built book, with a browser and a Lighthouse at hand."""
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "01-one.html").touch()
    monkeypatch.setattr(lighthouse, "HTML", tmp_path)
    monkeypatch.setattr(chromium, "find", lambda: "chromium")
    monkeypatch.setattr(assets, "install", lambda with_lighthouse: None)
    return tmp_path


def report(performance: float) -> str:
    """Return what Lighthouse prints of a page, with one audit that failed."""
    scores = {kind: {"score": 1.0} for kind in lighthouse.LEAST}
    audit = {"id": "canonical", "title": "No link", "scoreDisplayMode": "binary"}
    return json.dumps(
        {
            "categories": scores | {"performance": {"score": performance}},
            "audits": {"canonical": audit | {"score": 0}},
        }
    )


def run(monkeypatch: pytest.MonkeyPatch, printed: str, status: int = 0) -> Result:
    """Run the program with a Lighthouse that prints this."""
    done = subprocess.CompletedProcess([], status, printed)
    monkeypatch.setattr(lighthouse, "node", lambda *_, **__: done)
    app = typer.Typer()
    app.command()(lighthouse.main)
    return CliRunner().invoke(app)


def test_scores_are_printed(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, report(0.931))
    assert result.exit_code == 0
    header, audit, scores = result.stdout.splitlines()
    assert header == "page | performance | accessibility | best-practices | seo"
    assert audit == "  canonical: No link"
    assert scores == "01-one | 93 | 100 | 100 | 100"


def test_a_low_score_fails(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, report(0.89)).exit_code == 1


def test_what_keeps_it_from_measuring_is_said(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(monkeypatch, "", status=1)
    assert result.exit_code == 2
    assert "Lighthouse failed on http://127.0.0.1" in result.stderr
    (book / "chapters" / "01-one.html").unlink()
    result = run(monkeypatch, report(1))
    assert result.exit_code == 2
    assert (
        result.stderr == "lighthouse: there is no built book: run `make book` first.\n"
    )
