// Where a network's numbers live: three costs on one scale, and the memory of a training step.
(() => {
  const { Explorable, choice, define, element, shape, slider } = globalThis.cnnbook;
  const { counted, select, style } = globalThis.cnnbook.controls;

  const COSTS = { parameters: "parameters", macs: "MACs", activations: "activations" };
  const OPTIMISERS = { sgd: "SGD", momentum: "momentum", adam: "Adam" };
  // How many numbers each keeps for a parameter.
  const KEEPS = { sgd: 0, momentum: 1, adam: 2 };
  const PARTS = { weights: "weights", gradients: "gradients", state: "optimiser",
    activations: "activations" };
  const UNITS = [16, 64, 256, 512, 1024, 2048, 4096, 8192];
  const CARDS = [2, 4, 8, 12, 16, 24, 32, 40, 48, 80, 141];
  const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
  const SIDES = { min: 28, max: 512 };

  // --- What is computed. A network has its side and maps, rows as `costs.py` packs them, the
  // --- widths of its dense layers, and which head it was made with.

  const HEAD_NAMES = ["fc6", "fc7", "fc8"];

  /** How many windows stand side by side. */
  function outputSide(side, [k, s, p, d, ceil]) {
    const steps = (side + 2 * p - d * (k - 1) - 1) / s;
    const more = ceil && Math.ceil(steps) * s < side + p;
    return (more ? Math.ceil(steps) : Math.floor(steps)) + 1;
  }

  /** The rows of the trunk for an image of this side, or nothing if it is too small. */
  function trunk({ maps, rows }, side) {
    const sides = [side];
    const made = [{ group: "input", name: "input", parameters: 0, macs: 0,
      activations: maps * side ** 2, kept: maps * side ** 2, side, maps }];
    for (const row of rows) {
      const [group, name, source, ...rest] = row;
      const [parameters, weights, values, kept] = rest.slice(5);
      const out = source < 0 ? 1 : outputSide(sides[source], rest.slice(0, 5));
      if (!(out > 0)) return null;
      sides.push(out);
      made.push({ group, name, parameters, macs: weights * out ** 2,
        activations: values * out ** 2, kept: kept * out ** 2, side: out, maps: values });
    }
    return made;
  }

  /** The rows of the head: dense layers on all positions, or on the average of each map. */
  function headRows({ widths }, { side, maps }, head, units) {
    if (!widths.length && head === "average") return [dense("average", maps, 0)];
    const classes = widths[widths.length - 1] ?? maps;
    const given = head === "average" ? maps : maps * side ** 2;
    // A network without hidden dense layers gets the two of AlexNet and VGG.
    const hidden = widths.length > 1 ? widths.length - 1 : 2;
    const sizes = head === "average" ? [classes] : [...Array(hidden).fill(units), classes];
    let inputs = given;
    const rows = sizes.map((size, i) => {
      const name = head === "average" ? "fc" : HEAD_NAMES[i + 3 - sizes.length];
      const row = dense(name, size, inputs);
      inputs = size;
      return row;
    });
    return head === "average" ? [dense("average", maps, 0), ...rows] : rows;
  }

  /** A dense layer; one of no inputs is an average of each map, which has no weights. */
  const dense = (name, outputs, inputs) => ({
    group: name, name, parameters: inputs && inputs * outputs + outputs, macs: inputs * outputs,
    activations: outputs, kept: outputs,
  });

  /** All rows of a network: {rows}, or null where the image is too small. */
  function table(network, { side, head, units }) {
    const made = trunk(network, side);
    return made && [...made, ...headRows(network, made[made.length - 1], head, units)];
  }

  const total = (rows, cost) => rows.reduce((sum, row) => sum + row[cost], 0);

  /** Rows of the same group added up. */
  function grouped(rows) {
    const groups = new Map();
    for (const row of rows) {
      const sum = groups.get(row.group) ?? { name: row.group, parameters: 0, macs: 0,
        activations: 0 };
      for (const cost of Object.keys(COSTS)) sum[cost] += row[cost];
      groups.set(row.group, sum);
    }
    return [...groups.values()];
  }

  /** The bytes of a training step by what they hold, and how many images fit on a card. */
  function memory(rows, { optimiser, batch, card }) {
    const parameters = 4 * total(rows, "parameters");
    const image = 4 * total(rows, "kept");
    const parts = {
      weights: parameters, gradients: parameters, state: KEEPS[optimiser] * parameters,
      activations: batch * image,
    };
    const free = card * 2 ** 30 - parameters * (2 + KEEPS[optimiser]);
    return { parts, image, fits: Math.max(0, Math.floor(free / image)) };
  }

  // --- Examples, each with what there is to see.

  const START = { network: "vgg16", side: 224, units: 4096, head: "dense", optimiser: "momentum",
    batch: 32, card: 24 };
  const EXAMPLES = {
    published: {
      name: "VGG-16 as it was published",
      comment: "Three questions, three answers: the parameters live late, in one dense layer, " +
        "the activations early, and the work in between.",
    },
    large: {
      name: "VGG-16 at 512×512", side: 512,
      comment: "fc6 reads every position of the last maps, so it grows with the square of the " +
        "side. No convolution has a parameter more.",
    },
    average: {
      name: "VGG-16 with an average for a head", head: "average",
      comment: "Without fc6 and fc7 nearly nine tenths of the parameters are gone, and hardly " +
        "any of the work. Now move the side: no parameter changes.",
    },
    small: {
      name: "fc6 and fc7 with 256 units", units: 256,
      comment: "Sixteen times fewer units, and fc6 is still the largest layer of the network.",
    },
    residual: {
      name: "ResNet-50 with VGG’s head", network: "resnet50",
      comment: "Had ResNet kept that head, fc6 alone would have more than seventeen times as " +
        "many parameters as the whole trunk.",
    },
    card: {
      name: "Adam on a card of 2 GiB", optimiser: "adam", batch: 1, card: 2,
      comment: "It fails: weights, gradients and Adam’s two means take more than the card has, " +
        "before there is a single image.",
    },
    own: { name: "Your own setting", comment: "Choose an example to begin again." },
  };

  // --- How it is written and drawn.

  const per = (share) => `${(100 * share).toFixed(1)}\u00a0%`;
  const bytes = (count) => (count >= 1e9 ? `${(count / 1e9).toFixed(2)} GB`
    : `${(count / 1e6).toFixed(1)} MB`);
  const CHART = { height: 424, top: 20, bottom: 20, label: 62, gap: 12 };

  class Costs extends Explorable {
    static compute = { table, memory };
    static examples = EXAMPLES;
    static style = `${style}
      :host { --parameters: #0b6ba8; --macs: #6b4ba3; --activations: #b25000;
        --weights: #0b6ba8; --gradients: #5b8fb5; --state: #6b4ba3; }
      :host([dark]) { --parameters: #63b3ec; --macs: #b39ae6; --activations: #f0a35e;
        --weights: #63b3ec; --gradients: #3f7fae; --state: #b39ae6; }
      .form { display: grid; gap: 8px; }
      .chart { display: block; height: ${CHART.height}px; width: 100%; }
      .chart text { fill: var(--text); font-size: 12px; font-variant-numeric: tabular-nums; }
      .chart .head { font-weight: 700; }
      .axis { stroke: var(--faint); }
      .band { fill: transparent; cursor: pointer; }
      .band.chosen { fill: var(--accent); fill-opacity: 0.16; }
      .detail { --lines: 3; }
      .totals { --lines: 3; }
      .sliders { display: grid; gap: 4px 20px; }
      .stack { border: 1px solid var(--line); display: flex; height: 30px; overflow: hidden;
        position: relative; }
      .stack span { height: 100%; }
      .keys { display: flex; flex-wrap: wrap; font-size: 13px; gap: 2px 14px; min-height: 40px; }
      .keys i { display: inline-block; height: 11px; margin-right: 5px; width: 11px; }
      .card { border-right: 3px solid var(--text); inset: 0 auto 0 0; position: absolute; }
      .budget { --lines: 4; }
      h3 { font-size: 15px; margin: 6px 0 0; }
      @container (min-width: 600px) {
        .detail { --lines: 1; }
        .totals { --lines: 2; }
        .sliders { grid-template-columns: 1fr 1fr; }
        .sliders.three { grid-template-columns: 1fr 1fr 1fr; }
        .keys { min-height: 20px; }
        .budget { --lines: 2; }
      }
    `;

    start({ networks }) {
      this.networks = networks;
      this.at = null;
      this.restart("published");
      this.live.append(this.makeChoice(), this.makeChart(), this.makeSettings(), this.makeMemory(),
        this.makeFoot());
      this.place = new ResizeObserver(() => this.redraw());
      this.place.observe(this.live);
      this.draw();
    }

    /** Take over an example, as far as its network is there. */
    restart(name) {
      const { comment, name: title, ...changes } = EXAMPLES[name];
      const setting = { ...START, ...changes };
      if (!(setting.network in this.networks)) [setting.network] = Object.keys(this.networks);
      Object.assign(this, { example: name, setting, at: null });
    }

    changed(changes) {
      Object.assign(this.setting, changes);
      this.example = "own";
      this.redraw();
      this.share(this.address());
    }

    // --- The parts of the page.

    makeChoice() {
      const examples = Object.entries(EXAMPLES).filter(
        ([, { network = START.network }]) => network in this.networks);
      this.choose = select("Example", Object.fromEntries(examples), (name) => {
        if (name === "own") this.example = name;
        else this.restart(name);
        this.redraw();
        this.share(name === "own" ? this.address() : name);
      });
      this.comment = element("p", { className: "lines comment" });
      return element("div", { className: "controls form" }, this.choose.node, this.comment);
    }

    makeChart() {
      this.chart = shape("svg", { class: "chart", role: "img" });
      this.totals = element("p", { className: "lines totals numbers" });
      this.detail = element("p", { className: "lines detail numbers quiet" });
      this.walk = slider({
        label: "layer", min: 0, max: 1, value: 0,
        words: (at) => this.groups?.[at]?.name ?? "",
        oninput: (at) => {
          this.at = at;
          this.redraw();
        },
      });
      return element("div", {}, this.totals, this.chart,
        element("div", { className: "controls" }, this.walk.node), this.detail);
    }

    makeSettings() {
      this.network = select("Network", this.networks, (network) => {
        const { side, head } = this.networks[network];
        this.at = null;
        this.changed({ network, side, head });
      });
      this.heads = choice("Head", { dense: "dense: fc6, fc7, fc8", average: "average, then fc" },
        "dense", (head) => this.changed({ head }));
      this.heads.node.classList.add("parts");
      const at = (list) => (value) => list.reduce((best, each, i) =>
        (Math.abs(each - value) < Math.abs(list[best] - value) ? i : best), 0);
      const steps = (label, name, list, words) => {
        const made = slider({ label, min: 0, max: list.length - 1, value: 0,
          words: (i) => words(list[i]), oninput: (i) => this.changed({ [name]: list[i] }) });
        return { node: made.node, set: (value) => made.set(at(list)(value)) };
      };
      this.sliders = {
        side: slider({ label: "image side", ...SIDES, value: 224,
          words: (side) => `${side}×${side}`, oninput: (side) => this.changed({ side }) }),
        units: steps("units of fc6 and fc7", "units", UNITS,
          (units) => units.toLocaleString("en-GB")),
        batch: steps("batch", "batch", BATCHES, (batch) => `${batch} images`),
        card: steps("card", "card", CARDS, (card) => `${card} GiB`),
      };
      return element("div", { className: "controls form" }, this.network.node, this.heads.node,
        element("div", { className: "sliders" }, this.sliders.side.node, this.sliders.units.node));
    }

    makeMemory() {
      this.optimisers = choice("Optimiser", OPTIMISERS, "momentum",
        (optimiser) => this.changed({ optimiser }));
      this.optimisers.node.classList.add("parts");
      this.parts = Object.fromEntries(Object.keys(PARTS).map((part) => {
        const span = element("span");
        span.style.background = `var(--${part})`;
        return [part, span];
      }));
      this.card = element("div", { className: "card" });
      this.amounts = Object.fromEntries(Object.keys(PARTS).map((part) => [part, element("span")]));
      const keys = Object.entries(PARTS).map(([part, name]) => {
        const mark = element("i");
        mark.style.background = `var(--${part})`;
        return element("span", { className: "numbers" }, mark, `${name} `, this.amounts[part]);
      });
      this.budget = element("p", { className: "lines budget numbers" });
      return element("div", { className: "form" },
        element("h3", {}, "Memory of a training step"),
        element("div", { className: "stack", "aria-hidden": "true" },
          ...Object.values(this.parts), this.card),
        element("div", { className: "keys" }, ...keys), this.budget,
        element("div", { className: "controls form" }, this.optimisers.node,
          element("div", { className: "sliders" },
            this.sliders.batch.node, this.sliders.card.node)));
    }

    makeFoot() {
      this.fold = this.numbers(() => this.rows());
      return element("div", { className: "foot" }, this.fold,
        element("span", { className: "quiet" }, "checked against PyTorch"), this.copyLink());
    }

    // --- The state in the page's address.

    address() {
      const { network, side, units, head, optimiser, batch, card } = this.setting;
      return [network, side, units, head, optimiser, batch, card].join("_");
    }

    restore(state) {
      if (state in EXAMPLES) this.restart(state);
      else this.read(state);
      this.draw();
    }

    /** Take over what `address` wrote, if all of it makes sense. */
    read(state) {
      const [network, side, units, head, optimiser, batch, card] = state.split("_");
      const sizes = { side, units, batch, card };
      const numbers = Object.fromEntries(Object.entries(sizes).map(([name, value]) =>
        [name, Number(value)]));
      const known = network in this.networks && ["dense", "average"].includes(head) &&
        optimiser in OPTIMISERS && numbers.side >= SIDES.min && numbers.side <= SIDES.max &&
        UNITS.includes(numbers.units) && BATCHES.includes(numbers.batch) &&
        CARDS.includes(numbers.card);
      if (!known) return;
      this.restart("own");
      Object.assign(this.setting, { network, head, optimiser, ...numbers });
    }

    // --- Drawing.

    draw() {
      const { setting } = this;
      const network = this.networks[setting.network];
      this.choose.set(this.example);
      this.comment.textContent = EXAMPLES[this.example].comment;
      this.network.set(setting.network);
      this.heads.set(setting.head);
      this.optimisers.set(setting.optimiser);
      for (const [name, each] of Object.entries(this.sliders)) each.set(setting[name]);
      this.made = table(network, setting);
      this.groups = this.made && grouped(this.made);
      this.chart.style.visibility = this.made ? "" : "hidden";
      if (!this.made) {
        this.totals.textContent = `${network.name} cannot take an image of ${setting.side}×` +
          `${setting.side}: its maps would vanish.`;
        this.say(this.totals.textContent);
        return;
      }
      this.sums = Object.fromEntries(Object.keys(COSTS).map((cost) =>
        [cost, total(this.made, cost)]));
      this.drawWords();
      this.drawChart();
      this.drawMemory();
      this.fold.fill();
    }

    /** Where each cost is largest, and the layer that is pointed at. */
    drawWords() {
      const most = Object.entries(COSTS).map(([cost, name]) => {
        const top = this.groups.reduce((best, each) => (each[cost] > best[cost] ? each : best));
        return `Most ${name}: ${top.name} (${per(top[cost] / this.sums[cost])}).`;
      });
      this.totals.textContent = most.join(" ");
      if (this.at === null) {
        this.at = this.groups.reduce((best, each, i) =>
          (each.parameters > this.groups[best].parameters ? i : best), 0);
      }
      this.at = Math.min(this.at, this.groups.length - 1);
      const [input] = this.walk.node.getElementsByTagName("input");
      input.max = this.groups.length - 1;
      this.walk.set(this.at);
      const chosen = this.groups[this.at];
      this.detail.textContent = `${chosen.name}: ` + Object.entries(COSTS).map(([cost, name]) =>
        `${chosen[cost].toLocaleString("en-GB")} ${name}`).join(", ") + ".";
      this.say(`${this.totals.textContent} ${this.detail.textContent}`);
    }

    /** A column for each cost, all from 0 to the largest share of any. */
    drawChart() {
      const { groups, sums } = this;
      const width = this.chart.clientWidth || 358;
      const { height, top, bottom, label, gap } = CHART;
      const wide = width >= 600;
      const left = wide ? 90 : label;
      const column = (width - left - 2 * gap - 6) / 3;
      const step = (height - top - bottom) / groups.length;
      // A column is as wide as a hundred per cent: bars of all three can be compared.
      const text = (x, y, content, kind = "", anchor = "start") =>
        shape("text", { x, y, class: kind, "text-anchor": anchor }, content);
      const every = Math.ceil(13 / step);
      const parts = groups.flatMap(({ name }, i) => {
        const y = top + i * step;
        const band = shape("rect", { class: `band${i === this.at ? " chosen" : ""}`, x: 0, y,
          width, height: step });
        band.addEventListener("click", () => {
          this.at = i;
          this.redraw();
        });
        return i % every ? [band] : [band, text(0, y + step / 2 + 4, name)];
      });
      Object.entries(COSTS).forEach(([cost, name], i) => {
        const from = left + i * (column + gap);
        parts.push(text(from, 12, wide ? `${name}, ${counted(sums[cost])}` : name, "head"));
        for (const share of [0, 0.5, 1]) {
          const x = from + share * column;
          parts.push(shape("line", { class: "axis", x1: x, x2: x, y1: top, y2: height - bottom }));
          const words = share === 1 ? "100 %" : String(100 * share);
          if (wide || share !== 0.5) {
            parts.push(text(x, height - 6, words, "", share === 1 ? "end" : "start"));
          }
        }
        const bars = groups.map((group, row) => {
          const size = ((column * group[cost]) / sums[cost]).toFixed(2);
          const y = (top + row * step + 0.12 * step).toFixed(2);
          return `M${from} ${y}h${size}v${(0.76 * step).toFixed(2)}h-${size}z`;
        });
        const path = shape("path", { d: bars.join(""), "pointer-events": "none" });
        path.style.fill = `var(--${cost})`;
        parts.push(path);
      });
      this.chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
      this.chart.setAttribute("aria-label", `Shares of each layer. ${this.totals.textContent}`);
      this.chart.replaceChildren(...parts);
    }

    drawMemory() {
      const { setting } = this;
      const { parts, image, fits } = memory(this.made, setting);
      const sum = Object.values(parts).reduce((all, part) => all + part, 0);
      const size = setting.card * 2 ** 30;
      const scale = 100 / Math.max(sum, size);
      for (const [part, amount] of Object.entries(parts)) {
        this.parts[part].style.width = `${amount * scale}%`;
        this.amounts[part].textContent = bytes(amount);
      }
      this.card.style.width = `${size * scale}%`;
      const most = fits ? `At most ${fits.toLocaleString("en-GB")} images fit on it.`
        : "Not one image fits on it.";
      const little = sum > size ? ": too little" : "";
      this.budget.textContent = `${bytes(sum)} for a batch of ${setting.batch}, of which each ` +
        `image takes ${bytes(image)}; the card has ${bytes(size)}${little}. ${most}`;
    }

    /** All layers, a row for each. */
    rows() {
      const head = ["layer", ...Object.values(COSTS), "bytes kept an image"];
      const write = (count) => count.toLocaleString("en-GB");
      const rows = (this.made ?? []).map((row) => [row.name,
        ...Object.keys(COSTS).map((cost) => write(row[cost])), write(4 * row.kept)]);
      return [head, ...rows];
    }
  }

  define("costs", Costs);
})();
