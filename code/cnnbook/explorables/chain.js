// The smallest deep network, twice: plain, and with shortcuts. Every derivative is live.
(() => {
  const { Explorable, choice, define, element, shape } = globalThis.cnnbook;
  const { select, style } = globalThis.cnnbook.controls;

  const sigmoid = (a) => 1 / (1 + Math.exp(-a));
  const FUNCTIONS = {
    tanh: { name: "tanh", value: Math.tanh, slope: (a) => 1 - Math.tanh(a) ** 2, height: 1.4 },
    relu: { name: "ReLU", value: (a) => Math.max(0, a), slope: (a) => Number(a > 0), height: 6 },
    sigmoid: {
      name: "sigmoid", value: sigmoid, slope: (a) => sigmoid(a) * sigmoid(-a), height: 1.4,
    },
    identity: { name: "identity", value: (a) => a, slope: () => 1, height: 6 },
  };

  // --- What is computed. A setting holds f, x, w1, w2, t and alpha.

  // The arrows, and the derivative of the head of each by its tail, as the chapter has it.
  const ARROWS = {
    "y E": "−(t−y)", "t E": "t−y",
    "net2 y": "f′(net₂)", "h net2": "w₂", "w2 net2": "h",
    "net1 h": "f′(net₁)", "x net1": "w₁", "w1 net1": "x",
  };
  const SHORTCUTS = { "h y": "α", "x h": "α" };
  const GRAPHS = {
    plain: { name: "plain", arrows: ARROWS },
    skip: { name: "with shortcuts", arrows: { ...ARROWS, ...SHORTCUTS } },
  };
  // Each node stands behind all that it is computed from.
  const NODES = ["x", "w1", "net1", "h", "w2", "net2", "y", "t", "E"];
  const tail = (arrow) => arrow.split(" ")[0];
  const head = (arrow) => arrow.split(" ")[1];

  /** All values, the derivative at each arrow, and that of E by each node. */
  function walk(graph, { f, x, w1, w2, t, alpha }) {
    const { value, slope } = FUNCTIONS[f];
    const past = graph === "plain" ? 0 : alpha;
    const net1 = x * w1;
    const h = value(net1) + past * x;
    const net2 = h * w2;
    const y = value(net2) + past * h;
    const values = { x, w1, net1, h, w2, net2, y, t, E: (t - y) ** 2 / 2 };
    const factors = {
      "y E": y - t, "t E": t - y, "net2 y": slope(net2), "h net2": w2, "w2 net2": h,
      "net1 h": slope(net1), "x net1": w1, "w1 net1": x, "h y": past, "x h": past,
    };
    const gradients = { E: 1 };
    for (const node of NODES.slice(0, -1).reverse()) {
      gradients[node] = Object.keys(GRAPHS[graph].arrows)
        .filter((arrow) => tail(arrow) === node)
        .reduce((sum, arrow) => sum + gradients[head(arrow)] * factors[arrow], 0);
    }
    return { values, factors, gradients };
  }

  /** Every way from E back to a node, as lists of arrows. */
  function routes(graph, node, from = "E") {
    if (node === from) return [[]];
    return Object.keys(GRAPHS[graph].arrows)
      .filter((arrow) => head(arrow) === from)
      .flatMap((arrow) => routes(graph, node, tail(arrow)).map((rest) => [arrow, ...rest]));
  }

  /** What each of these ways carries. */
  const products = (graph, setting, node) => {
    const { factors } = walk(graph, setting);
    return routes(graph, node).map((route) =>
      route.reduce((product, arrow) => product * factors[arrow], 1));
  };

  // --- Examples, each with what there is to see.

  const START = { f: "tanh", x: 0.8, w1: 0.7, w2: -1.3, t: 0.5, alpha: 1, by: "w1" };
  const EXAMPLES = {
    hand: {
      name: "The numbers worked out by hand",
      comment: "0.554 without shortcuts, −0.0634 with them: two terms of opposite signs, the " +
        "one past f the larger.",
    },
    zero: {
      name: "w₂ = 0", w2: 0,
      comment: "Nothing passes layer 2, so the plain gradient is 0. The way past it has neither " +
        "w₂ nor f′(net₂).",
    },
    flat: {
      name: "Layer 2 saturated", x: 1, w1: 0.5, w2: 10, t: 2,
      comment: "w₂ drives net₂ into the flat part of tanh. The plain gradient nearly dies; the " +
        "shortcut leads past.",
    },
    saturated: {
      name: "Layer 1 saturated: both die", x: 1, w1: 4, w2: 1, t: 4,
      comment: "f′(net₁) = 0.0013 is a factor of every path to w₁: a shortcut leads past a " +
        "layer, not into it.",
    },
    earlier: {
      name: "… but not what comes before it", x: 1, w1: 4, w2: 1, t: 4, by: "x", path: 3,
      comment: "The same numbers, seen from x: with shortcuts the gradient arrives, for an " +
        "earlier layer to learn from.",
    },
    cancel: {
      name: "The two terms cancel", f: "identity", x: 1, w1: 0.5, w2: -1, t: 1,
      comment: "f′(net₂)·w₂ = −1, and the shortcut adds 1. Both paths carry gradient, and " +
        "together they carry none.",
    },
    dead: {
      name: "A dead ReLU", f: "relu", x: 0.8, w1: -0.7, w2: 1, t: 1,
      comment: "net₁ is negative, where ReLU has the slope 0: w₁ learns nothing in either network.",
    },
    halved: {
      name: "Shortcuts halved", x: 1, w1: 0.1, w2: 0.1, t: 1, alpha: 0.5, by: "x", path: 3,
      comment: "Each shortcut halves what passes: a quarter is left after two layers, a " +
        "millionth after twenty.",
    },
    own: { name: "Your own setting", comment: "Choose an example to begin again." },
  };
  const NUMBERS = { x: 3, w1: 10, w2: 10, t: 5, alpha: 2 };
  const LARGEST_NUMBER = 99;

  // --- How it is written and drawn.

  const NAMES = { w1: "w₁", w2: "w₂", net1: "net₁", net2: "net₂", alpha: "α" };
  const named = (node) => NAMES[node] ?? node;

  /** Three digits that count, two where they are small: 0.554, −12.3, 0.0013, 1.3e−5. */
  function number(value) {
    const size = Math.abs(value);
    const text = size && (size < 0.001 || size >= 10000)
      ? value.toExponential(1).replace("+", "")
      : String(Number(value.toPrecision(size < 0.01 ? 2 : 3)));
    return text.replaceAll("-", "−");
  }
  const bracketed = (value) => (value < 0 ? `(${number(value)})` : number(value));

  // In units of the drawing, which are pixels where there is room.
  const WIDTH = 160, BOX = 52, ROW = 90, HEIGHT = 5 * ROW + BOX;
  const PLACES = {
    x: [96, 0], w1: [30, 0], net1: [96, 1], h: [96, 2], w2: [30, 2], net2: [96, 3],
    y: [96, 4], t: [30, 4], E: [96, 5],
  };
  const isLeaf = (node) => ["w1", "w2", "t"].includes(node);
  const half = (node) => (isLeaf(node) ? 30 : 32);
  const RIGHT = 157;

  /** The line of an arrow, the point and direction of its head, and where its name stands. */
  function course(arrow) {
    const [[x1, row1], [x2, row2]] = [PLACES[tail(arrow)], PLACES[head(arrow)]];
    const [top, bottom] = [row1 * ROW + BOX, row2 * ROW];
    if (arrow in SHORTCUTS) {
      const [from, to] = [x1 + half("h"), row2 * ROW + BOX / 2];
      const middle = (row1 + row2) * ROW / 2 + BOX / 2;
      return {
        line: `M${from} ${row1 * ROW + BOX / 2}C${RIGHT + 8} ${row1 * ROW + BOX / 2} ${RIGHT} ` +
          `${middle - 40} ${RIGHT} ${middle}S${RIGHT + 8} ${to} ${from + 8} ${to}`,
        end: [from + 1, to], turn: 90, text: [RIGHT - 5, middle], anchor: "end",
      };
    }
    if (isLeaf(tail(arrow))) {
      const end = [x2 - 22, bottom - 1];
      const turn = (Math.atan2(end[1] - top, end[0] - x1) * 180) / Math.PI - 90;
      return {
        line: `M${x1} ${top}L${end[0] - 4} ${bottom - 5}`, end, turn,
        text: [2, bottom - 14], anchor: "start",
      };
    }
    return {
      line: `M${x1} ${top}V${bottom - 7}`, end: [x1, bottom - 1], turn: 0,
      text: [x1 + 9, (top + bottom) / 2], anchor: "start",
    };
  }

  /** From hair to finger: a factor of 1 is 3 wide, ten times as much 2 more. */
  const thickness = (factor) =>
    factor ? Math.max(1, Math.min(8, 3 + 2 * Math.log10(Math.abs(factor)))) : 1.5;
  const sign = (factor) => (factor > 0 ? "positive" : factor < 0 ? "negative" : "zero");

  /** One of the two networks, as a drawing of nodes and arrows. */
  class Graph {
    constructor(kind, onarrow, onnode) {
      this.kind = kind;
      this.arrows = Object.fromEntries(Object.entries(GRAPHS[kind].arrows).map(
        ([arrow, symbol]) => [arrow, this.makeArrow(arrow, symbol, onarrow)]));
      this.nodes = Object.fromEntries(NODES.map((node) => [node, this.makeNode(node, onnode)]));
      const groups = Object.values(this.arrows);
      this.drawing = shape("svg", { viewBox: `-1 -1 ${WIDTH + 2} ${HEIGHT + 2}`, role: "img" },
        ...groups.map(({ halo }) => halo), ...groups.map(({ group }) => group),
        ...Object.values(this.nodes).map(({ group }) => group));
      this.node = element("div", { className: `graph ${kind}` },
        element("p", { className: "title" }, GRAPHS[kind].name), this.drawing);
    }

    makeArrow(arrow, symbol, onarrow) {
      const { line, end, turn, text, anchor } = course(arrow);
      const path = shape("path", { class: "line", d: line });
      const place = { x: text[0], y: text[1] - 2, "text-anchor": anchor };
      const tip = shape("path", { class: "tip", d: "M-6 -9L0 0L6 -9Z",
        transform: `translate(${end}) rotate(${turn})` });
      const value = shape("text", { ...place, y: text[1] + 13 });
      const name = shape("text", { ...place, class: "symbol" }, symbol);
      const group = shape("g", {}, path, tip, name, value,
        shape("path", { class: "reach", d: line }));
      group.addEventListener("click", () => onarrow(arrow));
      return { group, path, value, halo: shape("path", { class: "halo", d: line }) };
    }

    makeNode(node, onnode) {
      const [x, row] = PLACES[node];
      const [left, top, width] = [x - half(node), row * ROW, 2 * half(node)];
      const text = (y, kind) =>
        shape("text", { x, y: top + y, class: kind, "text-anchor": "middle" });
      const strip = shape("rect",
        { class: "strip", x: left, y: top + 34, width, height: BOX - 34 });
      const [name, value, gradient] = [text(14, "name"), text(30, ""), text(48, "")];
      name.append(named(node));
      const group = shape("g", {},
        shape("rect", { class: "box", x: left, y: top, width, height: BOX, rx: 5 }),
        strip, name, value, gradient,
        shape("rect", { class: "outline", x: left, y: top, width, height: BOX, rx: 5 }));
      group.addEventListener("click", () => onnode(node));
      return { group, strip, value, gradient };
    }

    draw({ values, factors, gradients }, route, by) {
      for (const [arrow, { group, path, value, halo }] of Object.entries(this.arrows)) {
        group.setAttribute("class", sign(factors[arrow]));
        path.style.strokeWidth = thickness(factors[arrow]);
        value.textContent = number(factors[arrow]);
        halo.style.display = route.includes(arrow) ? "" : "none";
      }
      for (const [node, { group, strip, value, gradient }] of Object.entries(this.nodes)) {
        value.textContent = number(values[node]);
        gradient.textContent = number(gradients[node]);
        strip.setAttribute("class", `strip ${sign(gradients[node])}`);
        // No colour for less than a thousandth, half of it for 10 and more.
        const size = Math.log10(Math.abs(gradients[node]));
        strip.style.fillOpacity = Math.max(0, Math.min(0.5, 0.4 + size / 8));
        group.classList.toggle("asked", node === by);
      }
      const words = NODES.map((node) =>
        `${named(node)} ${number(values[node])}, derivative ${number(gradients[node])}`);
      this.drawing.setAttribute("aria-label", `${GRAPHS[this.kind].name}: ${words.join("; ")}`);
    }
  }

  /** A number that is typed, or moved by a slider. */
  function knob(name, limit, onchange) {
    const label = named(name);
    const range = element("input",
      { type: "range", min: -limit, max: limit, step: 0.05, "aria-label": label });
    const field = element("input",
      { type: "number", step: "any", "aria-label": `${label}, typed` });
    range.oninput = () => onchange(Number(range.value));
    field.oninput = () => {
      const value = Number(field.value);
      if (field.value === "" || !Number.isFinite(value)) return;
      onchange(Math.max(-LARGEST_NUMBER, Math.min(LARGEST_NUMBER, value)));
    };
    field.onchange = () => onchange(null);
    const set = (value) => {
      range.value = value;
      if (field.getRootNode().activeElement !== field) field.value = value;
    };
    const settle = (value) => (range.value = field.value = value);
    const node = element("div", { className: "knob" },
      element("span", { "aria-hidden": "true" }, label), range, field);
    return { node, set, settle };
  }

  // The curve of f, in units of its drawing.
  const CURVE = { width: 300, height: 130, reach: 6 };
  const curveX = (net) => CURVE.width / 2 * (1 + net / CURVE.reach);

  class Chain extends Explorable {
    static compute = { walk, products };
    static examples = EXAMPLES;
    static style = `${style}
      :host { --plain: #0072b2; --skip: #c05500; }
      :host([dark]) { --plain: #63b3ec; --skip: #f0a35e; }
      .live { display: grid; gap: 12px; }
      .side { display: contents; }
      .legend, .question, .product { order: 1; }
      .curve { order: 2; }
      .foot { order: 3; }
      .side > .controls { display: grid; gap: 6px; }
      .row { flex-wrap: nowrap; gap: 6px; }
      .row button { flex: 1; font-size: 14px; min-width: 0; padding: 4px 0; white-space: nowrap; }
      .knob { align-items: center; display: grid; gap: 10px; grid-template-columns: 22px 1fr 76px; }
      .knob input { margin: 0; min-width: 0; }
      .knob input[type=range] { accent-color: var(--accent); height: 44px; width: 100%; }
      .knob input[type=number] { appearance: textfield; padding: 4px 8px; text-align: right;
        font-variant-numeric: tabular-nums; }
      .graphs { display: grid; gap: 8px; grid-template-columns: 1fr 1fr; }
      .graph { text-align: center; }
      .title { font-size: 14px; font-weight: 600; line-height: 26px; white-space: nowrap; }
      .title::before, .question [class*=row-]::before { border: 2px solid; content: "";
        display: inline-block; flex: none; height: 10px; margin-right: 6px; width: 10px; }
      .plain .title::before, .row-plain::before {
        background: var(--plain); border-color: var(--plain); border-radius: 50%; }
      .skip .title::before, .row-skip::before {
        border-color: var(--skip); transform: rotate(45deg); }
      .question [class*=row-]::before { display: none; }
      .graph svg { overflow: visible; display: block; height: ${HEIGHT + 2}px; width: 100%; }
      svg text { fill: var(--text); font-size: 13px; letter-spacing: -0.3px;
        font-variant-numeric: tabular-nums; }
      svg .symbol { fill: var(--quiet); }
      svg .name { font-weight: 700; }
      .line, .reach, .halo { fill: none; }
      .reach { stroke: transparent; stroke-width: 24; }
      .halo { opacity: 0.3; stroke: var(--accent); stroke-linecap: round; stroke-width: 16; }
      .positive > .line { stroke: rgb(var(--positive)); }
      .positive > .tip, .strip.positive { fill: rgb(var(--positive)); }
      .negative > .line { stroke: rgb(var(--negative)); }
      .negative > .tip, .strip.negative { fill: rgb(var(--negative)); }
      .zero > .line { stroke: var(--line); stroke-dasharray: 3 5; }
      .zero > .tip { fill: var(--line); }
      .box { fill: var(--surface); }
      .outline { fill: none; stroke: var(--line); }
      .asked > .outline { stroke: var(--accent); stroke-width: 3; }
      .graph g { cursor: pointer; }
      .question { display: grid; gap: 8px; grid-template-columns: 1fr 1fr; }
      .question > :first-child { grid-column: 1 / 3; }
      .product { background: var(--raised); border-radius: 6px; font-size: 14px;
        min-height: 170px; padding: 10px 12px; }
      .factor { white-space: nowrap; }
      .product p:last-child { margin-top: 6px; }
      .curve svg { display: block; height: ${CURVE.height}px; margin: auto; max-width: 340px;
        width: 100%; }
      .axis { stroke: var(--faint); }
      .function { fill: none; stroke: var(--line); stroke-width: 2; }
      .dot.plain { fill: var(--plain); stroke: var(--plain); }
      .dot.skip { fill: var(--surface); stroke: var(--skip); stroke-width: 2.5; }
      .tangent.plain { stroke: var(--plain); stroke-width: 2; }
      .tangent.skip { stroke: var(--skip); stroke-width: 2; }
      @container (min-width: 600px) {
        .live { grid-template: "choose choose" "comment comment" "graphs side" "question question"
            "product product" "foot foot" / 332px 1fr; column-gap: 20px; }
        .choose { grid-area: choose; }
        .comment { grid-area: comment; }
        .graphs { grid-area: graphs; }
        .side { align-content: space-between; display: grid; gap: 10px; grid-area: side;
          min-width: 0; }
        .question { grid-area: question; grid-template-columns: 1fr 1fr 1fr; }
        .question > :first-child { grid-column: 1; }
        .question [class*=row-]::before { display: block; }
        .product { grid-area: product; min-height: 87px; }
        .foot { grid-area: foot; }
      }
    `;

    start() {
      this.restart("hand");
      this.live.append(this.makeChoice(), this.makeComment(), this.makeSide(), this.makeGraphs(),
        this.makeQuestion(), this.makeProduct(), this.makeFoot());
      this.draw();
    }

    /** Take over all numbers of an example. */
    restart(name) {
      const { by, path = 0, ...setting } = { ...START, ...EXAMPLES[name] };
      delete setting.name;
      delete setting.comment;
      const chosen = { kind: path ? "skip" : "plain", path };
      Object.assign(this, { example: name, setting, by, chosen });
    }

    changed(changes) {
      Object.assign(this.setting, changes);
      this.example = "own";
      this.update();
    }

    update() {
      this.redraw();
      this.share(this.address());
    }

    // --- The parts of the page.

    makeChoice() {
      this.choose = select("Example", EXAMPLES, (name) => {
        this.restart(name);
        this.settle();
        this.update();
      });
      this.choose.node.classList.add("controls");
      return this.choose.node;
    }

    makeComment() {
      this.comment = element("p", { className: "lines comment" });
      return this.comment;
    }

    makeSide() {
      const names = Object.fromEntries(Object.entries(FUNCTIONS).map(([f, { name }]) => [f, name]));
      this.functions = choice("Function f", names, this.setting.f, (f) => this.changed({ f }));
      this.knobs = Object.fromEntries(Object.entries(NUMBERS).map(([name, limit]) => [
        name, knob(name, limit, (value) => this.turn(name, value))]));
      return element("div", { className: "side" },
        element("div", { className: "controls" }, this.functions.node,
          ...Object.values(this.knobs).map(({ node }) => node)), this.makeCurve(),
        element("p", { className: "quiet legend" },
          "In a box: its value and, tinted, ∂E/∂ of it. " +
          "At an arrow: the local derivative; thicker is larger."));
    }

    /** A knob was turned; when typing ends, its field shows what was understood. */
    turn(name, value) {
      if (value === null) this.knobs[name].settle(this.setting[name]);
      else this.changed({ [name]: value });
    }

    /** Show the numbers of an example in all fields, also in one that is being typed in. */
    settle() {
      for (const [name, { settle }] of Object.entries(this.knobs)) settle(this.setting[name]);
    }

    makeCurve() {
      this.function = shape("polyline", { class: "function" });
      this.marks = shape("g");
      const { width, height } = CURVE;
      const drawing = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" },
        shape("line", { class: "axis", x1: 0, x2: width, y1: height / 2, y2: height / 2 }),
        shape("line", { class: "axis", x1: width / 2, x2: width / 2, y1: 0, y2: height }),
        this.function, this.marks);
      this.curve = drawing;
      return element("div", { className: "curve" }, drawing,
        element("p", { className: "quiet" }, "f, and where layers 1 and 2 work on it"));
    }

    makeGraphs() {
      this.graphs = Object.fromEntries(Object.keys(GRAPHS).map((kind) => [kind, new Graph(kind,
        (arrow) => this.take(kind, arrow), (node) => this.ask(node))]));
      return element("div", { className: "graphs" },
        this.graphs.plain.node, this.graphs.skip.node);
    }

    /** Which derivative, and along which path. */
    makeQuestion() {
      const asked = { w1: "∂E/∂w₁", w2: "∂E/∂w₂", x: "∂E/∂x" };
      this.asked = choice("Derivative of E by", asked, this.by, (by) => this.ask(by));
      this.routes = Object.fromEntries(Object.keys(GRAPHS).map((kind) => [kind,
        element("div",
          { className: `row row-${kind}`, role: "group",
            "aria-label": `Paths, ${GRAPHS[kind].name}` })]));
      return element("div", { className: "controls question" },
        this.asked.node, this.routes.plain, this.routes.skip);
    }

    makeProduct() {
      [this.symbols, this.values, this.total] = [1, 2, 3].map(() => element("p"));
      return element("div", { className: "product numbers" },
        this.symbols, this.values, this.total);
    }

    makeFoot() {
      this.fold = this.numbers(() => this.rows());
      return element("div", { className: "foot" }, this.fold,
        element("span", { className: "quiet" }, "checked against PyTorch"), this.copyLink());
    }

    // --- What the reader does.

    /** Ask for the derivative by another node. */
    ask(node) {
      if (!["w1", "w2", "x"].includes(node)) return;
      this.by = node;
      this.chosen = { kind: this.chosen.kind, path: 0 };
      this.update();
    }

    /** Choose the path through an arrow; once more, the next one that goes through it. */
    take(kind, arrow) {
      const all = routes(kind, this.by);
      const from = this.chosen.kind === kind ? this.chosen.path + 1 : 0;
      const next = all.map((_, i) => (from + i) % all.length).find((i) => all[i].includes(arrow));
      if (next === undefined) return;
      this.chosen = { kind, path: next };
      this.update();
    }

    // --- The state in the page's address.

    address() {
      const { f, ...numbers } = this.setting;
      const { kind, path } = this.chosen;
      return [f, ...Object.values(numbers), this.by, kind, path].join("_");
    }

    restore(state) {
      const [f, x, w1, w2, t, alpha, by, kind, path] = state.split("_");
      if (state in EXAMPLES) this.restart(state);
      else if (f in FUNCTIONS) {
        this.restart("own");
        this.setting.f = f;
        for (const [name, text] of Object.entries({ x, w1, w2, t, alpha })) {
          const value = Number(text);
          if (Number.isFinite(value)) {
            this.setting[name] = Math.max(-LARGEST_NUMBER, Math.min(LARGEST_NUMBER, value));
          }
        }
        if (["w1", "w2", "x"].includes(by)) this.by = by;
        if (kind in GRAPHS) this.chosen = { kind, path: Number(path) || 0 };
      }
      this.settle();
      this.draw();
    }

    // --- Drawing.

    draw() {
      const walked = Object.fromEntries(
        Object.keys(GRAPHS).map((each) => [each, walk(each, this.setting)]));
      const { kind } = this.chosen;
      const ways = routes(kind, this.by);
      this.chosen.path = Math.min(Math.max(0, Math.floor(this.chosen.path)), ways.length - 1);
      this.choose.set(this.example);
      this.comment.textContent = EXAMPLES[this.example].comment;
      this.functions.set(this.setting.f);
      for (const [name, { set }] of Object.entries(this.knobs)) set(this.setting[name]);
      this.asked.set(this.by);
      for (const [each, graph] of Object.entries(this.graphs)) {
        graph.draw(walked[each], each === kind ? ways[this.chosen.path] : [], this.by);
        this.drawRoutes(each);
      }
      this.drawCurve(walked);
      this.drawProduct(walked[kind], ways);
      this.fold.fill();
    }

    /** The paths of one network, as buttons; they are made anew only if there are others. */
    drawRoutes(kind) {
      const row = this.routes[kind];
      const all = routes(kind, this.by);
      if (row.dataset.by !== this.by) {
        row.dataset.by = this.by;
        row.replaceChildren(...all.map((route, path) => {
          const made = element("button", { type: "button", onclick: () => {
            this.chosen = { kind, path };
            this.update();
          } }, short(route, all.length));
          made.setAttribute("aria-label", `path ${said(route)}`);
          return made;
        }));
      }
      [...row.children].forEach((each, path) => each.setAttribute(
        "aria-pressed", this.chosen.kind === kind && this.chosen.path === path));
    }

    drawProduct({ factors, gradients }, ways) {
      const { kind, path } = this.chosen;
      const route = ways[path];
      const carried = products(kind, this.setting, this.by);
      const { name, arrows } = GRAPHS[kind];
      this.symbols.replaceChildren(`${name}, ${said(route)}: `,
        ...factorised(route.map((arrow) => arrows[arrow])));
      const numbers = route.map((arrow) => bracketed(factors[arrow]));
      this.values.replaceChildren("= ", ...factorised(numbers), ` = ${number(carried[path])}`);
      const sum = carried.map((value, i) => (i ? bracketed(value) : number(value))).join(" + ");
      const [asked, total] = [`∂E/∂${named(this.by)}`, number(gradients[this.by])];
      this.total.textContent = ways.length === 1
        ? `The only path: ${asked} = ${total}.`
        : `All ${ways.length} paths: ${asked} = ${sum} = ${total}.`;
      this.say(`${this.symbols.textContent} ${this.values.textContent}. ${this.total.textContent}`);
    }

    drawCurve(walked) {
      const { value, slope, height } = FUNCTIONS[this.setting.f];
      const y = (at) => CURVE.height / 2 * (1 - Math.max(-0.96, Math.min(0.96, at / height)));
      const nets = Array.from({ length: 121 }, (_, i) => (i - 60) / 10);
      const points = nets.map((net) => `${curveX(net)},${y(value(net))}`);
      this.function.setAttribute("points", points.join(" "));
      const marks = [];
      for (const [kind, { values }] of Object.entries(walked)) {
        for (const [unit, node] of [["1", "net1"], ["2", "net2"]]) {
          marks.push(...this.mark(kind, unit, values[node], { value, slope, y }));
        }
      }
      this.marks.replaceChildren(...marks);
      this.curve.setAttribute("aria-label", `${FUNCTIONS[this.setting.f].name}; ` +
        Object.entries(walked).map(([kind, { values, factors }]) => `${GRAPHS[kind].name}: ` +
          `net₁ ${number(values.net1)}, slope ${number(factors["net1 h"])}; ` +
          `net₂ ${number(values.net2)}, slope ${number(factors["net2 y"])}`).join("; "));
    }

    /** A unit's place on the curve, with the tangent there; far out it stays at the edge. */
    mark(kind, unit, net, { value, slope, y }) {
      const at = Math.max(-5.8, Math.min(5.8, net));
      const [x, height] = [curveX(at), y(value(at))];
      const step = 0.9 / Math.hypot(1, slope(at));
      const dot = kind === "plain"
        ? shape("circle", { class: "dot plain", cx: x, cy: height, r: 5 })
        : shape("path", { class: "dot skip", d: `M${x - 7} ${height}l7 -7l7 7l-7 7z` });
      const away = kind === "plain" ? 18 : -11;
      const words = Math.max(12, Math.min(CURVE.height - 4, height + away));
      return [
        shape("line", { class: `tangent ${kind}`, x1: curveX(at - step), x2: curveX(at + step),
          y1: y(value(at) - step * slope(at)), y2: y(value(at) + step * slope(at)) }),
        dot, shape("text", { x, y: words, "text-anchor": "middle" }, unit),
      ];
    }

    /** What is drawn, as numbers. */
    rows() {
      const [plain, skip] = Object.keys(GRAPHS).map((kind) => walk(kind, this.setting));
      return [
        ["", "plain", "∂E/∂", "with shortcuts", "∂E/∂"],
        ...NODES.map((node) => [named(node), ...[plain, skip].flatMap(
          ({ values, gradients }) => [number(values[node]), number(gradients[node])])]),
      ];
    }
  }

  /** Factors with dots between them, none of them broken at a line's end. */
  const factorised = (factors) => factors.flatMap((factor, i) =>
    [i ? " · " : "", element("span", { className: "factor" }, factor)]);

  /** Which way a path takes at each addition: through f, or past it. */
  const turns = (route) => route
    .filter((arrow) => arrow in SHORTCUTS || ["net2 y", "net1 h"].includes(arrow))
    .map((arrow) => (arrow in SHORTCUTS ? "past" : "through"));
  const said = (route) => {
    const [second, first] = turns(route);
    if (route.at(-1) === "w2 net2" || route.at(-1) === "w1 net1") return `${second} f of layer 2`;
    return `${second} f of layer 2, ${first} that of layer 1`;
  };
  const short = (route, count) => count > 2
    ? turns(route).map((turn) => (turn === "past" ? "α" : "f")).join("·")
    : { past: "past f", through: "through f" }[turns(route)[0]];

  define("chain", Chain);
})();
