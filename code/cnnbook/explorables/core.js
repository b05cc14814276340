// What all explorables share: the element itself, its parts, and how they look.
//
// An explorable is a custom element. What stands inside it in the page, a picture and a
// sentence, is what a reader without scripts sees, and what is printed. It must work in
// the book (from a folder, too), in Colab's sandboxed frame, in JupyterLab, which inserts
// an output a second time, and in VS Code: so no imports, no fetch, no ids in the page,
// nothing that needs the pointer to hover, nothing that plays by itself.
(() => {
  // Another output of the same page may have brought it.
  if (globalThis.cnnbook) return;

  // Words have a contrast of at least 4.5 : 1 on the surface, lines of 3 : 1.
  const STYLE = `
  :host {
    --text: #1f2933; --quiet: #52606d; --line: #7b8794; --faint: #d9dee3;
    --surface: #fff; --raised: #f3f5f7; --accent: #0b6ba8; --on-accent: #fff;
    --good: #0b7a4b; --bad: #b3261e; --paper: 247 247 247; --ink: 20 24 30;
    --positive: 178 24 43; --negative: 33 102 172;
    background: var(--surface); color: var(--text); container-type: inline-size;
    display: block; font: 15px/1.45 system-ui, sans-serif; min-height: var(--narrow);
    text-align: left;
  }
  @container explorable (min-width: 600px) { :host { min-height: var(--wide); } }
  :host([dark]) {
    --text: #e4e8ec; --quiet: #a7b1bb; --line: #7b8794; --faint: #3a424c;
    --surface: #121212; --raised: #22262b; --accent: #63b3ec; --on-accent: #10141a;
    --good: #57c795; --bad: #ff8a80; --paper: 28 30 33; --ink: 236 239 242;
    --positive: 244 109 84; --negative: 92 160 220;
  }
  * { box-sizing: border-box; }
  [hidden] { display: none !important; }
  p { margin: 0; }
  button, select, input[type=text], input[type=number] {
    background: var(--surface); border: 1px solid var(--line); border-radius: 6px;
    color: inherit; font: inherit; min-height: 44px; min-width: 44px; padding: 4px 12px;
  }
  button { cursor: pointer; }
  button:hover { background: var(--raised); }
  button[aria-pressed=true] { background: var(--accent); color: var(--on-accent); }
  button:disabled { color: var(--quiet); cursor: default; }
  :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
  a { color: var(--accent); }
  .row { align-items: center; display: flex; flex-wrap: wrap; gap: 8px; }
  .quiet { color: var(--quiet); font-size: 13px; }
  .numbers { font-variant-numeric: tabular-nums; }
  .slider { align-items: center; display: grid; gap: 0 12px; grid-template-columns: 1fr auto; }
  .slider input { accent-color: var(--accent); grid-column: 1 / 3; height: 44px; margin: 0; width: 100%; }
  .slider output { font-variant-numeric: tabular-nums; }
  canvas { display: block; image-rendering: pixelated; width: 100%; }
  details > summary { cursor: pointer; min-height: 44px; padding: 10px 0; }
  table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
  th, td { border-bottom: 1px solid var(--faint); padding: 4px 8px; text-align: right; }
  th:first-child, td:first-child { text-align: left; }
  .scroll { max-width: 100%; overflow-x: auto; }
  .hidden-text { clip-path: inset(50%); height: 1px; overflow: hidden; position: absolute; width: 1px; white-space: nowrap; }
  .map { position: relative; }
  .mark { border: 2px solid var(--accent); outline: 1px solid var(--surface); pointer-events: none; position: absolute; }
  :host([hide~=controls]) .controls, :host([hide~=numbers]) details { display: none; }
  .still { display: none; }
  @media print { .still { display: block; } .live { display: none !important; } :host { min-height: 0; } }
  `;

  /** Make an element of HTML: element("button", { onclick }, "text"). */
  function element(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in made) made[name] = value;
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  /** The same for the shapes of SVG, whose properties are all attributes. */
  function shape(tag, attributes = {}, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  /** A button; with `pressed` it is a switch that says its state. */
  function button(text, onclick, { label, pressed } = {}) {
    const made = element("button", { type: "button", onclick }, text);
    if (label) made.setAttribute("aria-label", label);
    if (pressed !== undefined) made.setAttribute("aria-pressed", pressed);
    return made;
  }

  /** Buttons of which one is pressed; `set` presses another without telling. */
  function choice(label, names, chosen, onchoose) {
    const node = element("div", { className: "row", role: "group", "aria-label": label });
    const set = (name) => {
      for (const each of node.children) {
        each.setAttribute("aria-pressed", each.dataset.name === String(name));
      }
    };
    for (const [name, text] of Object.entries(names)) {
      const made = button(text, () => (set(name), onchoose(name)), { pressed: false });
      made.dataset.name = name;
      node.append(made);
    }
    set(chosen);
    return { node, set };
  }

  /** A slider with its name and its value in words. */
  function slider({ label, min, max, step = 1, value, words = String, oninput }) {
    const input = element("input", { type: "range", min, max, step, "aria-label": label });
    const output = element("output");
    const set = (to) => {
      input.value = to;
      output.textContent = words(Number(input.value));
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.oninput = () => (set(input.value), oninput(Number(input.value)));
    const node = element("label", { className: "slider" }, element("span", {}, label), output, input);
    set(value);
    return { node, set, get value() { return Number(input.value); } };
  }

  /** Draw numbers as pixels: blue below zero, red above, full colour at `limit`. */
  function paint(canvas, values, { columns, limit, colours, ink = false }) {
    const rows = values.length / columns;
    if (canvas.width !== columns) canvas.width = columns;
    if (canvas.height !== rows) canvas.height = rows;
    const drawn = canvas.getContext("2d");
    const image = drawn.createImageData(columns, rows);
    for (let i = 0; i < values.length; i++) {
      const share = Math.min(1, Math.abs(values[i]) / limit);
      const to = ink ? colours.ink : values[i] < 0 ? colours.negative : colours.positive;
      for (let c = 0; c < 3; c++) {
        image.data[4 * i + c] = colours.paper[c] + share * (to[c] - colours.paper[c]);
      }
      image.data[4 * i + 3] = 255;
    }
    drawn.putImageData(image, 0, 0);
  }

  /**
   * Maps side by side whose units can be pointed at, or walked to with the arrow keys.
   *
   * `onpoint(unit)` gets {map, row, column, pinned}, or null when the reader leaves. Enter
   * or a tap pins a unit, Escape lets it go. One cell of the grid is real, the one that
   * the reader is at: a screen reader hears its place and what `words(unit)` says of it.
   */
  function sheet({ label, maps, rows, columns, across, words, onpoint }) {
    const cell = element("span", { id: "cell", role: "gridcell" });
    const node = element(
      "div",
      { className: "sheet", role: "grid", tabIndex: 0, "aria-label": label,
        "aria-rowcount": maps * rows, "aria-colcount": columns, "aria-activedescendant": "cell" },
      element("div", { className: "hidden-text" }, element("div", { role: "row" }, cell)),
    );
    const holders = Array.from({ length: maps }, (_, map) =>
      element("div", { className: "map" }, element("canvas", { "aria-hidden": "true" })));
    const grid = element("div", { className: "maps", role: "presentation" }, ...holders);
    grid.style.cssText = `display:grid;gap:3px;grid-template-columns:repeat(${across},1fr)`;
    node.append(grid);
    let at = null;
    let pinned = false;
    const point = (unit, pin = false) => {
      at = unit;
      pinned = pin;
      if (unit) {
        cell.setAttribute("aria-rowindex", unit.map * rows + unit.row + 1);
        cell.setAttribute("aria-colindex", unit.column + 1);
        cell.textContent = words(unit);
      }
      onpoint(unit && { ...unit, pinned: pin });
    };
    const under = (event) => {
      const map = holders.findIndex((holder) => holder.contains(event.target));
      if (map < 0) return null;
      const box = holders[map].getBoundingClientRect();
      const inside = (part, count) => Math.max(0, Math.min(count - 1, Math.floor(part * count)));
      return {
        map,
        row: inside((event.clientY - box.top) / box.height, rows),
        column: inside((event.clientX - box.left) / box.width, columns),
      };
    };
    grid.onpointermove = (event) => {
      if (!pinned && event.pointerType === "mouse") point(under(event));
    };
    grid.onpointerleave = () => !pinned && at && point(null);
    grid.onclick = (event) => {
      const unit = under(event);
      const same = pinned && JSON.stringify(unit) === JSON.stringify(at);
      point(same ? null : unit, !same);
    };
    const walk = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    node.onkeydown = (event) => {
      const unit = at ?? { map: 0, row: 0, column: 0 };
      if (event.key === "Enter") point(unit, !pinned);
      else if (event.key === "Escape") point(null);
      else if (walk[event.key]) point(step(unit, walk[event.key]), pinned);
      else return;
      event.preventDefault();
    };
    node.onblur = () => !pinned && at && point(null);
    // Beyond a map's edge lies its neighbour; the sheet's own edge stops.
    function step({ map, row, column }, [down, right]) {
      const place = {
        row: Math.floor(map / across) * rows + row + down,
        column: (map % across) * columns + column + right,
      };
      const next = Math.floor(place.row / rows) * across + Math.floor(place.column / columns);
      const leaves = place.row < 0 || place.column < 0 || place.column >= across * columns;
      if (leaves || next >= maps) return { map, row, column };
      return { map: next, row: place.row % rows, column: place.column % columns };
    }
    return {
      node,
      point,
      get pinned() { return pinned; },
      /** Draw all maps; `values` holds them one after another. */
      paint(values, options) {
        const size = rows * columns;
        holders.forEach((holder, map) =>
          paint(holder.querySelector("canvas"), values.subarray(map * size, (map + 1) * size),
            { columns, ...options }));
      },
      /** Frame parts of maps: {map, row, column, height, width} in units. */
      mark(boxes) {
        for (const mark of grid.querySelectorAll(".mark")) mark.remove();
        for (const { map, row, column, height = 1, width = 1 } of boxes) {
          const mark = element("div", { className: "mark" });
          mark.style.cssText = `left:${(100 * column) / columns}%;top:${(100 * row) / rows}%;` +
            `width:${(100 * width) / columns}%;height:${(100 * height) / rows}%`;
          holders[map].append(mark);
        }
      },
    };
  }

  // The letters with which Python packs numbers: none needs an escape in JSON or HTML.
  const RANK = new Uint8Array(128);
  Array.from({ length: 92 }, (_, i) => 35 + i)
    .filter((code) => !"&<>\\".includes(String.fromCharCode(code)))
    .forEach((code, rank) => (RANK[code] = rank));

  /** Numbers that Python packed as letters: a rank, or a pair of them, times a scale. */
  function unpack({ scale, letters, rest }) {
    const finer = rest && unpack(rest);
    const numbers = new Float32Array(letters.length);
    let count = 0;
    for (let i = 0; i < letters.length; i++) {
      let rank = RANK[letters.charCodeAt(i)];
      if (rank >= 80) rank += 8 * RANK[letters.charCodeAt(++i)];
      // 0, 1, −1, 2, −2 …
      const whole = rank % 2 ? (rank + 1) / 2 : -rank / 2;
      numbers[count] = scale * whole + (finer ? finer[count] : 0);
      count++;
    }
    return numbers.slice(0, count);
  }

  /** Whether the page around is dark: the book, Colab, JupyterLab, VS Code, the system. */
  function isDark() {
    const { documentElement: root, body } = document;
    const named = root.dataset.theme ?? root.getAttribute("theme");
    if (named === "dark" || named === "light") return named === "dark";
    if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
    if (/vscode-(dark|high-contrast)(?!-light)/.test(body.className)) return true;
    if (body.classList.contains("vscode-light")) return false;
    return matchMedia("(prefers-color-scheme: dark)").matches;
  }

  // The explorables of this page that have started.
  const live = new Set();
  const follow = () => live.forEach((each) => each.follow());
  const attributes = ["data-theme", "theme", "class", "data-jp-theme-light"];
  for (const node of [document.documentElement, document.body]) {
    new MutationObserver(follow).observe(node, { attributes: true, attributeFilter: attributes });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", follow);

  /**
   * The base of all explorables.
   *
   * A kind has `static style`, and `start(data)`, which fills `this.live` and draws; it
   * may have `draw()`, called again when the colours change, and `restore(state)`, called
   * with what `share(state)` has written into the page's address.
   */
  class Explorable extends HTMLElement {
    async connectedCallback() {
      // It was only moved within the page.
      if (this.shadowRoot) return;
      const root = this.attachShadow({ mode: "open" });
      this.spoken = element("p", { className: "hidden-text", role: "status" });
      this.live = element("div", { className: "live" });
      const still = element("div", { className: "still" }, element("slot"));
      root.append(
        element("style", {}, STYLE + (this.constructor.style ?? "")),
        this.live, still, this.spoken,
      );
      // A second one in a page that is still being read: its data comes after its tag.
      if (document.readyState === "loading" && !this.querySelector("script")) {
        await new Promise((read) => document.addEventListener("DOMContentLoaded", read));
      }
      try {
        this.follow();
        await this.start(await this.part());
        this.listen();
        live.add(this);
        this.toggleAttribute("started", true);
      } catch (error) {
        console.error(error);
        this.live.replaceChildren(
          element("slot"),
          element("p", { className: "quiet" }, `This picture does not move here: ${error.message}`),
        );
      }
      this.fit();
    }

    disconnectedCallback() {
      live.delete(this);
    }

    $(selector) {
      return this.live.querySelector(selector);
    }

    /** Read a part of the data that Python gave; in the book it lies in a file. */
    async part(name = "") {
      const script = [...this.querySelectorAll("script[data-part]")].find(
        (each) => each.dataset.part === name);
      if (!script) return {};
      const { file, key } = script.dataset;
      if (!file) return JSON.parse(script.textContent);
      const parts = (globalThis.cnnbookParts ??= {});
      if (!(key in parts)) {
        await new Promise((resolve, reject) => document.head.append(element("script", {
          src: file, onload: resolve,
          onerror: () => reject(new Error(`${file} could not be loaded.`)),
        })));
      }
      return parts[key];
    }

    /** Take over the colours of the page around. */
    follow() {
      this.toggleAttribute("dark", isDark());
      const style = getComputedStyle(this);
      const colour = (name) => style.getPropertyValue(`--${name}`).trim().split(" ").map(Number);
      this.colours = Object.fromEntries(
        ["paper", "ink", "positive", "negative"].map((name) => [name, colour(name)]));
      if (live.has(this)) this.draw?.();
    }

    /** Draw once before the next frame, however often it is asked for. */
    redraw() {
      this.frame ??= requestAnimationFrame(() => {
        this.frame = undefined;
        this.draw();
      });
    }

    /** Say a sentence to a screen reader, at most two in a second. */
    say(sentence) {
      clearTimeout(this.saying);
      this.saying = setTimeout(() => (this.spoken.textContent = sentence), 500);
    }

    /** A fold with the current values as a table, made when it is opened. */
    numbers(rows) {
      const table = element("table");
      const fold = element("details", {}, element("summary", {}, "The numbers"),
        element("div", { className: "scroll", tabIndex: 0 }, table));
      fold.fill = () => fold.open && table.replaceChildren(...rows().map((row, first) =>
        element("tr", {}, ...row.map((cell) => element(first ? "td" : "th", {}, String(cell))))));
      fold.ontoggle = fold.fill;
      return fold;
    }

    // The state stands in the address after "#", so that a link shows what one sees. Only
    // a page of the book has an address of its own.
    get key() {
      const same = [...document.querySelectorAll(this.localName)];
      const place = same.indexOf(this);
      return this.localName.replace("cnn-", "") + (place > 0 ? place + 1 : "");
    }

    get hasAddress() {
      return self === top && Boolean(document.documentElement.dataset.content_root);
    }

    // A teacher may add "hide=controls" or "hide=numbers" to what a link shows.
    listen() {
      const read = () => {
        const all = new URLSearchParams(location.hash.slice(1));
        this.setAttribute("hide", all.get("hide") ?? "");
        const state = all.get(this.key);
        if (state) this.restore?.(state);
      };
      if (!this.hasAddress) return;
      read();
      addEventListener("hashchange", read);
    }

    /** Write the state into the address, without a new entry in the history. */
    share(state) {
      if (!this.hasAddress) return;
      clearTimeout(this.sharing);
      // Safari refuses more than a hundred of these in a short time: a slider makes more.
      this.sharing = setTimeout(() => {
        const all = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
        all.set(this.key, state);
        history.replaceState(history.state, "", `#${all}`);
      }, 300);
    }

    /** A button that copies the page's address with the state in it. */
    copyLink() {
      if (!this.hasAddress) return "";
      const made = button("copy link", async () => {
        await navigator.clipboard.writeText(location.href);
        made.textContent = "copied";
        setTimeout(() => (made.textContent = "copy link"), 1500);
      });
      return made;
    }

    /** Tell Colab's frame how high it must be: without both bounds it grows. */
    fit() {
      const output = globalThis.google?.colab?.output;
      if (!output) return;
      const height = Math.ceil(this.getBoundingClientRect().height) + 20;
      output.setIframeHeight(height, true, { minHeight: height, maxHeight: height });
    }
  }

  /** Define an explorable once: JupyterLab runs an output's script a second time. */
  function define(name, kind) {
    if (!customElements.get(`cnn-${name}`)) customElements.define(`cnn-${name}`, kind);
  }

  globalThis.cnnbook = {
    Explorable, button, choice, define, element, paint, shape, sheet, slider, unpack,
  };
})();
