"""What makes pages light, and that it fails where it finds nothing to change."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from sphinx.errors import ExtensionError

from tools.site import light


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Return a build of one page, by a theme like ours, that nothing was done to."""
    monkeypatch.setattr(light, "written", set())
    monkeypatch.setattr(light, "found", set())
    for folder in (light.THEME_STYLES.parent, light.THEME_SCRIPT.parent):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / light.ICON_FONTS).mkdir(parents=True)
    return SimpleNamespace(
        outdir=str(tmp_path),
        builder=SimpleNamespace(format="html"),
        env=SimpleNamespace(found_docs={"one"}),
    )


def test_what_a_change_finds_is_noted(app: SimpleNamespace) -> None:
    pattern = re.compile("[ab]")
    assert light.replace(pattern, "", "xyz") == "xyz"
    assert light.found == set()
    assert light.replace(pattern, "", "abc") == "c"
    assert light.found == {"[ab]"}


def test_a_change_that_finds_nothing_in_the_whole_book_fails(
    app: SimpleNamespace,
) -> None:
    light.check(app, None)  # the one page of the book was not written
    light.written.add("one")
    light.check(app, ValueError("the build has failed already"))
    with pytest.raises(
        ExtensionError, match=r"mend tools/site/light.py: .*widget-view"
    ):
        light.check(app, None)
    patterns = [light.WIDGET_VIEW, *light.REPLACED]
    light.found.update(pattern.pattern for pattern in patterns)
    light.found.update({light.OPTIONS, light.PAPER, light.CARDS})
    with pytest.raises(ExtensionError, match=r"light\.py: design-tabs$"):
        light.check(app, None)
    light.found.add(light.TABS)
    light.check(app, None)


def test_a_page_says_what_is_meant(app: SimpleNamespace) -> None:
    context = {
        "body": '<span class="n">x</span><span class="k">if</span>'
        '<div role="list" class="citation-list">'
    }
    light.mend_body(app, "one", "page.html", context, None)
    assert context["body"] == ('x<span class="k">if</span><div class="citation-list">')


class Asset:
    """A script or style as Sphinx holds it."""

    def __init__(self, filename: str, *, priority: int = 500, **attributes: str):
        self.filename, self.priority = filename, priority
        self.attributes = attributes

    def __repr__(self) -> str:
        return " ".join([str(self.filename), *self.attributes])


@pytest.mark.parametrize(
    ("body", "template", "styles", "scripts"),
    [
        ("", "page.html", "theme.css, print.css media", "options, book.js?v=1 defer"),
        (
            '<div class="sd-card">',
            "page.html",
            "theme.css, print.css media, sphinx-design.min.css",
            "options, book.js?v=1 defer, design-tabs.js defer",
        ),
        ("", "search.html", "theme.css, print.css media", "options, book.js?v=1"),
    ],
)
def test_only_what_a_page_needs_at_once_holds_it_up(
    app: SimpleNamespace, body: str, template: str, styles: str, scripts: str
) -> None:
    css = [Asset(n) for n in ("theme.css", "print.css", "sphinx-design.min.css")]
    js = [Asset(n) for n in (light.OPTIONS, "book.js?v=1", "design-tabs.js")]
    context = {"body": body, "css_files": css, "script_files": js}
    light.lighten_head(app, "one", template, context, None)
    assert ", ".join(map(repr, context["css_files"])) == styles
    shown = ", ".join(map(repr, context["script_files"]))
    assert shown.replace(light.OPTIONS, "options") == scripts
    assert not css[1].attributes, "another page has the same style"


def test_a_stack_shows_its_first_picture() -> None:
    models = {
        "box": {"state": {"children": ["IPY_MODEL_slider", "IPY_MODEL_stack"]}},
        "stack": {"state": {"children": ["IPY_MODEL_a", "IPY_MODEL_b"]}},
        "a": {"state": {"value": "<picture><img alt='a'></picture>"}},
        "b": {"state": {"value": "<picture><img alt='b'></picture>"}},
    }
    models["stack"]["state"]["selected_index"] = 1
    shown = light.first_frame(models, "box")
    picture = '<picture class="first-frame"><img loading="lazy" alt=\'b\'></picture>'
    assert shown == picture


def test_the_themes_script_measures_what_is_near(app: SimpleNamespace) -> None:
    script = Path(app.outdir, light.THEME_SCRIPT)
    measured = (
        "e.tabIndex=e.scrollWidth>e.clientWidth||e.scrollHeight>e.clientHeight?0:-1"
    )
    script.write_text(f"for(e of x){measured};")
    light.measure_late(app, None)
    near = "!1===e.checkVisibility?.({contentVisibilityAuto:!0})"
    assert script.read_text() == f"for(e of x){near}||({measured});"
    script.write_text("for(e of x)e.tabIndex=0;")
    with pytest.raises(ExtensionError, match=r"pydata-sphinx-theme\.js"):
        light.measure_late(app, None)


def test_a_theme_without_its_icons_fails(app: SimpleNamespace) -> None:
    Path(app.outdir, light.THEME_STYLES).write_text("body{}")
    with pytest.raises(ExtensionError, match=r"fa-.* in .*pydata-sphinx-theme.css"):
        light.subset_icons(app, None)


def test_a_theme_without_what_is_removed_fails(app: SimpleNamespace) -> None:
    script = Path(app.outdir, light.THEME_SCRIPT).with_name("fontawesome.js")
    with pytest.raises(ExtensionError, match=r"scripts/fontawesome\.js"):
        light.remove_unused(app, None)
    script.touch()
    with pytest.raises(ExtensionError, match=r"webfonts/\*.ttf"):
        light.remove_unused(app, None)
    script.touch()
    font = Path(app.outdir, light.ICON_FONTS, "fa-solid-900.ttf")
    font.touch()
    light.remove_unused(app, None)
    assert not script.exists()
    assert not font.exists()
