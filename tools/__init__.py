"""What keeps the book, in families. Run from the root: ``python -m tools.notebooks``.

``setup.py``
    makes ``.venv`` and needs nothing installed.
``notebooks``
    executes, validates and tidies the chapters; ``colab`` rehearses them in Colab's
    versions.
``site``
    ``assets`` installs the pages' scripts and, like ``light``, ``glossary_links`` and
    ``metadata``, is an extension of Sphinx that ``_config.yml`` names.
``browser``
    ``pdf`` prints the built book and ``lighthouse`` measures it, both in ``chromium``.
``experiments``
    ``record`` makes most of ``data/runs``; ``benchmark`` times our code.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
