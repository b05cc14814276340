// What the two charts of costs share: their axes, their labels, and the reader's own network.
(() => {
  const { button, element, shape } = globalThis.cnnbook;

  const STYLE = `
    .chart { display: block; touch-action: manipulation; width: 100%; }
    .chart text { fill: var(--text); font-size: 12px; font-variant-numeric: tabular-nums; }
    .chart .halo { paint-order: stroke; stroke: var(--surface); stroke-width: 3px; }
    .chart .name { font-size: 13px; font-weight: 700; }
    .grid { stroke: var(--faint); }
    .form { display: grid; gap: 10px; }
    .fields { display: grid; gap: 8px; grid-template-columns: 1fr 1fr; }
    .field { display: grid; font-size: 13px; }
    .field input { width: 100%; }
    textarea { background: var(--surface); border: 1px solid var(--line); border-radius: 6px;
      color: inherit; font: 13px/1.5 ui-monospace, monospace; height: 96px; padding: 8px;
      resize: vertical; width: 100%; }
    .own[open] { display: grid; gap: 8px; }
    @container (min-width: 600px) { .fields { grid-template-columns: repeat(5, 1fr); } }
  `;

  /** A number of any size; `onchange` gets null where nothing sensible is written. */
  function field(label, onchange) {
    const input = element("input", { type: "number", min: 0, step: "any", "aria-label": label });
    input.onchange = () => onchange(Number(input.value) > 0 ? Number(input.value) : null);
    const node = element("label", { className: "field" }, element("span", {}, label), input);
    return { node, input, set: (value) => (input.value = value ?? "") };
  }

  // --- Axes.

  /** A logarithmic scale from `low` to `high` onto pixels. */
  const logScale = (low, high, from, to) => (value) =>
    from + ((to - from) * Math.log(value / low)) / Math.log(high / low);

  /** 1, 3, 10, 30 … between two numbers, or powers of ten if these are many. */
  function ticks(low, high) {
    const powers = [];
    for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) powers.push(power);
    const steps = powers.length > 4 ? [1] : [1, 3];
    return powers.flatMap((power) => steps.map((step) => Number(`${step}e${power}`)))
      .filter((tick) => tick >= low && tick <= high);
  }

  /**
   * Names beside their points, none on another: to the right, the left, above or below.
   *
   * A point is {x, y, radius, name, needed}; a name for which there is no room is left
   * out, unless it is needed. Those that are needed choose first.
   */
  function labels(points, width, height) {
    const taken = points.map(({ x, y, radius }) =>
      [x - radius, y - radius, x + radius, y + radius]);
    const free = ([left, top, right, bottom]) => left >= 0 && top >= 0 && right <= width &&
      bottom <= height && taken.every((box) =>
        right <= box[0] || left >= box[2] || bottom <= box[1] || top >= box[3]);
    const placed = [];
    const named = points.filter(({ name }) => name);
    for (const point of named.sort((a, b) => Boolean(b.needed) - Boolean(a.needed))) {
      const { x, y, radius, name, needed } = point;
      const long = (needed ? 8 : 6.9) * name.length;
      // Where a name is anchored, and the left end and the top of its box.
      const places = [
        ["start", x + radius + 3, y - 8], ["end", x - radius - 3 - long, y - 8],
        ["middle", x - long / 2, y - radius - 17], ["middle", x - long / 2, y + radius + 1],
        ["start", x + radius, y - radius - 13], ["end", x - radius - long, y - radius - 13],
        ["start", x + radius, y + radius], ["end", x - radius - long, y + radius],
      ].map(([anchor, left, top]) => ({ anchor, box: [left, top, left + long, top + 16] }));
      const place = places.find(({ box }) => free(box)) ??
        (needed && places.find(({ box }) => box[0] >= 0 && box[2] <= width));
      if (!place) continue;
      const { anchor, box } = place;
      const at = { start: box[0], middle: (box[0] + box[2]) / 2, end: box[2] }[anchor];
      taken.push(box);
      placed.push(shape("text", { class: needed ? "halo name" : "halo", x: at, y: box[3] - 4,
        "text-anchor": anchor }, name));
    }
    return placed;
  }

  // --- The reader's own network, from the stack builder's script, which runs before.

  const builder = () => document.createElement("cnn-stack");

  /**
   * Read a link that the stack builder copied, or PyTorch code for images of a side.
   *
   * Returns the counts of each layer, {layers}, or what is wrong, {problem}.
   */
  function readStack(text, side, maps) {
    const { compute, examples } = customElements.get("cnn-stack");
    const link = /[#&]stack=([^&\s]*)/.exec(text);
    let setting;
    if (link) {
      const made = builder();
      const state = decodeURIComponent(link[1].replace(/\+/g, " "));
      if (state in examples) made.restart(state);
      else made.read(state);
      if (!made.stacks) return { problem: "this link holds no stack." };
      setting = made.setting("mine");
    } else {
      const parsed = compute.parse(text, side, maps);
      if (parsed.problem) return parsed;
      setting = { side, maps: parsed.maps, layers: parsed.layers };
    }
    const { rows, problem } = compute.measure(setting);
    if (problem) return { problem };
    const size = ({ maps: count, side: long }) => count * long ** 2;
    return { layers: rows.slice(1).map((row, i) => ({ parameters: row.parameters,
      macs: row.macs, activations: row.activations, moved: size(rows[i]) + size(row) })) };
  }

  /** The fold in which a reader gives a network: its text is read on request. */
  function ownNetwork(onread, ...more) {
    const text = element("textarea", { spellcheck: false,
      "aria-label": "A link from the stack builder, or PyTorch code",
      placeholder: "A link that you copied from the stack builder of chapter 3, or\n" +
        "nn.Sequential(nn.Conv2d(3, 64, 3), …) for photographs of 224×224" });
    const answer = element("p", { className: "lines", role: "status" });
    const read = () => {
      const { layers, problem } = readStack(text.value, 224, 3);
      answer.textContent = problem ? `Not read: ${problem}` : `Read: ${layers.length} layers.`;
      if (!problem) onread(layers);
    };
    return element("details", { className: "own controls" },
      element("summary", {}, "Your own network"), text,
      element("div", { className: "row" }, button("read this", read), answer), ...more);
  }

  globalThis.cnnbook.scatter ??= { field, labels, logScale, ownNetwork, readStack, style: STYLE,
    ticks };
})();
