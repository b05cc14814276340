/* Loaded on every page, before the theme's own scripts, MathJax and the widgets. */

// The theme's Font Awesome replaces each <i> by an <svg>; a widget that then looks for
// its <i> breaks, and every widget after it. Nesting leaves the <i> in place.
window.FontAwesomeConfig = { autoReplaceSvg: "nest" };

// A page opened from a folder may not fetch other files, so the search lists titles
// without the excerpts that it would have to fetch.
if (location.protocol === "file:") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}

// A long formula scrolls in its own box; let the keyboard reach that box.
function makeFormulasReachable() {
  for (const box of document.querySelectorAll(".bd-article .math")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
}

// Only a page with formulas has a MathJax, which here is still just its settings.
if (window.MathJax) {
  // Widgets write formulas between dollars, as notebooks do.
  MathJax.tex = { inlineMath: [["\\(", "\\)"], ["$", "$"]] };
  MathJax.startup = {
    ready() {
      MathJax.startup.defaultReady();
      MathJax.startup.promise.then(makeFormulasReachable);
      // The widget manager knows MathJax 2 only, and asks its queue to typeset.
      const typeset = ([, , element]) => {
        MathJax.startup.promise = MathJax.startup.promise.then(() =>
          MathJax.typesetPromise([element]),
        );
      };
      MathJax.Hub = { Queue: typeset };
    },
  };
}

// Name what a screen reader would otherwise read as just "slider" or "button".
function nameControls() {
  for (const handle of document.querySelectorAll(".noUi-handle:not([aria-label])")) {
    const label = handle.closest(".jupyter-widgets")?.querySelector(".widget-label");
    handle.setAttribute("aria-label", label?.textContent.trim() || "Slider");
  }
  const plays = document.querySelectorAll(".widget-play button:not([aria-label])");
  for (const button of plays) {
    button.setAttribute("aria-label", button.title || "Play");
  }
}

document.addEventListener("DOMContentLoaded", () => {
  const changes = { childList: true, subtree: true };
  new MutationObserver(nameControls).observe(document.body, changes);
});
