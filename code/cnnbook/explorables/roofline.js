// How long layers and networks must take at least, and whether they wait for memory.
(() => {
  const { Explorable, choice, define, element, shape, slider } = globalThis.cnnbook;
  const { counted, select, stepper, style } = globalThis.cnnbook.controls;
  const { field, labels, logScale, ownNetwork, style: chartStyle, ticks } =
    globalThis.cnnbook.scatter;

  const GROUPS = { layers: "six layers", networks: "ten networks" };
  const BYTES = 4; // of a number
  const BATCH = { label: "batch", min: 1, max: 1024,
    next: (value, way) => (way > 0 ? 2 * value : Math.floor(value / 2)) };

  // --- What is computed. A row is how many layers are alike, and of each the MACs, the
  // --- numbers that it reads and writes for an image, and the parameters, which a batch shares.

  /** The least time of layers one after the other, and what of it they wait for. */
  function least(rows, batch, { rate, bandwidth }) {
    const sum = { seconds: 0, macs: 0, bytes: 0, layers: 0, waiting: 0 };
    for (const [count, macs, moved, parameters] of rows) {
      const bytes = BYTES * (batch * moved + parameters);
      const [busy, wait] = [(batch * macs) / rate, bytes / bandwidth];
      sum.seconds += count * Math.max(busy, wait);
      sum.macs += count * batch * macs;
      sum.bytes += count * bytes;
      sum.layers += count;
      if (wait > busy) sum.waiting += count;
    }
    return { ...sum, intensity: sum.macs / sum.bytes, reached: sum.macs / sum.seconds };
  }

  // --- Examples, each with what there is to see.

  const START = { device: "cpu", group: "layers", batch: 1, at: "fully connected" };
  const EXAMPLES = {
    layers: {
      name: "Six layers with the same MACs",
      comment: "Filled: as recorded. Hollow: what the roof allows. The fully connected layer " +
        "is held by the slope, the depthwise one lies far below it.",
    },
    batch: {
      name: "The same with a batch of 32", batch: 32,
      comment: "The fully connected layer moves far to the right, and so does the one on 7×7 " +
        "pixels: their weights are moved once for all images.",
    },
    h100: {
      name: "The same on an H100", device: "h100",
      comment: "Now all six lie on the slope: a GPU that multiplies so fast waits for memory " +
        "even with dense convolutions, one image at a time.",
    },
    networks: {
      name: "Ten whole networks", group: "networks", at: "MobileNetV2",
      comment: "At 224×224 pixels. Each is bounded layer by layer: where some layers wait " +
        "while others multiply, even its best lies below the roof.",
    },
    loaded: {
      name: "Ten networks, an H100 and a batch of 256", group: "networks", device: "h100",
      batch: 256, at: "ResNet-50",
      comment: "Batches help AlexNet most. Of ResNet-50 most layers still wait for memory: its " +
        "many maps are read and written for each image.",
    },
    own: { name: "Your own setting", comment: "Choose an example to begin again." },
  };

  // --- How it is written and drawn.

  const three = (value) => Number(value.toPrecision(3)).toLocaleString("en-GB");
  function time(seconds) {
    const [size, unit] = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]].find(
      ([each]) => seconds >= each) ?? [1e-9, "ns"];
    return `${three(seconds / size)} ${unit}`;
  }
  const CHART = { top: 8, right: 20, bottom: 38, left: 44, narrow: 320, wide: 330 };
  const SPAN = { from: 0.1, to: 1000 };

  class Roofline extends Explorable {
    static compute = { least };
    static examples = EXAMPLES;
    static style = `${style}${chartStyle}
      .settings { align-items: end; display: grid; gap: 10px; grid-template-columns: 1fr 1fr; }
      .settings > :first-child, .settings > :last-child { grid-column: 1 / 3; }
      .roof { fill: none; stroke: var(--text); stroke-width: 2; }
      .other { stroke: var(--line); stroke-dasharray: 4 3; }
      .under { fill: var(--accent); opacity: 0.08; }
      .reached { cursor: pointer; fill: var(--accent); stroke: var(--surface); }
      .bound { cursor: pointer; fill: var(--surface); stroke: var(--accent); stroke-width: 1.6; }
      .gap { stroke: var(--accent); stroke-opacity: 0.5; }
      .ring { fill: none; stroke: var(--text); stroke-width: 2; }
      .mine { fill: var(--text); stroke: var(--surface); stroke-width: 1.5; }
      .detail { --lines: 6; }
      .keys { --lines: 2; }
      @container (min-width: 600px) {
        .settings { grid-template-columns: 5fr 3fr 3fr 3fr; }
        .settings > :first-child, .settings > :last-child { grid-column: auto; }
        .detail { --lines: 4; }
        .keys { --lines: 1; }
        .which { align-items: end; gap: 20px; grid-template-columns: 1fr 1fr; }
      }
    `;

    start({ devices, items, first = "layers" }) {
      this.devices = { ...devices,
        own: { ...devices.cpu, name: "your own device", recorded: false } };
      this.items = items;
      this.mine = null;
      this.restart(first);
      this.live.append(this.makeChoice(), this.makeSettings(), this.makeChart(), this.makeFoot());
      this.place = new ResizeObserver(() => this.redraw());
      this.place.observe(this.live);
      this.draw();
    }

    restart(name) {
      const { name: title, comment, ...changes } = EXAMPLES[name];
      Object.assign(this, { example: name, setting: { ...START, ...changes } });
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
      this.device = select("Device", this.devices, (device) => this.changed({ device }),
        { bare: true });
      const limit = (name, label, size) => {
        const made = field(label, (value) => {
          // Whoever writes a number speaks of a device of his own.
          const { rate, bandwidth } = this.devices[this.setting.device];
          Object.assign(this.devices.own, { rate, bandwidth });
          if (value) this.devices.own[name] = value * size;
          this.changed({ device: "own" });
        });
        return { ...made, show: () => {
          const value = this.devices[this.setting.device][name] / size;
          if (this.shadowRoot.activeElement !== made.input) made.set(Number(value.toPrecision(4)));
        } };
      };
      this.limits = [limit("rate", "G MACs per second", 1e9),
        limit("bandwidth", "GB per second", 1e9)];
      this.batch = stepper(BATCH, (batch) => this.changed({ batch }));
      this.groups = choice("What is shown", GROUPS, "layers", (group) =>
        this.changed({ group, at: this.items.find((each) => each.group === group).name }));
      this.groups.node.classList.add("parts");
      this.walk = slider({ label: "point", min: 0, max: 1, value: 0,
        words: (at) => this.shown?.[at]?.name ?? "",
        oninput: (at) => this.changed({ at: this.shown[at].name }) });
      return element("div", { className: "controls form" },
        element("div", { className: "settings" }, this.device.node,
          ...this.limits.map(({ node }) => node), this.batch.node),
        element("div", { className: "form which" }, this.groups.node, this.walk.node));
    }

    makeChart() {
      this.chart = shape("svg", { class: "chart", role: "img" });
      this.detail = element("p", { className: "lines detail numbers" });
      return element("div", { className: "form" }, this.chart,
        element("p", { className: "lines keys quiet" }, "Filled: recorded. Hollow: the most " +
          "that the roof allows. Dashed: the roofs of the other devices."), this.detail);
    }

    makeOwn() {
      return ownNetwork((layers) => {
        const rows = layers.filter(({ macs }) => macs).map(({ macs, moved, parameters }) =>
          [1, macs, moved, parameters]);
        this.mine = rows.length ? { name: "yours", rows, recorded: {} } : null;
        this.changed(this.mine ? { at: "yours" } : {});
      });
    }

    makeFoot() {
      this.fold = this.numbers(() => this.rows());
      return element("div", { className: "foot" }, this.makeOwn(), this.fold,
        element("span", { className: "quiet" }, "checked against the chapter’s code"),
        this.copyLink());
    }

    // --- The state in the page's address.

    address() {
      const { device, group, batch, at } = this.setting;
      const { rate, bandwidth } = this.devices.own;
      return [device, group, batch, this.items.findIndex(({ name }) => name === at),
        ...(device === "own" ? [rate, bandwidth] : [])].join("~");
    }

    restore(state) {
      if (state in EXAMPLES) this.restart(state);
      else this.read(state);
      this.draw();
    }

    /** Take over what `address` wrote, if all of it makes sense. */
    read(state) {
      const [device, group, batch, at, ...limits] = state.split("~");
      const size = Number(batch);
      const known = device in this.devices && group in GROUPS && Number.isInteger(size) &&
        size >= BATCH.min && size <= BATCH.max && limits.every((limit) => Number(limit) > 0);
      if (!known) return;
      this.restart("own");
      if (limits.length === 2) {
        [this.devices.own.rate, this.devices.own.bandwidth] = limits.map(Number);
      }
      const { name } = this.items[at] ?? this.items.find((each) => each.group === group);
      Object.assign(this.setting, { device, group, batch: size, at: name });
    }

    // --- Drawing.

    draw() {
      const { device, group, batch, at } = this.setting;
      this.choose.set(this.example);
      this.comment.textContent = EXAMPLES[this.example].comment;
      this.device.set(device);
      this.limits.forEach(({ show }) => show());
      this.batch.set(batch);
      this.groups.set(group);
      const machine = this.devices[device];
      this.shown = [...this.items.filter((each) => each.group === group),
        ...(this.mine ? [this.mine] : [])].map((each) => {
        const bound = least(each.rows, batch, machine);
        const seconds = machine.recorded && each.recorded[batch];
        return { ...each, ...bound, took: seconds, rate: seconds && bound.macs / seconds };
      }).sort((a, b) => a.intensity - b.intensity);
      const place = Math.max(0, this.shown.findIndex(({ name }) => name === at));
      this.chosen = this.shown[place];
      this.walk.node.querySelector("input").max = this.shown.length - 1;
      this.walk.set(place);
      this.detail.textContent = this.described();
      this.drawChart();
      this.fold.fill();
      this.say(this.detail.textContent);
    }

    /** Which roof binds the chosen one, its least time, and what it took. */
    described() {
      const { name, macs, bytes, intensity, seconds, layers, waiting, took } = this.chosen;
      const { batch, device } = this.setting;
      const { rate, bandwidth } = this.devices[device];
      const balance = rate / bandwidth;
      const side = intensity < balance ? "left of the balance" : "right of the balance";
      const whole = layers === 1 ? (waiting ? "it waits for memory" : "it waits for arithmetic")
        : `${waiting} of its ${layers} layers wait for memory`;
      const each = batch > 1 ? `, ${time(seconds / batch)} per image` : "";
      const found = took ? ` Recorded: ${time(took)}, ${three(took / seconds)} times that.` : "";
      const what = name[0].toUpperCase() + name.slice(1);
      return `${what}, batch of ${batch}: ${counted(macs)} MACs and ${three(bytes / 1e6)} MB, ` +
        `${three(intensity)} MACs per byte (${three(2 * intensity)} FLOPs), ${side} of ` +
        `${three(balance)}; ${whole}. The MACs alone take ${time(macs / rate)}, the bytes alone ` +
        `${time(bytes / bandwidth)}: at least ${time(seconds)}${each}.${found}`;
    }

    drawChart() {
      const machine = this.devices[this.setting.device];
      const width = this.chart.clientWidth || 358;
      const wide = width >= 600;
      const height = wide ? CHART.wide : CHART.narrow;
      const { top, right, bottom, left } = CHART;
      const slowest = Math.min(...this.shown.map(({ rate, reached }) => rate || reached));
      const span = [Math.min(SPAN.from, this.shown[0].intensity / 1.5), SPAN.to];
      const reach = [Math.min(slowest / 2, span[0] * machine.bandwidth), machine.rate * 3];
      const x = logScale(...span, left, width - right);
      const y = logScale(...reach, height - bottom, top);
      const parts = [...this.drawAxes(x, y, span, reach, width, height)];
      parts.push(...this.drawRoofs(x, y, span, reach, height - bottom));
      const marks = this.shown.flatMap((each) => this.drawPoint(each, x, y));
      parts.push(...marks);
      const named = this.shown.flatMap((each) => {
        const spot = (rate, name) => ({ x: x(each.intensity), y: y(rate), radius: 5, name,
          needed: each === this.chosen });
        return each.rate ? [spot(each.rate, each.name), spot(each.reached, "")]
          : [spot(each.reached, each.name)];
      });
      parts.push(...labels(named, width, height - bottom));
      this.chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
      this.chart.style.height = `${height}px`;
      this.chart.setAttribute("aria-label",
        `Rate against operational intensity, under a roof. ${this.detail.textContent}`);
      this.chart.replaceChildren(...parts);
    }

    *drawAxes(x, y, span, reach, width, height) {
      const { left, right, top, bottom } = CHART;
      const letters = (rate) => counted(rate).replace(".00", "");
      for (const tick of ticks(...reach)) {
        yield shape("line", { class: "grid", x1: left, x2: width - right, y1: y(tick),
          y2: y(tick) });
        yield shape("text", { x: left - 5, y: y(tick) + 4, "text-anchor": "end" },
          letters(tick).replace(/\.\d+/, ""));
      }
      for (const tick of ticks(...span)) {
        yield shape("line", { class: "grid", x1: x(tick), x2: x(tick), y1: top,
          y2: height - bottom });
        yield shape("text", { x: x(tick), y: height - bottom + 16, "text-anchor": "middle" },
          tick.toLocaleString("en-GB"));
      }
      yield shape("text", { x: width - right, y: height - 5, "text-anchor": "end" },
        "operational intensity, MACs per byte");
      yield shape("text", { class: "halo", x: left + 4, y: top + 10 }, "MACs per second");
    }

    *drawRoofs(x, y, [from, to], [low, high], base) {
      const line = ({ rate, bandwidth }) => {
        const start = Math.max(from, low / bandwidth);
        const turn = rate / bandwidth;
        const end = Math.min(to, rate > high ? high / bandwidth : to);
        const level = (intensity) => y(Math.min(rate, intensity * bandwidth));
        return [start, turn, end].filter((each) => each >= start && each <= end)
          .map((each) => `${x(each)},${level(each)}`);
      };
      for (const [name, device] of Object.entries(this.devices)) {
        if (name === this.setting.device || name === "own") continue;
        if (low < device.rate && from * device.bandwidth < high) {
          yield shape("polyline", { class: "roof other", points: line(device).join(" ") });
        }
      }
      const chosen = this.devices[this.setting.device];
      const points = line(chosen);
      const ends = [`${x(to)},${base}`, `${x(Math.max(from, low / chosen.bandwidth))},${base}`];
      yield shape("polygon", { class: "under", points: [...points, ...ends].join(" ") });
      yield shape("polyline", { class: "roof", points: points.join(" ") });
      const balance = chosen.rate / chosen.bandwidth;
      if (balance > from && balance < to) {
        yield shape("line", { class: "other", x1: x(balance), x2: x(balance), y1: y(chosen.rate),
          y2: base });
        yield shape("text", { class: "halo", x: x(balance) + 4, y: base - 6 },
          `balance ${three(balance)}`);
      }
    }

    drawPoint(each, x, y) {
      const px = x(each.intensity);
      const choose = (mark) => {
        mark.addEventListener("click", () => this.changed({ at: each.name }));
        return mark;
      };
      const parts = [];
      if (each.rate) {
        parts.push(shape("line", { class: "gap", x1: px, x2: px, y1: y(each.rate),
          y2: y(each.reached) }));
      }
      const bound = y(each.reached);
      parts.push(each === this.shown.find(({ name }) => name === "yours") && this.mine
        ? choose(shape("path", { class: "mine", d: `M${px} ${bound - 9}l9 9l-9 9l-9 -9z` }))
        : choose(shape("circle", { class: "bound", cx: px, cy: bound, r: 4.5 })));
      if (each.rate) {
        parts.push(choose(shape("circle", { class: "reached", cx: px, cy: y(each.rate), r: 5.5 })));
      }
      if (each === this.chosen) {
        parts.push(shape("circle", { class: "ring", cx: px, cy: y(each.rate || each.reached),
          r: 10 }));
      }
      return parts;
    }

    /** All that is shown, a row for each. */
    rows() {
      const head = ["what", "MACs", "MB", "MACs per byte", "at least", "recorded"];
      return [head, ...this.shown.map(({ name, macs, bytes, intensity, seconds, took }) => [name,
        counted(macs), three(bytes / 1e6), three(intensity), time(seconds),
        took ? time(took) : "–"])];
    }
  }

  define("roofline", Roofline);
})();
