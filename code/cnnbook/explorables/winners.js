// The challenge's results as bars: which of them stand under a protocol that the reader
// chooses, and what a slide makes of them.
(() => {
  const { Explorable, button, choice, define, element } = globalThis.cnnbook;
  const { style } = globalThis.cnnbook.controls;

  const VIEWS = { slide: "as slides show it", published: "as published" };
  const NETWORKS = { several: "several, or not said", one: "one network" };
  const SPLITS = { test: "test images", validation: "validation images" };
  const SWITCHES = { outside: "outside data", bars: "error bars", people: "people" };
  const LEGEND = { shallow: "older methods", convolutional: "convolutional", outside:
    "with outside data", apart: "no entry", person: "two people, A1 and A2" };
  // Per cent at the right end of the chart.
  const END = 31;

  // --- What is shown. A result has its error with the protocol, as `winners.py` packs it.

  /** The result of a system under a protocol, or nothing if none is quoted. */
  function published(results, { networks, split, outside }) {
    const fits = results.filter((each) => each.split === split
      && (each.networks === 1) === (networks === "one"));
    const without = fits.find((each) => !each.outside);
    return (outside && fits.find((each) => each.outside)) || without || null;
  }

  /** The rows of the chart: what stands beside the bar, and its result or nothing. */
  function rows({ systems, slide }, state) {
    if (state.view === "slide") return slide;
    return systems.map(({ results, ...system }) =>
      ({ ...system, result: published(results, state) }));
  }

  /** The 95 % confidence interval of an error counted on so many images. */
  function interval({ error, images }) {
    if (!images) return null;
    const spread = 2 * Math.sqrt((error * (100 - error)) / images);
    return [error - spread, error + spread];
  }

  // --- How it is said and drawn.

  const percent = (number, digits = 1) => `${number.toFixed(digits)} %`;
  const place = (number) => `${(100 * number) / END}%`;
  const kind = ({ kind, entry, result }) =>
    (result?.outside ? "outside" : entry || kind === "shallow" ? kind : "apart");

  /** The words for a number of networks. */
  const networksOf = ({ networks }) => (networks === null ? "number of networks not given"
    : networks === 1 ? "one network" : `${networks} networks`);
  const outsideOf = ({ outside }) => (outside === null ? "outside data not known"
    : outside ? "with outside data" : "without outside data");

  class Winners extends Explorable {
    // For the parity test.
    static compute = { rows, interval };
    static style = `${style}
      :host { --older: #6b6b6b; --network: #0072b2; --person: #8a5a00; --band: #e69f0044; }
      :host([dark]) { --older: #a9b0b8; --network: #56b4e9; --person: #f0b041; --band: #f0b04144; }
      .controls { display: grid; gap: 8px; }
      .legend { display: flex; flex-wrap: wrap; font-size: 13px; gap: 2px 14px; }
      .legend span::before { background: var(--fill); border: 1px solid var(--edge);
        content: ""; display: inline-block; height: 11px; margin-right: 6px; width: 16px; }
      .shallow { --fill: var(--older); --edge: var(--older); }
      .convolutional { --fill: var(--network); --edge: var(--network); }
      .outside { --edge: var(--network); --fill: repeating-linear-gradient(45deg,
        var(--network) 0 2px, var(--surface) 2px 6px); }
      .apart { --edge: var(--network);
        --fill: color-mix(in srgb, var(--network) 35%, var(--surface)); }
      .person { --edge: var(--person); --fill: var(--band); }
      .chart { --label: 0px; padding-top: 22px; position: relative; }
      .option { cursor: pointer; display: grid; font-size: 14px; height: 44px; line-height: 20px;
        padding: 1px 0; position: relative; }
      .option:hover, .option[aria-selected=true] { background: var(--raised); }
      .option[aria-selected=true] .name { font-weight: 600; }
      .name { background: var(--surface); justify-self: start; padding-right: 4px;
        position: relative; white-space: nowrap; z-index: 2; }
      .slip { color: var(--bad); }
      .track { align-items: center; display: flex; gap: 6px; position: relative; }
      .bar { background: var(--fill); border: 1px solid var(--edge); height: 16px; }
      .value { background: var(--surface); padding: 0 2px; position: relative; z-index: 2; }
      [aria-selected=true] > *, [aria-selected=true] .value, .option:hover > *,
      .option:hover .value { background: var(--raised); }
      .whisker { border: solid var(--text); border-width: 0 2px; height: 10px; min-width: 4px;
        position: absolute; z-index: 1; }
      .line, .band { bottom: 0; pointer-events: none; position: absolute; top: 0; }
      .overlay { bottom: 0; left: var(--label); pointer-events: none; position: absolute; right: 0;
        top: 0; }
      .line { border-left: 2px dashed var(--person); z-index: 1; }
      .line span { color: var(--person); font-size: 13px; left: 4px; position: absolute;
        white-space: nowrap; }
      .band { background: var(--band); top: 22px; }
      .panel { --lines: 6; border-left: 3px solid var(--line); font-size: 14px;
        padding-left: 10px; }
      .summary { --lines: 4; }
      @container (min-width: 600px) {
        .controls { grid-template-columns: 1fr 1fr; }
        .chart { --label: 244px; }
        .option { grid-template-columns: var(--label) 1fr; height: 30px; line-height: 28px; }
        .panel { --lines: 3; }
        .summary { --lines: 2; }
      }
    `;

    start(data) {
      this.data = data;
      this.state = { view: "published", networks: "several", split: "test", outside: false,
        bars: true, people: true };
      this.picked = 2;
      const group = (label, names, key) => {
        const made = choice(label, names, this.state[key], (name) => this.change({ [key]: name }));
        made.node.classList.add("parts");
        return made;
      };
      this.groups = {
        view: group("Which chart", VIEWS, "view"),
        networks: group("How many networks", NETWORKS, "networks"),
        split: group("Which images", SPLITS, "split"),
      };
      this.switches = Object.fromEntries(Object.entries(SWITCHES).map(([key, words]) =>
        [key, button(words, () => this.change({ [key]: !this.state[key] }), { pressed: false })]));
      const switches = element("div", { className: "row parts", role: "group",
        "aria-label": "What is drawn" }, ...Object.values(this.switches));
      this.overlay = element("div", { className: "overlay", "aria-hidden": "true" });
      this.list = element("div", { role: "listbox", "aria-label": "Results, by year" });
      this.list.onkeydown = (event) => this.walk(event);
      this.panel = element("p", { className: "panel lines numbers" });
      this.summary = element("p", { className: "summary lines" });
      this.live.append(
        element("div", { className: "controls" }, this.groups.view.node, switches,
          this.groups.networks.node, this.groups.split.node),
        element("div", { className: "legend" }, ...Object.entries(LEGEND).map(([name, words]) =>
          element("span", { className: name }, words))),
        element("div", { className: "chart" }, this.overlay, this.list),
        this.panel, this.summary,
        element("div", { className: "foot" }, (this.fold = this.numbers(() => this.table())),
          this.copyLink()));
      this.draw();
    }

    change(part) {
      Object.assign(this.state, part);
      this.redraw();
      this.share(this.asText());
    }

    /** The state as it stands in the page's address. */
    asText() {
      const { view, networks, split, ...switches } = this.state;
      const on = Object.keys(SWITCHES).filter((key) => switches[key]);
      return [view, networks, split, ...on].join(",");
    }

    restore(text) {
      const [view, networks, split, ...on] = text.split(",");
      if (!(view in VIEWS && networks in NETWORKS && split in SPLITS)) return;
      const switches = Object.keys(SWITCHES).map((key) => [key, on.includes(key)]);
      this.state = { view, networks, split, ...Object.fromEntries(switches) };
      this.draw();
    }

    pick(index) {
      this.picked = index;
      this.redraw();
    }

    walk(event) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const last = this.list.children.length - 1;
      this.pick(Math.max(0, Math.min(last, this.picked + step)));
      this.list.children[this.picked].focus();
    }

    get isSlide() {
      return this.state.view === "slide";
    }

    draw() {
      for (const [key, group] of Object.entries(this.groups)) {
        group.set(key !== "view" && this.isSlide ? "" : this.state[key]);
      }
      for (const [key, each] of Object.entries(this.switches)) {
        each.setAttribute("aria-pressed", this.state[key] && !this.isSlide);
        each.disabled = this.isSlide;
      }
      for (const key of ["networks", "split"]) {
        for (const each of this.groups[key].node.children) each.disabled = this.isSlide;
      }
      this.rows = rows(this.data, this.state);
      this.picked = Math.min(this.picked, this.rows.length - 1);
      this.drawRows();
      this.drawPeople();
      this.panel.textContent = this.provenance();
      this.summary.textContent = this.sum();
      this.fold.fill();
      this.say(`${this.summary.textContent} ${this.panel.textContent}`);
    }

    /** Fill the rows, which are kept: a reader may be at one of them. */
    drawRows() {
      while (this.list.children.length > this.rows.length) this.list.lastChild.remove();
      this.rows.forEach((row, index) => {
        const option = this.list.children[index]
          ?? this.list.appendChild(element("div", { role: "option",
            onclick: () => this.pick(index) }));
        option.className = `option ${kind(row)}`;
        option.setAttribute("aria-selected", index === this.picked);
        option.tabIndex = index === this.picked ? 0 : -1;
        option.replaceChildren(
          element("span", { className: "name" }, `${row.year} ${row.name}`,
            ...(row.slip ? [element("span", { className: "slip" }, " ✗")] : [])),
          this.track(row));
      });
    }

    /** A bar with its whisker and its number, or the words that there is none. */
    track({ result }) {
      const track = element("span", { className: "track" });
      if (!result) {
        track.append(element("span", { className: "value quiet" }, "none quoted"));
        return track;
      }
      const bar = element("span", { className: "bar" });
      bar.style.width = place(result.error);
      track.append(bar);
      const ends = this.state.bars && !this.isSlide && interval(result);
      if (ends) {
        const whisker = element("span", { className: "whisker" });
        whisker.style.left = place(ends[0]);
        whisker.style.width = place(ends[1] - ends[0]);
        track.append(whisker);
      }
      track.append(element("span", { className: "value numbers" }, result.error.toFixed(1)));
      return track;
    }

    /** Lines for the people; bands for their intervals. */
    drawPeople() {
      const { people } = this.data;
      const shown = this.isSlide ? people.slice(0, 1) : this.state.people ? people : [];
      this.overlay.replaceChildren(...shown.flatMap((person) => {
        const name = this.isSlide ? "human" : person.name;
        const line = element("div", { className: "line" },
          element("span", {}, `${name}, ${percent(person.error)}`));
        line.style.left = place(person.error);
        if (this.isSlide || !this.state.bars) return [line];
        const [low, high] = interval(person);
        const band = element("div", { className: "band" });
        band.style.left = place(low);
        band.style.width = place(high - low);
        return [band, line];
      }));
    }

    /** Where the number of the picked row comes from, and what it stands for. */
    provenance() {
      const row = this.rows[this.picked];
      const { result } = row;
      const head = `${row.year} ${row.name}`;
      if (row.slip) return `${head}. ✗ ${row.slip}`;
      if (!result) {
        return `${head}: no such error is in the book's tables. `
          + `Those that are: ${this.known(row)}.`;
      }
      const ends = interval(result);
      const said = [`${head}: ${percent(result.error, result.digits)} top-5 error`,
        `${result.split} images`, networksOf(result), outsideOf(result),
        ...(result.more ? [result.more] : [])].join(", ");
      const between = ends ? ` 95 % interval ${ends[0].toFixed(2)} to ${ends[1].toFixed(2)}.` : "";
      return `${said}.${between} Source: ${result.source}, ${result.place}.`;
    }

    /** The errors that are quoted of a system, in short. */
    known({ year, name }) {
      const { results } = this.data.systems.find((each) =>
        each.year === year && each.name === name);
      return results.map((each) =>
        `${percent(each.error, each.digits)} (${each.split}, ${networksOf(each)})`).join("; ");
    }

    /** What the reader is to see in this view. */
    sum() {
      if (this.isSlide) {
        const slips = this.rows.filter((row) => row.slip).length;
        return `The heights are the winners' errors, but ${slips} of the ${this.rows.length} `
          + "labels (✗) are not what was published, and none says how many networks were "
          + "averaged. “Human” is one person.";
      }
      const { networks, split } = this.state;
      const have = this.rows.filter((row) => row.result).length;
      const what = networks === "one" ? "one network" : "several networks, or of a number "
        + "that is not said,";
      return `For ${have} of ${this.rows.length} systems the book quotes an error of ${what} on `
        + `${split} images. Even these differ in their crops and scales: pick a bar.`;
    }

    table() {
      return [["", "error, %", "images", "networks", "outside data", "source"],
        ...this.rows.map(({ year, name, result }) => [`${year} ${name}`,
          ...(result ? [result.error, result.split, result.networks ?? "not given",
            { true: "yes", false: "no" }[result.outside] ?? "not known",
            `${result.source}, ${result.place}`] : ["none quoted", "", "", "", ""])])];
    }
  }

  define("winners", Winners);
})();
