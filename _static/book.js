/* Loaded on every page, before the theme's own scripts and the widgets. */

// Paper is light, whatever the screen is, and shows what a chapter teaches, what is for
// the curious, and its key cells.
addEventListener("beforeprint", () => {
  const { dataset } = document.documentElement;
  const { theme, code } = dataset;
  const folded = ":is(.chapter-needs, .curious):not([open])";
  const closed = [...document.querySelectorAll(folded)];
  dataset.theme = "light";
  for (const fold of closed) fold.open = true;
  if (code) foldAllCode("key");
  addEventListener("afterprint", () => {
    dataset.theme = theme;
    for (const fold of closed) fold.open = false;
    if (code) foldAllCode(code);
  }, { once: true });
});

// A section is laid out when it comes near. Only then can what is too wide for it be
// found: such a box scrolls, and the keyboard must reach it. The theme does that for
// code and tables whenever the window changes its size; formulas are ours.
function makeReachable(event) {
  if (event.skipped) return;
  dispatchEvent(new Event("resize"));
  for (const box of event.target.querySelectorAll("div.math")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
}

// The widget manager weighs more than a chapter. It is fetched when the reader comes
// near the first slider, and then draws all sliders. Paper shows a picture of each.
function loadWidgets() {
  const { content_root } = document.documentElement.dataset;
  const script = document.createElement("script");
  script.src = `${content_root}_static/vendor/embed.js`;
  // It draws when the page has loaded: that was long ago, so say it again.
  script.onload = () => dispatchEvent(new Event("load"));
  document.head.append(script);
}

function loadWidgetsWhenNear() {
  const places = [...document.querySelectorAll('script[type$="widget-view+json"]')];
  if (!places.length) return;
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      loadWidgets();
    },
    { rootMargin: "1500px" },
  );
  for (const place of places) observer.observe(place.parentElement);
}

// An explorable's scripts are fetched when the reader comes near it, each one once.
function loadExplorablesWhenNear() {
  const asked = new Set();
  const load = (place) => {
    for (const address of place.dataset.scripts.split(" ")) {
      if (asked.has(address)) continue;
      asked.add(address);
      const script = document.createElement("script");
      script.async = false; // they run in the order in which they are named
      script.src = address;
      script.onerror = openAllResults; // a question that cannot be asked hides nothing
      document.head.append(script);
    }
  };
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        load(target);
      }
    },
    { rootMargin: "1000px" },
  );
  for (const place of document.querySelectorAll("[data-scripts]")) {
    observer.observe(place);
  }
}

// The search's records weigh as much as a chapter: they wait until someone searches.
function loadSearch() {
  const { content_root } = document.documentElement.dataset;
  for (const name of ["vendor/minisearch", "search/records", "search/search"]) {
    const script = document.createElement("script");
    script.async = false; // they run in this order
    script.src = `${content_root}_static/${name}.js`;
    document.head.append(script);
  }
}

function loadSearchWhenUsed() {
  if (document.querySelector(".bd-search-container")) return loadSearch();
  const fields = document.querySelector("#pst-search-dialog");
  fields?.addEventListener("focusin", loadSearch, { once: true });
}

// A result is hidden until the reader has answered its question. Most browsers open it by
// themselves when a search or an address leads into it; the others are helped.
function openResults(results) {
  for (const result of results) {
    result.removeAttribute("hidden");
    makeReachable({ target: result });
  }
}

function openAllResults() {
  openResults(document.querySelectorAll(".gate-result[hidden]"));
}

function openWhatIsSought() {
  const sought = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const result = sought?.closest(".gate-result[hidden]");
  const folds = [];
  for (let around = sought; around; around = around.parentElement) {
    if (around.matches("details:not([open])")) folds.push(around);
  }
  if (result) openResults([result]);
  for (const fold of folds) fold.open = true;
  if (result || folds.length) sought.scrollIntoView();
}

// One switch for all questions of the book, remembered.
function offerAllResults() {
  const box = document.querySelector(".gates-switch input");
  if (!box) return;
  try {
    box.checked = localStorage.getItem("cnnbook.gates") === "open";
  } catch { /* storage is blocked: the switch serves this page */ }
  box.addEventListener("change", () => {
    if (box.checked) openAllResults();
    try {
      if (box.checked) localStorage.setItem("cnnbook.gates", "open");
      else localStorage.removeItem("cnnbook.gates");
    } catch { /* likewise */ }
    if (!box.checked) document.querySelectorAll(".gate-result").forEach(hideResult);
  });
}

