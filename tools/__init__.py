"""What keeps the book, in families; run from the root, as ``python -m tools.notebooks``.

``setup.py``
    makes ``.venv`` and needs nothing installed.
``notebooks``
    executes, validates and tidies the chapters; ``colab`` rehearses them as Colab does.
``site``
    ``assets`` fetches the pages' scripts; ``light``, ``glossary_links`` and ``metadata``
    are extensions of Sphinx that ``_config.yml`` names.
``browser``
    ``pdf`` prints the built book and ``lighthouse`` measures it, both in ``chromium``.
``experiments``
    ``record`` makes the runs in ``data/runs``; ``benchmark`` times our code and others'.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
