// A digit is moved over its canvas, and two networks that differ in their head read it.
(() => {
  const { Explorable, define, element, paint, shape, unpack } = globalThis.cnnbook;
  const { select, stepper, style } = globalThis.cnnbook.controls;
  const { forward, number, prepare } = globalThis.cnnbook.network;

  const DIGIT = 8; // pixels on a side
  const [FIRST, LAST] = [-8, 7]; // shifts: on 16×16 pixels with a circular border these are all
  const ACROSS = LAST - FIRST + 1;
  const HEADS = { flatten: "Flatten", average: "Average" };
  const TRAINED = { middle: "in the middle", shifts: "moved by up to 2" };
  const SETTINGS = {
    circular: { name: "circular, 16×16", side: 16, wraps: true, pools: true },
    zeros: { name: "zeros, 16×16", side: 16, wraps: false, pools: true },
    far: { name: "zeros, 64×64", side: 64, wraps: false, pools: true },
    unpooled: { name: "circular, no pooling", side: 16, wraps: true, pools: false },
  };
  const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const ROUNDING = 1e-9; // a change of a score that is no more than this is none
  const SCORES = [-28, 16]; // the ends of the bars
  const LEAD = 8; // in full colour
  const EVIDENCE = 24; // divided among all places: what one adds in full colour
  const SLICE = 8; // milliseconds of work in a frame
  const PATIENCE = 100; // milliseconds after which a chart that fills is drawn again

  // ---- A network on another canvas: the same weights, at more places or fewer

  /** The steps for a canvas of some side and border; without pooling, if asked for. */
  function fitted(steps, { side, wraps, pools }) {
    let from = [1, side, side];
    return steps.filter(({ kind }) => pools || kind !== "maximum").map((step) => {
      const made = { ...step, from, wraps: wraps && step.padding?.some(Boolean) };
      if (made.wraps) {
        made.from = from.map((size, axis) => size + 2 * (axis && step.padding[axis - 1]));
        made.padding = [0, 0];
      }
      const sides = made.from.slice(1).map((size, axis) => {
        if (step.kind === "adaptive average") return 1;
        if (!step.stride) return size;
        const room = size + 2 * made.padding[axis] - step.kernel[axis];
        return Math.floor(room / step.stride[axis]) + 1;
      });
      made.shape = from = [step.shape[0], ...sides];
      return made;
    });
  }

  /** Whether what a network reads has the size that its last layer has weights for. */
  const runs = (steps) => steps.at(-1).shape[1] === 1;

  /** Maps, and around them what lies at their other side, as circular padding has it. */
  function wrapped(x, [maps, height, width]) {
    const size = Math.sqrt(x.length / maps);
    const around = (height - size) / 2;
    const y = new Float64Array(maps * height * width);
    const other = (place) => (place - around + size) % size;
    let i = 0;
    for (let map = 0; map < maps; map++) {
      for (let row = 0; row < height; row++) {
        const start = (map * size + other(row)) * size;
        for (let column = 0; column < width; column++) y[i++] = x[start + other(column)];
      }
    }
    return y;
  }

  /** All that the steps compute: first the image, then each step's output. */
  function outputsOf(steps, image) {
    const outputs = [image];
    for (const step of steps) {
      const x = outputs.at(-1);
      const [, y] = forward({ steps: [step] }, step.wraps ? wrapped(x, step.from) : x);
      outputs.push(y);
    }
    return outputs;
  }

  /** What each place of the last maps adds to a class's score: with the bias, all of it. */
  function evidence(steps, outputs, label) {
    const averages = steps.findIndex(({ kind }) => kind === "adaptive average");
    const { weights } = steps.at(-1);
    const before = averages < 0 ? steps.length - 1 : averages;
    const [maps, rows, columns] = steps[before - 1].shape;
    const places = rows * columns;
    const values = outputs[before];
    const found = new Float64Array(places);
    for (let map = 0; map < maps; map++) {
      for (let place = 0; place < places; place++) {
        // The average has one weight for a whole map, divided among its places.
        const weight = averages < 0 ? weights[(label * maps + map) * places + place]
          : weights[label * maps + map] / places;
        found[place] += weight * values[map * places + place];
      }
    }
    return found;
  }

  // ---- A digit on its canvas

  /** A digit moved from the middle; what leaves is gone, or comes in at the other side. */
  function canvasOf(digit, { side, wraps }, { down, right }, paper, ink) {
    const image = new Float64Array(side * side).fill(paper);
    const corner = (side - DIGIT) / 2;
    const placed = (shift, i) => {
      const place = corner + shift + i;
      return wraps ? (place + side) % side : place;
    };
    digit.forEach((share, i) => {
      const row = placed(down, Math.floor(i / DIGIT));
      const column = placed(right, i % DIGIT);
      const inside = Math.min(row, column) >= 0 && Math.max(row, column) < side;
      if (inside) image[row * side + column] = paper + ink * share;
    });
    return image;
  }

  const shiftOf = (i) => ({ down: Math.floor(i / ACROSS) + FIRST, right: (i % ACROSS) + FIRST });
  const placeOf = ({ down, right }) => (down - FIRST) * ACROSS + right - FIRST;
  const bounded = (shift) => Math.max(FIRST, Math.min(LAST, shift));
  const best = (scores) => scores.indexOf(Math.max(...scores));
  const lead = (scores, label) =>
    scores[label] - Math.max(...scores.filter((_, other) => other !== label));
  const change = (one, two) => Math.max(...one.map((score, i) => Math.abs(score - two[i])));
  const article = (digit) => (digit === 8 ? "an 8" : `a ${digit}`);

  class Move extends Explorable {
    // For the parity test.
    static compute = {
      /** The scores of a packed network for a digit, moved, and what the places add. */
      read(chain, setting, digit, shift, paper, ink, label) {
        const steps = fitted(prepare(chain).steps, SETTINGS[setting]);
        const outputs = outputsOf(steps, canvasOf(digit, SETTINGS[setting], shift, paper, ink));
        return { scores: [...outputs.at(-1)], evidence: [...evidence(steps, outputs, label)] };
      },
    };

    static style = `${style}
      :host { --flatten: #cc79a7; --average: #009e73; }
      :host([dark]) { --flatten: #e0a0c4; --average: #2cc69a; }
      .comment { --lines: 4; }
      .evidence, .shifts { display: grid; gap: 4px; grid-auto-rows: min-content; }
      .settings { display: grid; gap: 8px; }
      .settings .choose { grid-template-columns: 5.5em 1fr; }
      .all { display: grid; gap: 14px 12px; grid-template-columns: 1fr 1fr; margin: 0 auto;
        max-width: 376px; width: 100%; }
      .digit, .note { grid-column: 1 / 3; }
      .digit { align-items: center; display: grid; gap: 8px 12px;
        grid-template-columns: 1fr 130px; }
      .steppers { display: grid; gap: 8px; }
      .digit .quiet { grid-column: 1 / 3; }
      .note b { color: var(--text); display: block; font-size: 15px; }
      .canvas, .map, .chart { border: 1px solid var(--line); position: relative; }
      .canvas { cursor: grab; touch-action: none; user-select: none; }
      .canvas:active { cursor: grabbing; }
      .windows { background-image: linear-gradient(to right, var(--line) 1px, transparent 1px),
        linear-gradient(to bottom, var(--line) 1px, transparent 1px); inset: 0; opacity: .55;
        pointer-events: none; position: absolute; }
      .over { inset: 0; opacity: .62; position: absolute; }
      .flatten { --own: var(--flatten); }
      .average { --own: var(--average); }
      .head { border-top: 4px solid var(--own); display: grid; gap: 6px;
        grid-auto-rows: min-content; padding-top: 4px; }
      .head .quiet, .shifts .quiet { min-height: 4.35em; }
      .verdict { font-size: 14px; font-weight: 600; white-space: nowrap; }
      .right { color: var(--good); } .wrong { color: var(--bad); }
      .score { align-items: center; display: grid; font-size: 13px; gap: 6px; height: 16px;
        grid-template-columns: 1ch 1fr; line-height: 16px; }
      .score.best { font-weight: 700; }
      .track { background: var(--raised); height: 11px; position: relative; }
      .bar, .tick, .zero { bottom: 0; position: absolute; top: 0; }
      .bar { background: var(--own); }
      .tick { background: var(--text); bottom: -2px; top: -2px; width: 2px; margin-left: -1px; }
      .zero { background: var(--line); width: 1px; }
      .chart { cursor: pointer; }
      .chart svg { display: block; inset: 0; overflow: visible; pointer-events: none;
        position: absolute; }
      .dot { fill: var(--text); stroke: var(--surface); stroke-width: .08; }
      .here { fill: none; stroke: var(--text); stroke-width: .2; }
      .halo { fill: none; stroke: var(--surface); stroke-width: .5; }
      .idle .bar, .idle .tick, .idle canvas, .idle svg { visibility: hidden; }
      .idle .map, .idle .chart { background: var(--raised); }
      @container (min-width: 600px) {
        .comment { --lines: 2; }
        .head .quiet, .shifts .quiet { min-height: 2.9em; }
        .verdict { font-size: 15px; }
        .score { height: 22px; }
        .track { height: 15px; }
        .settings { gap: 12px; grid-template-columns: .6fr 1.2fr 1.2fr; }
        .settings .choose { gap: 8px; grid-template-columns: auto 1fr; }
        .all { gap: 20px; grid-template-columns: repeat(3, 1fr); max-width: 720px; }
        .digit, .note, .digit .quiet { grid-column: auto; }
        .digit { align-content: start; grid-template-columns: 1fr; }
        .steppers { grid-template-columns: 1fr 1fr; }
      }
    `;

    start({ networks, digits, examples, paper, ink }) {
      Object.assign(this, { examples, paper, ink });
      const shares = unpack(digits);
      this.digits = Array.from({ length: 10 },
        (_, label) => shares.subarray(label * DIGIT ** 2, (label + 1) * DIGIT ** 2));
      this.chains = Object.fromEntries(Object.entries(networks).map(
        ([name, chain]) => [name, prepare(chain).steps]));
      this.known = {};
      this.heads = Object.fromEntries(
        Object.keys(HEADS).map((head) => [head, this.makeHead(head)]));
      this.restart(Object.keys(examples)[0]);
      this.live.append(this.makeChoice(), this.makeSettings(),
        element("div", { className: "all numbers" }, this.makeDigit(), ...this.parts("head"),
          this.makeNote("map"), ...this.parts("map"),
          this.makeNote("shifts"), ...this.parts("shifts")),
        this.makeFoot());
      this.draw();
    }

    /** Take over all that an example sets. */
    restart(name) {
      const { name: _, comment: __, ...state } = this.examples[name];
      Object.assign(this, state, { example: name });
    }

    /** Go on with what the reader has changed. */
    changed(changes) {
      Object.assign(this, changes, { example: "own" });
      this.redraw();
      this.share(this.address());
    }

    /** Move the digit by so many pixels from the middle. */
    move({ down, right }) {
      this.changed({ down: bounded(down), right: bounded(right) });
    }

    // ---- The parts of the page

    makeChoice() {
      const own = { own: { name: "your own" } };
      this.choose = select("Example", { ...this.examples, ...own }, (name) => {
        if (name !== "own") this.restart(name);
        this.redraw();
        this.share(this.address());
      });
      this.choose.node.classList.add("controls");
      this.comment = element("p", { className: "lines comment" });
      return element("div", {}, this.choose.node, this.comment);
    }

    makeSettings() {
      const labels = Object.fromEntries(this.digits.map((_, label) => [label, String(label)]));
      this.selects = {
        digit: select("Digit", labels, (digit) => this.changed({ digit: Number(digit) })),
        trained: select("Trained", TRAINED, (trained) => this.changed({ trained })),
        setting: select("Border", SETTINGS, (setting) => this.changed({ setting })),
      };
      return element("div", { className: "settings controls" },
        ...Object.values(this.selects).map(({ node }) => node));
    }

    makeDigit() {
      this.picture = element("canvas", { "aria-hidden": "true" });
      this.windows = element("div", { className: "windows" });
      this.canvas = element("div", { className: "canvas", tabIndex: 0, role: "application",
        "aria-label": "Canvas with a digit: drag it, or move it with the arrow keys" },
        this.picture, this.windows);
      this.listenToDrags();
      const limits = { min: FIRST, max: LAST };
      this.steppers = Object.fromEntries(["right", "down"].map((way) => [way,
        stepper({ label: way, ...limits }, (shift) => this.changed({ [way]: shift }))]));
      this.legend = element("p", { className: "quiet" });
      return element("div", { className: "digit" }, this.canvas,
        element("div", { className: "steppers controls" },
          ...Object.values(this.steppers).map(({ node }) => node)),
        this.legend);
    }

    listenToDrags() {
      const { canvas } = this;
      let held = null;
      canvas.onpointerdown = (event) => {
        held = { x: event.clientX, y: event.clientY, down: this.down, right: this.right };
        canvas.setPointerCapture(event.pointerId);
      };
      canvas.onpointermove = (event) => {
        if (!held) return;
        const pixel = canvas.getBoundingClientRect().width / SETTINGS[this.setting].side;
        const moved = (from, to) => Math.round((to - from) / pixel);
        this.move({ down: held.down + moved(held.y, event.clientY),
          right: held.right + moved(held.x, event.clientX) });
      };
      canvas.onpointerup = canvas.onpointercancel = () => (held = null);
      canvas.onkeydown = (event) => {
        if (!STEPS[event.key]) return;
        const [down, right] = STEPS[event.key];
        this.move({ down: this.down + down, right: this.right + right });
        event.preventDefault();
      };
    }

    /** What stands beside the maps or the charts, or above them: a title, and how to read them. */
    makeNote(name) {
      this.notes ??= {};
      const [title, words] = [element("b"), element("span")];
      this.notes[name] = (...texts) => {
        [title.textContent, words.textContent] = texts;
      };
      return element("p", { className: "quiet note" }, title, words);
    }

    /** A part of both heads, which stand side by side. */
    parts(name) {
      return Object.values(this.heads).map(({ nodes }) => nodes[name]);
    }

    /** What a head says: its verdict and scores, its evidence, and the chart of all shifts. */
    makeHead(name) {
      const text = (className) => element("p", { className });
      const head = { verdict: text("verdict"), change: text("quiet"), count: text("quiet"),
        below: element("canvas"), over: element("canvas", { className: "over" }),
        leads: element("canvas"), marks: shape("svg", { viewBox: `0 0 ${ACROSS} ${ACROSS}` }) };
      const zero = element("div", { className: "zero" });
      zero.style.left = across(0);
      head.scores = Array.from({ length: 10 }, (_, label) => {
        const bar = element("div", { className: "bar" });
        const tick = element("div", { className: "tick" });
        const row = element("div", { className: "score" }, element("span", {}, String(label)),
          element("div", { className: "track" }, zero.cloneNode(), bar, tick));
        return { row, bar, tick };
      });
      const chart = element("div", { className: "chart", "aria-hidden": "true" },
        head.leads, head.marks);
      chart.onclick = ({ clientX, clientY }) => {
        const box = chart.getBoundingClientRect();
        const shift = (part) => Math.floor(part * ACROSS) + FIRST;
        this.move({ down: shift((clientY - box.top) / box.height),
          right: shift((clientX - box.left) / box.width) });
      };
      const part = (kind, ...children) =>
        element("div", { className: `${kind} ${name}` }, ...children);
      head.nodes = {
        head: part("head", head.verdict, head.change,
          element("div", { "aria-hidden": "true" }, ...head.scores.map(({ row }) => row))),
        map: part("evidence", element("div", { className: "map", "aria-hidden": "true" },
          head.below, head.over)),
        shifts: part("shifts", chart, head.count),
      };
      return head;
    }

    makeFoot() {
      this.fold = this.numbers(() => this.rows());
      return element("div", { className: "foot" }, this.fold,
        element("span", { className: "quiet" }, "checked against PyTorch"), this.copyLink());
    }

    // ---- The state in the page's address

    address() {
      const { digit, trained, setting, down, right } = this;
      return [digit, trained, setting, down, right].join("_");
    }

    restore(state) {
      if (state in this.examples) this.restart(state);
      else {
        const [digit, trained, setting, ...shift] = state.split("_");
        const [down, right] = shift.map((each) => bounded(Math.trunc(Number(each)) || 0));
        const known = digit in this.digits && trained in TRAINED && setting in SETTINGS;
        if (!known || shift.length !== 2) return;
        Object.assign(this, { digit: Number(digit), trained, setting, down, right });
        this.example = "own";
      }
      this.draw();
    }

    // ---- What is computed

    canvasAt(shift) {
      const { digits, digit, setting, paper, ink } = this;
      return canvasOf(digits[digit], SETTINGS[setting], shift, paper, ink);
    }

    /** A head's network in this setting, and its scores at the shifts where they are known. */
    network(head) {
      const { trained, setting, digit } = this;
      const name = [head, trained, setting, digit].join(" ");
      return (this.known[name] ??= {
        steps: fitted(this.chains[`${trained}.${head}`], SETTINGS[setting]),
        scores: Array(ACROSS * ACROSS),
      });
    }

    scoresAt(head, shift) {
      const { steps, scores } = this.network(head);
      return (scores[placeOf(shift)] ??= outputsOf(steps, this.canvasAt(shift)).at(-1));
    }

    /** Compute the scores at all shifts, a slice in each frame: the charts fill. */
    *work() {
      const both = Object.keys(HEADS).filter((head) => runs(this.network(head).steps));
      for (let place = 0; place < ACROSS * ACROSS; place++) {
        for (const head of both) {
          if (this.network(head).scores[place]) continue;
          this.scoresAt(head, shiftOf(place));
          yield;
        }
      }
    }

    doSlice() {
      const until = performance.now() + SLICE;
      while (this.pending && performance.now() < until) {
        if (this.pending.next().done) this.pending = null;
      }
      if (!this.pending || performance.now() - this.drawn > PATIENCE) {
        for (const head of Object.keys(HEADS)) this.drawChart(head);
        this.drawn = performance.now();
      }
      this.slice = this.pending ? requestAnimationFrame(() => this.doSlice()) : undefined;
    }

    // ---- Drawing: the digit here at once, the charts as they are computed

    draw() {
      const { digit, colours } = this;
      const { side, wraps, pools } = SETTINGS[this.setting];
      this.choose.set(this.example);
      this.comment.textContent = this.examples[this.example]?.comment ?? "";
      for (const [name, { set }] of Object.entries(this.selects)) set(this[name]);
      for (const [way, { set }] of Object.entries(this.steppers)) set(this[way]);
      const inked = this.canvasAt(this).map((grey) => (grey - this.paper) / this.ink);
      const drawing = { columns: side, limit: 1, colours, ink: true };
      paint(this.picture, inked, drawing);
      this.windows.style.backgroundSize = `${400 / side}% ${400 / side}%`;
      this.windows.hidden = !pools;
      this.legend.textContent = "Drag the digit, or use the arrow keys." +
        (pools ? " A square is a window of 4 pixels, the total stride." : "");
      this.notes.map(`What each place adds to the ${digit}`, "Red adds to its score, blue takes " +
        "away; with the bias this is all of it. For the average it is the class map, divided by " +
        "the number of places.");
      this.notes.shifts("All 256 shifts", "A cell is a shift, from 8 pixels up and to the left " +
        `to 7 down and to the right. Red: the ${digit} leads, and is read. Blue: another digit ` +
        "leads. Dot: exact, all ten scores as in the middle. Frame: here. A click moves the " +
        "digit.");
      for (const head of Object.keys(HEADS)) {
        paint(this.heads[head].below, inked, drawing);
        this.drawHead(head);
      }
      this.pending = this.work();
      this.drawn = 0;
      this.slice ??= requestAnimationFrame(() => this.doSlice());
      this.fold.fill();
      this.say(Object.values(this.heads).map(({ verdict, change: words }) =>
        `${verdict.textContent}: ${words.textContent}`).join(" "));
    }

    drawHead(name) {
      const head = this.heads[name];
      const { steps } = this.network(name);
      const able = runs(steps);
      for (const node of Object.values(head.nodes)) node.classList.toggle("idle", !able);
      if (!able) {
        const [, places] = steps.at(-1).from;
        head.verdict.textContent = `${HEADS[name]} cannot run`;
        head.verdict.className = "verdict";
        head.change.textContent = `It has weights for 4×4 places; here are ${places}×${places}.`;
        head.count.textContent = "";
        return;
      }
      const outputs = outputsOf(steps, this.canvasAt(this));
      const scores = outputs.at(-1);
      const middle = this.scoresAt(name, { down: 0, right: 0 });
      const read = best(scores);
      const isRight = read === this.digit;
      head.verdict.textContent = `${HEADS[name]} reads ${article(read)} ${isRight ? "✓" : "✗"}`;
      head.verdict.className = `verdict ${isRight ? "right" : "wrong"}`;
      head.change.textContent = this.changeWords(change(scores, middle));
      head.scores.forEach(({ row, bar, tick }, label) => {
        const ends = [0, scores[label]].sort((a, b) => a - b);
        row.classList.toggle("best", label === read);
        bar.style.left = across(ends[0]);
        bar.style.width = `calc(${across(ends[1])} - ${across(ends[0])})`;
        tick.style.left = across(middle[label]);
      });
      const places = evidence(steps, outputs, this.digit);
      paint(head.over, places, { columns: Math.sqrt(places.length), colours: this.colours,
        limit: EVIDENCE / places.length });
    }

    changeWords(most) {
      if (!this.down && !this.right) return "The ticks are the scores here, in the middle.";
      return most < ROUNDING ? "All ten are exactly at their ticks, the scores in the middle."
        : `Up to ${number(most, 1)} away from the ticks, the scores in the middle.`;
    }

    /** The lead of the true digit at each shift that is known, and where nothing changed. */
    drawChart(name) {
      const head = this.heads[name];
      const { steps, scores } = this.network(name);
      if (!runs(steps)) return;
      const middle = this.scoresAt(name, { down: 0, right: 0 });
      const leads = Float64Array.from(scores, (each) => (each ? lead(each, this.digit) : 0));
      paint(head.leads, leads, { columns: ACROSS, limit: LEAD, colours: this.colours });
      const same = [...scores.keys()].filter(
        (place) => scores[place] && change(scores[place], middle) < ROUNDING);
      const at = (place, more) => {
        const { down, right } = shiftOf(place);
        return { cx: right - FIRST + 0.5, cy: down - FIRST + 0.5, ...more };
      };
      const frame = { x: this.right - FIRST, y: this.down - FIRST, width: 1, height: 1 };
      head.marks.replaceChildren(
        ...same.map((place) => shape("circle", at(place, { class: "dot", r: 0.24 }))),
        shape("rect", { class: "halo", ...frame }), shape("rect", { class: "here", ...frame }));
      const read = leads.filter((each) => each > 0).length;
      head.count.textContent = this.pending ? "Computing …"
        : `Reads the ${this.digit} at ${read} shifts; exact at ${same.length}.`;
    }

    rows() {
      const found = Object.keys(HEADS).filter((head) => runs(this.network(head).steps));
      const columns = found.flatMap((head) => [
        [`${head}, here`, this.scoresAt(head, this)],
        [`${head}, middle`, this.scoresAt(head, { down: 0, right: 0 })]]);
      return [["score of", ...columns.map(([name]) => name)],
        ...this.digits.map((_, label) =>
          [label, ...columns.map(([, scores]) => number(scores[label], 3))])];
    }
  }

  /** Where a score lies on its bar. */
  function across(score) {
    const [low, high] = SCORES;
    return `${100 * Math.max(0, Math.min(1, (score - low) / (high - low)))}%`;
  }

  define("move", Move);
})();
