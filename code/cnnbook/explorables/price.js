// Accuracy against a cost: torchvision's classifiers, and the front of what is shown.
(() => {
  const { Explorable, button, define, element, shape, slider } = globalThis.cnnbook;
  const { select, style } = globalThis.cnnbook.controls;
  const { field, labels, logScale, ownNetwork, style: chartStyle, ticks } =
    globalThis.cnnbook.scatter;

  // What a cost is called on the axis, and how its numbers are read.
  const COSTS = {
    macs: { name: "MACs for one image", unit: "G MACs", axis: "MACs for one image, billions" },
    parameters: { name: "parameters", unit: "M parameters", axis: "parameters, millions" },
    activations: { name: "activations", unit: "M activations",
      axis: "activations for one image, millions" },
    file: { name: "file size", unit: "MB", axis: "file of the weights, MB" },
    seconds: { name: "measured time", unit: "ms",
      axis: "time for one image on one thread of a CPU, ms" },
  };
  const RECIPES = { all: "all recipes", other: "other recipes", new: "torchvision’s new one" };
  const SOURCES = { other: "other recipe", new: "new recipe", paper: "from its paper" };
  const KINDS = ["plain", "concatenated", "residual", "depthwise", "attention"];

  // --- What is computed. A network has an accuracy in %, counted on so many `images`, and
  // --- costs by their names.

  /** The standard deviation of an accuracy, in points. */
  const deviation = ({ accuracy, images }) => Math.sqrt((accuracy * (100 - accuracy)) / images);

  /** How far apart two accuracies must be, so that it is no accident. */
  const margin = (one, other) => 2 * Math.hypot(deviation(one), deviation(other));

  /** The places of those that nobody dominates, the cheapest first. */
  function front(networks, cost) {
    const order = networks.map((_, at) => at).sort((a, b) =>
      networks[a][cost] - networks[b][cost] || networks[b].accuracy - networks[a].accuracy);
    let best = 0;
    return order.filter((at) => {
      const better = networks[at].accuracy > best;
      best = Math.max(best, networks[at].accuracy);
      return better;
    });
  }

  /** The most accurate of those that clearly dominate one: no dearer, and surely better. */
  function beaten(one, networks, cost) {
    let by = -1;
    networks.forEach((other, at) => {
      const ahead = other.accuracy - one.accuracy;
      const clear = other[cost] <= one[cost] && ahead >= margin(one, other) &&
        (other[cost] < one[cost] || ahead > 0);
      if (clear && (by < 0 || other.accuracy > networks[by].accuracy)) by = at;
    });
    return by;
  }

  // --- Examples, each with what there is to see.

  const START = { cost: "macs", recipe: "all", until: 2024, kinds: [...KINDS], at: "resnet50.V2",
    pin: "" };
  const EXAMPLES = {
    macs: {
      name: "Accuracy against MACs",
      comment: "Faint is what another network clearly beats at no higher cost. Change the cost: " +
        "who stays?",
    },
    parameters: {
      name: "Another cost, another front", cost: "parameters", at: "resnet18.V1",
      comment: "ResNet-18 and AlexNet change places: by parameters AlexNet is the dearer one by " +
        "far, by MACs the cheaper one.",
    },
    seconds: {
      name: "By the clock", cost: "seconds", at: "efficientnet_b0.V1", pin: "alexnet.V1",
      comment: "Ten networks on one thread of a CPU. EfficientNet-B0 has little more than half " +
        "of AlexNet’s MACs, and takes nine tenths of its time.",
    },
    recipe: {
      name: "One network, two recipes", at: "resnet50.V2", pin: "resnet50.V1",
      comment: "A line joins the same network, trained twice. ResNet-50 gains more than any " +
        "other, and costs what it cost.",
    },
    chance: {
      name: "A difference that may be chance", until: 2015, recipe: "other", at: "resnet18.V1",
      pin: "googlenet.V1",
      comment: "GoogLeNet is ahead of ResNet-18 by ten images of 50,000. On other images they " +
        "could change places.",
    },
    plain: {
      name: "Without depthwise and attention",
      kinds: ["plain", "concatenated", "residual"], at: "squeezenet1_1.V1",
      comment: "Below 0.4 billion MACs only SqueezeNet is left, and depthwise layers were " +
        "made for just that. Above one billion at most 2.5 points are lost.",
    },
    own: { name: "Your own view", comment: "Choose an example to begin again." },
  };

  // --- How it is written and drawn.

  const three = (value) => Number(value.toPrecision(3)).toLocaleString("en-GB");
  const points = (value) => Math.abs(value).toFixed(2).replace(/\.00$/, "");
  const plain = (text) => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  const CHART = { top: 8, right: 10, bottom: 38, left: 30, narrow: 330, wide: 380 };
  const RADIUS = 5;

  class Price extends Explorable {
    static compute = { front: (...given) => front(...given), beaten, deviation };
    static examples = EXAMPLES;
    static style = `${style}${chartStyle}
      :host { --plain: #0072b2; --residual: #e69f00; --concatenated: #009e73;
        --depthwise: #cc79a7; --attention: #d55e00; }
      :host([dark]) { --plain: #56b4e9; --residual: #f0b041; --concatenated: #2cc69a;
        --depthwise: #e0a0c4; --attention: #f58a4b; }
      .kinds { display: grid; gap: 6px; grid-template-columns: repeat(3, 1fr); }
      .kinds button { font-size: 13px; min-width: 0; padding: 0; white-space: nowrap; }
      .kinds button[aria-pressed] { background: var(--surface); color: var(--text); }
      .kinds button[aria-pressed=false] { color: var(--quiet); text-decoration: line-through; }
      .kinds i { border-radius: 50%; display: inline-block; height: 11px; margin-right: 5px;
        width: 11px; }
      .kinds button[aria-pressed=false] i { opacity: 0.25; }
      .dot { cursor: pointer; stroke: var(--surface); stroke-width: 0.8; }
      .dot.paper { fill: var(--surface); stroke: var(--text); stroke-width: 1.3; }
      .faint { opacity: 0.3; }
      .pair { stroke: var(--line); stroke-opacity: 0.45; }
      .pair.chosen { stroke: var(--text); stroke-opacity: 1; stroke-width: 2; }
      .front { fill: none; stroke: var(--text); stroke-width: 1.6; }
      .band { fill: var(--text); opacity: 0.14; }
      .ring { fill: none; stroke: var(--accent); stroke-width: 2.5; }
      .found { fill: none; stroke: var(--text); stroke-dasharray: 3 2; }
      .mine { fill: var(--text); stroke: var(--surface); stroke-width: 1.5; }
      .line { stroke: var(--text); stroke-dasharray: 4 3; }
      .account { --lines: 4; font-weight: 600; }
      .detail { --lines: 7; }
      .own .detail { --lines: 3; }
      .walk { align-items: end; display: grid; gap: 8px; grid-template-columns: 1fr auto; }
      .walk input[type=text] { min-width: 0; }
      .walk .slider { grid-column: 1 / 3; order: 1; }
      .keys { --lines: 4; }
      @container (min-width: 600px) {
        .settings { grid-template-columns: 3fr 3fr 2fr; align-items: end; }
        .kinds { grid-template-columns: repeat(5, 1fr); }
        .account { --lines: 2; }
        .detail { --lines: 4; }
        .own .detail { --lines: 2; }
        .walk { grid-template-columns: 1fr 2fr auto; }
        .walk .slider { grid-column: auto; order: 0; }
        .keys { --lines: 2; }
      }
    `;

    start({ networks, first }) {
      this.networks = networks;
      this.byName = new Map(networks.map((each) => [each.key, each]));
      this.mine = {};
      this.restart(first ?? "macs");
      this.live.append(this.makeChoice(), this.makeSettings(), this.makeChart(),
        this.makeFoot());
      this.place = new ResizeObserver(() => this.redraw());
      this.place.observe(this.live);
      this.draw();
    }

    restart(name) {
      const { name: title, comment, ...changes } = EXAMPLES[name];
      Object.assign(this, { example: name, search: "", setting: { ...START, ...changes } });
    }

    changed(changes) {
      Object.assign(this.setting, changes);
      this.example = "own";
      this.redraw();
      this.share(this.address());
    }

    // --- The parts of the page.

    makeChoice() {
      this.choose = select("Example", EXAMPLES, (name) => {
        if (name === "own") this.example = name;
        else this.restart(name);
        this.redraw();
        this.share(name === "own" ? this.address() : name);
      });
      this.comment = element("p", { className: "lines comment" });
      return element("div", { className: "controls form" }, this.choose.node, this.comment);
    }

    makeSettings() {
      this.cost = select("Cost", COSTS, (cost) => this.changed({ cost }), { bare: true });
      this.recipe = select("Recipes", RECIPES, (recipe) => this.changed({ recipe }),
        { bare: true });
      const years = this.networks.map(({ year }) => year);
      this.until = slider({ label: "until", min: Math.min(...years), max: Math.max(...years),
        value: START.until, oninput: (until) => this.changed({ until }) });
      this.kinds = Object.fromEntries(KINDS.map((kind) => {
        const dot = element("i");
        dot.style.background = `var(--${kind})`;
        const made = button("", () => {
          const { kinds } = this.setting;
          this.changed({ kinds: KINDS.filter((each) => (each === kind) !== kinds.includes(each)) });
        }, { pressed: true });
        made.append(dot, kind);
        return [kind, made];
      }));
      return element("div", { className: "controls form" },
        element("div", { className: "form settings" }, this.cost.node, this.recipe.node,
          this.until.node),
        element("div", { className: "kinds", role: "group", "aria-label": "Kinds of networks" },
          ...Object.values(this.kinds)));
    }

    makeChart() {
      this.chart = shape("svg", { class: "chart", role: "img" });
      this.account = element("p", { className: "lines account numbers" });
      this.detail = element("p", { className: "lines detail numbers" });
      this.keys = element("p", { className: "lines keys quiet" }, "Circles: other recipes. " +
        "Triangles: torchvision’s new one; a line joins the same network. Hollow: figures from " +
        "papers, not in the front. Shaded: two standard deviations.");
      this.finder = element("input", { type: "text", placeholder: "search, such as resnet50",
        "aria-label": "Search a network by its name" });
      this.finder.oninput = () => {
        this.search = plain(this.finder.value);
        const found = this.search && this.shown().find((each) => this.isFound(each));
        if (found) this.setting.at = found.key;
        this.redraw();
      };
      this.walk = slider({ label: "network", min: 0, max: 1, value: 0,
        words: (at) => this.ordered?.[at]?.name ?? "",
        oninput: (at) => this.changed({ at: this.ordered[at].key }) });
      this.pin = button("pin", () => {
        const { at, pin } = this.setting;
        this.changed({ pin: pin === at ? "" : at });
      }, { pressed: false, label: "pin this network, to compare others with it" });
      return element("div", { className: "form" }, this.account, this.chart, this.keys,
        element("div", { className: "controls walk" }, this.finder, this.walk.node, this.pin),
        this.detail);
    }

    makeOwn() {
      const set = (name) => (value) => {
        this.mine[name] = value;
        this.redraw();
      };
      this.fields = Object.fromEntries(Object.entries({ parameters: "M parameters",
        macs: "G MACs", activations: "M activations", accuracy: "accuracy, %",
        images: "counted on images" }).map(([name, label]) => [name, field(label, set(name))]));
      this.verdict = element("p", { className: "lines detail numbers" });
      return ownNetwork((layers) => {
        const sum = (name, of = layers) => of.reduce((all, each) => all + each[name], 0);
        Object.assign(this.mine, { parameters: sum("parameters") / 1e6, macs: sum("macs") / 1e9,
          activations: sum("activations", layers.filter(({ macs }) => macs)) / 1e6 });
        this.redraw();
      }, element("div", { className: "fields" },
        ...Object.values(this.fields).map(({ node }) => node)), this.verdict);
    }

    makeFoot() {
      this.fold = this.numbers(() => this.rows());
      return element("div", { className: "foot" }, this.makeOwn(), this.fold,
        element("span", { className: "quiet" }, "checked against the chapter’s code"),
        this.copyLink());
    }

    // --- The state in the page's address.

    address() {
      const { cost, recipe, until, kinds, at, pin } = this.setting;
      return [cost, recipe, until, kinds.join("."), at, pin].join("~");
    }

    restore(state) {
      if (state in EXAMPLES) this.restart(state);
      else this.read(state);
      this.draw();
    }

    /** Take over what `address` wrote, if all of it makes sense. */
    read(state) {
      const [cost, recipe, year, list = "", at, pin] = state.split("~");
      const kinds = KINDS.filter((kind) => list.split(".").includes(kind));
      const until = Number(year);
      const known = cost in COSTS && recipe in RECIPES && until >= 2014 && until <= START.until &&
        this.byName.has(at) && (!pin || this.byName.has(pin));
      if (!known) return;
      this.restart("own");
      Object.assign(this.setting, { cost, recipe, until, kinds, at, pin });
    }

    // --- Drawing.

    /** The networks that the settings leave; those from papers only if `papers`. */
    shown(papers = false) {
      const { cost, recipe, until, kinds } = this.setting;
      return this.networks.filter((each) => each[cost] && each.year <= until &&
        (each.recipe === "paper" ? papers && recipe === "all"
          : kinds.includes(each.kind) && (recipe === "all" || each.recipe === recipe)));
    }

    isFound({ name }) {
      return this.search && plain(name).includes(this.search);
    }

    draw() {
      const { cost, recipe, until, kinds, pin } = this.setting;
      this.choose.set(this.example);
      this.comment.textContent = EXAMPLES[this.example].comment;
      this.cost.set(cost);
      this.recipe.set(recipe);
      this.until.set(until);
      for (const [kind, each] of Object.entries(this.kinds)) {
        each.setAttribute("aria-pressed", kinds.includes(kind));
      }
      this.all = this.shown();
      this.front = front(this.all, cost);
      this.losers = new Set(this.all.filter((each) => beaten(each, this.all, cost) >= 0));
      this.ordered = this.shown(true).sort((a, b) => a[cost] - b[cost]);
      const at = Math.max(0, this.ordered.findIndex(({ key }) => key === this.setting.at));
      this.chosen = this.ordered[at];
      this.pinned = this.byName.get(pin);
      this.walk.node.querySelector("input").max = Math.max(0, this.ordered.length - 1);
      this.walk.set(at);
      this.pin.disabled = !this.chosen;
      this.pin.setAttribute("aria-pressed", Boolean(pin) && pin === this.chosen?.key);
      if (this.shadowRoot.activeElement !== this.finder && !this.search) this.finder.value = "";
      for (const [name, { input, set }] of Object.entries(this.fields)) {
        if (this.shadowRoot.activeElement !== input) {
          set(this.mine[name] && Number(this.mine[name].toPrecision(6)));
        }
      }
      this.account.textContent = this.accounted();
      this.detail.textContent = this.described();
      this.verdict.textContent = this.judged();
      this.drawChart();
      this.fold.fill();
      this.say(`${this.account.textContent} ${this.detail.textContent}`);
    }

    /** The front in a sentence, and how sure it is. */
    accounted() {
      const { all, front: best, losers } = this;
      if (!all.length) return "Nothing is shown: choose kinds, recipes, or a later year.";
      const unsure = best.filter((at, i) => i &&
        all[at].accuracy - all[best[i - 1]].accuracy < margin(all[at], all[best[i - 1]])).length;
      const steps = unsure ? `, ${unsure} of them by a step within two standard deviations` : "";
      return `Of the ${all.length} shown, ${best.length} are on the front by ` +
        `${COSTS[this.setting.cost].name}${steps}. ${losers.size} are clearly dominated, ` +
        `${all.length - losers.size} are not.`;
    }

    /** Where a network stands among those shown. */
    standing(one) {
      const { cost } = this.setting;
      const by = this.all[beaten(one, this.all, cost)];
      if (by) {
        return `clearly dominated: ${by.name} (${SOURCES[by.recipe]}) costs ` +
          `${three(by[cost])} ${COSTS[cost].unit} and is ${points(by.accuracy - one.accuracy)} ` +
          "points better.";
      }
      if (this.front.some((at) => this.all[at] === one)) return "on the front.";
      const better = this.all.some((other) => other[cost] <= one[cost] &&
        other.accuracy > one.accuracy);
      return better ? "below the front, but not clearly." : "above the front.";
    }

    /** The chosen network, alone and beside the one that is pinned. */
    described() {
      const { chosen, pinned } = this;
      if (!chosen) return "";
      const { cost } = this.setting;
      const { name, recipe, year, crop, accuracy } = chosen;
      const seen = crop ? `, ${crop} pixels` : "";
      const said = `${name} (${SOURCES[recipe]}, ${year}${seen}): ${accuracy.toFixed(2)} ± ` +
        `${(2 * deviation(chosen)).toFixed(2)}\u00a0%, ${three(chosen[cost])} ` +
        `${COSTS[cost].unit}; ${this.standing(chosen)}`;
      if (!pinned || pinned === chosen || !pinned[cost]) return said;
      const ahead = accuracy - pinned.accuracy;
      const least = margin(chosen, pinned);
      const sure = Math.abs(ahead) < least ? "it may be chance" : "more than chance";
      return `${said} Beside ${pinned.name} (${SOURCES[pinned.recipe]}): ${points(ahead)} points ` +
        `${ahead < 0 ? "worse" : "better"} (${sure}: two standard deviations are ` +
        `${points(least)}), ${three(chosen[cost] / pinned[cost])} times the ` +
        `${COSTS[cost].unit.replace(/^[MG] /, "")}.`;
    }

    /** The reader's own network as one of the chart, if its cost is known. */
    get own() {
      const { cost } = this.setting;
      const { accuracy, images, parameters } = this.mine;
      const mine = { ...this.mine, file: parameters && 4 * parameters };
      if (!mine[cost]) return null;
      return { ...mine, accuracy: accuracy < 100 ? accuracy : null, images: images || 50000 };
    }

    judged() {
      const { cost } = this.setting;
      const { own } = this;
      if (!own) {
        return `Read a text, or write numbers: what is missing here is its ${COSTS[cost].name}.`;
      }
      if (own.accuracy) {
        return `Yours: ${three(own[cost])} ${COSTS[cost].unit}, ${own.accuracy} ± ` +
          `${(2 * deviation(own)).toFixed(2)}\u00a0%; ${this.standing(own)} (If the accuracy ` +
          "is of ImageNet’s validation images: others cannot be compared.)";
      }
      const within = this.all.filter((each) => each[cost] <= own[cost]);
      const best = within[front(within, cost).pop()];
      return `Yours: ${three(own[cost])} ${COSTS[cost].unit}. ` + (best ? `The best that costs ` +
        `no more is ${best.name}, with ${best.accuracy.toFixed(2)}\u00a0%.`
        : "Nothing that is shown costs so little.");
    }

    drawChart() {
      const { cost } = this.setting;
      const { all, chosen, pinned, own } = this;
      const width = this.chart.clientWidth || 358;
      const wide = width >= 600;
      const height = wide ? CHART.wide : CHART.narrow;
      const { top, right, bottom, left } = CHART;
      const costs = this.networks.map((each) => each[cost]).filter(Boolean);
      const ends = [Math.min(...costs, own?.[cost] ?? Infinity) / 1.3,
        Math.max(...costs, own?.[cost] ?? 0) * 1.3];
      const x = logScale(...ends, left, width - right);
      const lowest = Math.min(54, own?.accuracy ?? 54);
      const y = (accuracy) => top + ((88 - accuracy) / (88 - lowest)) * (height - top - bottom);
      const at = (each) => [x(each[cost]), y(each.accuracy ?? lowest)];
      const parts = [...this.drawAxes(x, y, ends, lowest, width, height)];
      parts.push(...this.drawFront(x, y, width - right));
      const drawn = this.shown(true);
      for (const each of all.filter(({ recipe }) => recipe === "new")) {
        const old = all.find(({ model, recipe }) => model === each.model && recipe === "other");
        if (!old) continue;
        const [from, to] = [at(old), at(each)];
        parts.push(shape("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1],
          class: each.model === chosen?.model ? "pair chosen" : "pair" }));
      }
      for (const each of drawn) parts.push(this.drawDot(each, ...at(each)));
      const ring = (each, kind) => {
        const [cx, cy] = at(each);
        return shape("circle", { class: kind, cx, cy, r: RADIUS + 4 });
      };
      parts.push(...drawn.filter((each) => this.isFound(each)).map((each) => ring(each, "found")));
      if (chosen) parts.push(ring(chosen, "ring"));
      if (pinned && drawn.includes(pinned)) parts.push(ring(pinned, "ring"));
      if (own) parts.push(...this.drawOwn(own, ...at(own), y(88), y(lowest)));
      const best = new Set(this.front.map((place) => all[place]));
      const named = drawn.map((each) => {
        const [px, py] = at(each);
        const needed = each === chosen || each === pinned;
        return { x: px, y: py, radius: needed ? RADIUS + 4 : RADIUS - 1,
          name: needed || (wide && best.has(each)) ? each.name : "", needed };
      });
      if (own) {
        const [px, py] = at(own);
        named.push({ x: px, y: py, radius: 9, name: "yours", needed: true });
      }
      parts.push(...labels(named, width, height - bottom));
      this.chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
      this.chart.style.height = `${height}px`;
      this.chart.setAttribute("aria-label", `Accuracy against ${COSTS[cost].axis}. ${
        this.account.textContent}`);
      this.chart.replaceChildren(...parts);
    }

    *drawAxes(x, y, ends, lowest, width, height) {
      const { left, right, bottom } = CHART;
      for (let accuracy = Math.ceil(lowest / 10) * 10; accuracy < 88; accuracy += 10) {
        yield shape("line", { class: "grid", x1: left, x2: width - right, y1: y(accuracy),
          y2: y(accuracy) });
        yield shape("text", { x: left - 5, y: y(accuracy) + 4, "text-anchor": "end" },
          String(accuracy));
      }
      for (const tick of ticks(...ends)) {
        yield shape("line", { class: "grid", x1: x(tick), x2: x(tick), y1: CHART.top,
          y2: height - bottom });
        yield shape("text", { x: x(tick), y: height - bottom + 16, "text-anchor": "middle" },
          tick.toLocaleString("en-GB"));
      }
      yield shape("text", { x: width - right, y: height - 5, "text-anchor": "end" },
        COSTS[this.setting.cost].axis);
      yield shape("text", { class: "halo", x: left + 4, y: CHART.top + 10 }, "top-1 accuracy, %");
    }

    /** The front as steps, in a band of two standard deviations. */
    drawFront(x, y, end) {
      const steps = this.front.map((at) => this.all[at]);
      if (!steps.length) return [];
      const path = (sign) => steps.map((each, i) => {
        const right = i + 1 < steps.length ? x(steps[i + 1][this.setting.cost]) : end;
        const level = y(each.accuracy + sign * 2 * deviation(each)).toFixed(1);
        return [[x(each[this.setting.cost]).toFixed(1), level], [right.toFixed(1), level]];
      }).flat();
      const band = [...path(1), ...path(-1).reverse()];
      return [
        shape("polygon", { class: "band", points: band.map(String).join(" ") }),
        shape("polyline", { class: "front", points: path(0).map(String).join(" ") }),
      ];
    }

    drawDot(each, px, py) {
      const { key, kind, recipe } = each;
      const faint = this.losers.has(each) && each !== this.chosen ? " faint" : "";
      const r = RADIUS;
      const dot = recipe === "new"
        ? shape("path", { d: `M${px - r} ${py + r - 1}h${2 * r}l${-r} ${-2 * r + 1}z` })
        : shape("circle", { cx: px, cy: py, r: recipe === "paper" ? r - 1 : r });
      dot.setAttribute("class", `dot ${recipe}${faint}`);
      if (kind) dot.style.fill = `var(--${kind})`;
      dot.addEventListener("click", () => this.changed({ at: key }));
      return dot;
    }

    drawOwn(own, px, py, high, low) {
      const line = shape("line", { class: "line", x1: px, x2: px, y1: high, y2: low });
      const bar = 2 * deviation(own);
      const d = `M${px} ${py - 9}l9 9l-9 9l-9 -9z`;
      const scale = (low - high) / (88 - Math.min(54, own.accuracy ?? 54));
      const error = own.accuracy ? [shape("line", { class: "front", x1: px, x2: px,
        y1: py - bar * scale, y2: py + bar * scale })] : [line];
      return [...error, shape("path", { class: "mine", d })];
    }

    /** What is shown, a row for each set of weights, the cheapest first. */
    rows() {
      const head = ["network", "weights", "year", "accuracy, %",
        ...Object.values(COSTS).map(({ unit }) => unit), "stands"];
      return [head, ...this.ordered.map((each) => [each.name, SOURCES[each.recipe], each.year,
        each.accuracy.toFixed(2),
        ...Object.keys(COSTS).map((cost) => (each[cost] ? three(each[cost]) : "–")),
        each.recipe === "paper" ? "–" : this.standing(each).split(":")[0].replace(".", "")])];
    }
  }

  define("price", Price);
})();