// Who reports a mistake tells where: the link names the section that is on view.
function nameSectionInReport() {
  const link = document.querySelector(".btn-report");
  if (!link) return;
  const address = new URL(link.href);
  const asked = address.searchParams;
  const [body, title] = [asked.get("body"), asked.get("title")];
  const name = () => {
    const headings = [...document.querySelectorAll(".bd-article section[id] > :is(h2, h3)")];
    const above = headings.filter((heading) =>
      heading.checkVisibility() && heading.getBoundingClientRect().top < innerHeight / 2);
    const heading = above.at(-1);
    const section = heading?.textContent.replace(/#$/, "");
    asked.set("body", heading
      ? body.replace(/^Page: \S+/, `$&#${heading.parentElement.id}`) : body);
    asked.set("title", section ? `${title}${section}: ` : title);
    link.href = address;
  };
  for (const event of ["pointerdown", "focus"]) link.addEventListener(event, name);
}

// A sidebar longer than the screen shows where in the book the page is.
function showCurrentEntry() {
  const sidebar = document.querySelector(".bd-sidebar-primary");
  const entry = sidebar?.querySelector(".current.active > a");
  if (!entry) return;
  const [inner, outer] = [entry, sidebar].map((box) => box.getBoundingClientRect());
  if (inner.top >= outer.top && inner.bottom <= outer.bottom) return;
  sidebar.scrollTop += inner.top - outer.top - sidebar.clientHeight / 2;
}

// How much code stands open: key cells, all, or none. Remembered for all chapters.
function foldAllCode(mode) {
  document.documentElement.dataset.code = mode;
  for (const details of document.querySelectorAll("details.code")) foldCode(details, mode);
}

// Change the page, and leave where it is what the reader has before his eyes.
function keepInView(change) {
  const { left, width } = document.querySelector(".bd-article").getBoundingClientRect();
  const seen = document.elementFromPoint(left + width / 2, innerHeight / 3);
  const kept = seen?.closest(".cell, p, li, h2, h3") ?? seen;
  const before = kept?.getBoundingClientRect().top;
  change();
  if (kept) scrollBy({ top: kept.getBoundingClientRect().top - before, behavior: "instant" });
}

function offerCodeModes() {
  for (const choice of document.querySelectorAll(".code-switch input")) {
    choice.checked = choice.value === document.documentElement.dataset.code;
    choice.addEventListener("change", () => {
      keepInView(() => foldAllCode(choice.value));
      try {
        localStorage.setItem("cnnbook.code", choice.value);
      } catch { /* storage is blocked: the switch serves this page */ }
    });
  }
}

// Name what a screen reader would otherwise read as just "slider" or "button"; the
// search button's own text names it better than its label, which leaves out the keys.
function nameControls() {
  document.querySelector(".search-button-field")?.removeAttribute("aria-label");
  for (const slider of document.querySelectorAll(".widget-slider")) {
    const handle = slider.querySelector(".noUi-handle");
    const [label, value] = [".widget-label", ".widget-readout"].map((part) =>
      slider.querySelector(part)?.textContent.trim());
    // Only what differs: each change is looked at again.
    if (handle?.ariaLabel !== label) handle.ariaLabel = label;
    if (handle?.ariaValueText !== value) handle.ariaValueText = value;
  }
  const plays = document.querySelectorAll(".widget-play button:not([aria-label])");
  for (const button of plays) {
    button.setAttribute("aria-label", button.title || "Play");
  }
}

document.addEventListener("contentvisibilityautostatechange", makeReachable, true);
document.addEventListener("resultopened", makeReachable);
addEventListener("hashchange", openWhatIsSought);
addEventListener("load", openWhatIsSought);
addEventListener("load", showCurrentEntry);
document.addEventListener("DOMContentLoaded", () => {
  offerAllResults();
  offerCodeModes();
  loadExplorablesWhenNear();
  loadWidgetsWhenNear();
  loadSearchWhenUsed();
  nameControls();
  nameSectionInReport();
  const changes = { childList: true, subtree: true };
  new MutationObserver(nameControls).observe(document.body, changes);
});
