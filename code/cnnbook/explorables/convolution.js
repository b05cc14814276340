// A desk for one convolution, or one pooling: every number on it can be changed.
(() => {
  const { Explorable, button, choice, define, element, slider } = globalThis.cnnbook;
  const { select, stepper, style } = globalThis.cnnbook.controls;

  // What the page keeps: more input, more kernel than is shown, so that no change of size
  // loses a number.
  const INPUT_SIDE = 8;
  const KERNEL_SIDE = 5;
  const SIZES = {
    n: { label: "input n", min: 1, max: INPUT_SIDE },
    k: { label: "kernel k", min: 1, max: KERNEL_SIDE },
    p: { label: "padding p", min: 0, max: 2 },
    s: { label: "stride s", min: 1, max: 4 },
    d: { label: "dilation d", min: 1, max: 3 },
    channels: { label: "channels", min: 1, max: 2 },
  };
  const LARGEST_NUMBER = 99;
  const MODES = { convolution: "convolution", max: "maximum", average: "average" };

  // --- What is computed. A setting holds mode, n, k, p, s, d, flip, and for each channel
  // --- `input` (n·n numbers) and `kernel` (k·k), row by row.

  const span = ({ k, d }) => d * (k - 1) + 1;

  /** How many windows stand side by side; none, if not even the first one fits. */
  const outputSize = (setting) =>
    Math.max(0, Math.floor((setting.n + 2 * setting.p - span(setting)) / setting.s) + 1);

  /** Why PyTorch would refuse this setting, or nothing. */
  function refusal(setting) {
    const { mode, n, k, p } = setting;
    if (mode !== "convolution" && p > Math.floor(k / 2)) {
      const most = Math.floor(k / 2);
      return `PyTorch refuses: a pooling window of ${k} may be padded by at most ${most}.`;
    }
    if (outputSize(setting)) return "";
    const window = mode === "convolution" ? "kernel" : "window";
    return `PyTorch refuses: the ${window} spans ${span(setting)} pixels, ` +
      `the padded input ${n + 2 * p}.`;
  }

  /** The pixel of the padded input; a maximum must not be one of the padding. */
  function pixel({ mode, n, p, input }, channel, row, column) {
    const [y, x] = [row - p, column - p];
    if (y < 0 || x < 0 || y >= n || x >= n) return mode === "max" ? -Infinity : 0;
    return input[channel][y * n + x];
  }

  /** The places in the padded input that a window reads, row by row. */
  function places(setting, position) {
    const size = outputSize(setting);
    const top = Math.floor(position / size) * setting.s;
    const left = (position % size) * setting.s;
    return Array.from({ length: setting.k ** 2 }, (_, i) => ({
      row: top + Math.floor(i / setting.k) * setting.d,
      column: left + (i % setting.k) * setting.d,
    }));
  }

  /** What a window's pixels are multiplied by. */
  function weights({ mode, k, flip, kernel }, channel) {
    if (mode === "max") return Array(k * k).fill(1);
    if (mode === "average") return Array(k * k).fill(1 / (k * k));
    return flip ? [...kernel[channel]].reverse() : kernel[channel];
  }

  /** One channel's part of a window: its pixels, its products, what becomes of them. */
  function part(setting, channel, position) {
    const factors = weights(setting, channel);
    const pixels = places(setting, position).map(({ row, column }) =>
      pixel(setting, channel, row, column));
    const products = pixels.map((value, i) => value * factors[i]);
    const result = setting.mode === "max"
      ? Math.max(...products)
      : products.reduce((sum, product) => sum + product, 0);
    return { pixels, products, result };
  }

  /** One number of the output: a convolution adds up its channels, pooling keeps them. */
  function result(setting, channel, position) {
    if (setting.mode !== "convolution") return part(setting, channel, position).result;
    return setting.input.reduce((sum, _, each) => sum + part(setting, each, position).result, 0);
  }

  /** The whole output, row by row. */
  const output = (setting, channel = 0) =>
    Array.from({ length: outputSize(setting) ** 2 }, (_, at) => result(setting, channel, at));

  /** Each window as a column: the matrix of im2col, as a list of its columns. */
  const windows = (setting) =>
    Array.from({ length: outputSize(setting) ** 2 }, (_, at) =>
      setting.input.flatMap((_, channel) => part(setting, channel, at).pixels));

  /** For each place of the padded input, how many windows read it. */
  function reads(setting) {
    const side = setting.n + 2 * setting.p;
    const counts = Array(side * side).fill(0);
    for (let at = 0; at < outputSize(setting) ** 2; at++) {
      for (const { row, column } of places(setting, at)) counts[row * side + column]++;
    }
    return counts;
  }

  /** How many pixels at the right, and below, the floor leaves over. */
  const left = (setting) => (setting.n + 2 * setting.p - span(setting)) % setting.s;

  function leftOver(setting) {
    const over = left(setting);
    if (!over) return "The last window ends at the border.";
    const last = over === 1 ? "row and column" : `${over} rows and columns`;
    return `The floor drops the last ${last}.`;
  }

  // --- Kernels, for any side k.

  const edge = (k) => Array.from({ length: k }, (_, i) => (i === 0) - (k > 1 && i === k - 1));
  const centre = (k) => Math.floor((k - 1) / 2);
  const square = (k, at) =>
    Array.from({ length: k * k }, (_, i) => at(Math.floor(i / k), i % k));
  const KERNELS = {
    edge: { name: "left − right", make: (k) => square(k, (_, column) => edge(k)[column]) },
    floor: { name: "top − bottom", make: (k) => square(k, (row) => edge(k)[row]) },
    // The vertical edges of horizontal edges. (`|| 0` makes 0 of −0.)
    corner: {
      name: "corner",
      make: (k) => square(k, (row, column) => edge(k)[row] * edge(k)[column] || 0),
    },
    blur: { name: "blur", make: (k) => square(k, () => 1 / (k * k)) },
    sharpen: {
      name: "sharpen",
      make: (k) => square(k, (row, column) => {
        const away = Math.abs(row - centre(k)) + Math.abs(column - centre(k));
        return away === 0 ? (k > 2 ? 5 : 1) : away === 1 && k > 2 ? -1 : 0;
      }),
    },
    identity: { name: "identity", make: (k) => square(k, (row, column) =>
      Number(row === centre(k) && column === centre(k))) },
    learned: { name: "learned by C1" },
    own: { name: "your own" },
  };

  // --- Examples, each with what there is to see.

  const START = {
    mode: "convolution", n: 8, k: 3, p: 0, s: 1, d: 1, channels: 1, kernel: "edge", position: 0,
  };
  const EXAMPLES = {
    edge: {
      name: "An edge detector", n: 6,
      comment: "The upper left corner of a 0. The kernel takes the ink on its left minus the " +
        "ink on its right.",
    },
    same: {
      name: "Padding that keeps the size", p: 1,
      comment: "A ring of zeros: 8 pixels in, 8 out. But at the border the window reads zeros " +
        "that nobody saw.",
    },
    stride: {
      name: "A stride that drops pixels", s: 2,
      comment: "In steps of 2 the window never reaches the last row and column. PyTorch takes " +
        "the floor and says nothing.",
    },
    holes: {
      name: "A stride larger than the kernel", k: 2, s: 3, kernel: "blur",
      comment: "Between the windows lie rows and columns that nobody reads: 28 of the 64 pixels " +
        "might as well not be there.",
    },
    dilation: {
      name: "Dilation", d: 2, p: 2, position: 27,
      comment: "Nine weights, two pixels apart, span 5×5. So the same size needs a padding of 2.",
    },
    learned: {
      name: "A kernel that LeNet-5 learned", k: 5, kernel: "learned",
      comment: "One of C1's six kernels after training on MNIST, times ten and rounded. Nobody " +
        "wrote it down.",
    },
    channels: {
      name: "Two channels", channels: 2,
      comment: "Each channel has 3×3 weights of its own. Their two sums are added: two maps in, " +
        "one map out.",
    },
    max: {
      name: "Max pooling", mode: "max", k: 2, s: 2, position: 5,
      comment: "The largest of each square of 2×2: 64 numbers become 16, and there is nothing " +
        "to learn.",
    },
    average: {
      name: "Average pooling, padded", mode: "average", s: 2, p: 1,
      comment: "PyTorch counts the padding's zeros as pixels, so that averages at the border " +
        "come out too low.",
    },
    large: {
      name: "A kernel that does not fit", n: 4, k: 5,
      comment: "Five pixels do not fit into four. Add padding, and they do.",
    },
    own: { name: "Your own setting", comment: "Choose an example to begin again." },
  };

  // --- Numbers as they are written.

  const minus = (text) => String(text).replace("-", "−").replace("Infinity", "∞");
  const number = (value) => minus(Number.isInteger(value) ? value : Number(value.toFixed(3)));
  const counted = (count, thing) => `${count} ${thing}${count === 1 ? "" : "s"}`;

  /** A number in as few letters as fit into a cell: −0.25, −.25, −.3, or nothing. */
  function fitting(value, room, widthOf) {
    const two = minus(Number.isFinite(value) ? Number(value.toFixed(2)) : value);
    const one = minus(Number.isFinite(value) ? Number(value.toFixed(1)) : value);
    const short = (text) => text.replace(/^(−?)0\./, "$1.");
    return [two, short(two), one, short(one)].find((text) => widthOf(text) <= room) ?? "";
  }

  /** A colour halfway to full at most, so that the number on it stays readable. */
  function shade(value, limit, colours, ink) {
    const to = value < 0 ? colours.negative : ink ? colours.ink : colours.positive;
    const share = (ink && value > 0 ? 0.33 : 0.5) * Math.min(1, Math.abs(value) / (limit || 1));
    const mixed = colours.paper.map((from, c) => Math.round(from + share * (to[c] - from)));
    return `rgb(${mixed.join(" ")})`;
  }

  const largest = (values) => Math.max(1e-9, ...values.filter(Number.isFinite).map(Math.abs));

  /**
   * A square of numbers in which the arrow keys walk from cell to cell.
   *
   * `onselect(row, column)` is told where the reader is, `ontype(key)` what is typed there.
   */
  class Board {
    constructor(label, onselect, ontype) {
      this.grid = element("div", { className: "board", role: "grid", "aria-label": label });
      this.frame = element("div", { className: "frame", "aria-hidden": "true" });
      this.title = element("p", { className: "title" });
      this.message = element("p", { className: "quiet message" });
      this.square = element("div", { className: "square" }, this.grid, this.frame, this.message);
      this.node = element("div", { className: "place" }, this.title, this.square);
      this.onselect = onselect;
      this.ontype = ontype;
      this.grid.onkeydown = (event) => this.walk(event);
      this.grid.onclick = (event) => event.target.place && this.go(...event.target.place);
    }

    /** Have `side` rows and columns, of which the outer `ring` cannot be walked on. */
    lay(side, ring = 0) {
      if (this.side === side && this.ring === ring) return;
      Object.assign(this, { side, ring, at: [ring, ring] });
      this.cells = Array.from({ length: side * side }, (_, i) => Object.assign(
        element("div", { role: "gridcell" }), { place: [Math.floor(i / side), i % side] }));
      const rows = Array.from({ length: side }, (_, row) => element("div",
        { className: "cells", role: "row" }, ...this.cells.slice(row * side, (row + 1) * side)));
      this.grid.style.setProperty("--side", side);
      this.grid.replaceChildren(...rows);
      this.mark(...this.at);
    }

    /** Write into all cells: {text, words, colour, kinds} each. */
    fill(contents) {
      contents.forEach(({ text, words, colour, kinds = "" }, i) => {
        const cell = this.cells[i];
        if (cell.textContent !== text) cell.textContent = text;
        if (cell.style.backgroundColor !== colour) cell.style.backgroundColor = colour;
        if (cell.className !== kinds) cell.className = kinds;
        cell.setAttribute("aria-label", words);
      });
    }

    /** Let the keyboard enter at this cell. */
    mark(row, column) {
      for (const cell of this.cells) cell.tabIndex = -1;
      const cell = this.cells[row * this.side + column];
      if (cell) cell.tabIndex = 0;
      this.at = [row, column];
    }

    go(row, column) {
      const inside = (value) => value >= this.ring && value < this.side - this.ring;
      if (!inside(row) || !inside(column)) return;
      this.mark(row, column);
      this.focus();
      this.onselect?.(row - this.ring, column - this.ring);
    }

    focus() {
      this.cells[this.at[0] * this.side + this.at[1]].focus({ preventScroll: true });
    }

    walk(event) {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
      const way = step[event.key];
      if (way) this.go(this.at[0] + way[0], this.at[1] + way[1]);
      else if (!this.ontype?.(event.key)) return;
      event.preventDefault();
    }

    /** Frame a square of cells; nothing hides the frame. */
    surround(row, column, side) {
      this.frame.hidden = !side;
      const share = (cells) => `${(100 * cells) / this.side}%`;
      this.frame.style.cssText = `left:${share(column)};top:${share(row)};` +
        `width:${share(side)};height:${share(side)}`;
    }
  }

  class Convolution extends Explorable {
    static compute = { outputSize, refusal, output, windows, reads, left };
    static examples = EXAMPLES;
    static kernels = KERNELS;
    static style = `${style}
      .choices, .changes { display: grid; gap: 8px; }
      .sentence { --lines: 2; }
      .formula { --lines: 4; font-size: 14px; }
      .thirds { flex-wrap: nowrap; }
      .thirds button { flex: 1; font-size: 14px; min-width: 0; padding: 4px 0;
        white-space: nowrap; }
      .desk { height: 456px; position: relative; }
      .boards { column-gap: 8px; display: grid;
        grid-template: "input kernel" 224px "output products" 224px / 200fr 150fr;
        margin: auto; max-width: 358px; row-gap: 8px; }
      .title { font-size: 13px; line-height: 24px; overflow: hidden; white-space: nowrap; }
      .place { min-width: 0; }
      .square { aspect-ratio: 1; position: relative; width: 100%; }
      .board { background: var(--faint); border: 1px solid var(--line); display: grid; gap: 1px;
        grid-template: repeat(var(--side), 1fr) / repeat(var(--side), 1fr); height: 100%; }
      .cells { display: contents; }
      .cells > * { align-items: center; cursor: default; display: flex; font-size: 13px;
        font-variant-numeric: tabular-nums;
        justify-content: center; letter-spacing: -0.6px; line-height: 1; min-height: 0;
          min-width: 0; overflow: hidden; }
      .cells > :focus-visible { outline-offset: -3px; }
      .edit { cursor: pointer; }
      .padding { color: var(--quiet);
        background: radial-gradient(var(--faint) 1.5px, var(--surface) 2px) 0 0 / 6px 6px; }
      .unread { background-image:
        repeating-linear-gradient(135deg, var(--line) 0 2px, transparent 2px 7px); }
      .unread.edit { color: transparent; }
      .read { box-shadow: inset 0 0 0 2px var(--accent); }
      .winner { font-weight: 700; box-shadow: inset 0 0 0 2px var(--accent); }
      .chosen { box-shadow: inset 0 0 0 3px var(--text); }
      .frame { border: 3px solid var(--accent); outline: 1px solid var(--surface);
        pointer-events: none; position: absolute; }
      .legend { align-self: end; display: grid; gap: 0 6px; grid-area: kernel;
        grid-template-columns: 18px 1fr;
        align-items: center; line-height: 20px; margin-bottom: 2px; }
      .legend span { height: 16px; width: 18px; }
      .message { inset: 0; padding: 8px; position: absolute; white-space: normal; }
      .matrices { inset: 0; position: absolute; }
      .matrices canvas { image-rendering: auto; }
      .matrices .strip { height: 30px; }
      .matrices .matrix { height: 300px; }
      .sizes { display: grid; gap: 8px 6px; grid-template-columns: repeat(3, 1fr); }
      .stepper input { flex: 1; }
      .change div { display: flex; }
      .change input { border-radius: 0; min-width: 20px; padding: 0; text-align: center; }
      .change button:first-child { border-radius: 6px 0 0 6px; border-right: 0; }
      .change button:last-child { border-left: 0; border-radius: 0 6px 6px 0; }
      .change { align-items: center; display: flex; gap: 8px; justify-content: space-between; }
      .change input { width: 64px; }
      .over { color: var(--quiet); }
      .form { display: grid; gap: 12px; }
      @container (min-width: 600px) {
        .desk { height: 316px; }
        .boards { column-gap: 20px;
          grid-template: "input kernel output" 154px "input products output" 154px
            / 292fr 130fr 226fr;
          max-width: none; }
        .matrices .matrix { height: 180px; }
        .sizes { grid-template-columns: repeat(6, 1fr); }
        .choices, .changes { gap: 8px 20px; grid-template-columns: 1fr 290px; }
        .changes { grid-template-columns: 1fr 1fr; }
        .comment { grid-column: 1 / 3; }
        .legend { grid-area: output; gap: 0 8px; grid-template-columns: 18px auto 18px 1fr; }
        .sentence { --lines: 1; }
        .form { gap: 12px 20px; grid-template-columns: 3fr 2fr; }
        .sizes { grid-column: 1 / 3; }
      }
    `;

    start({ images, learned }) {
      this.ruler = element("canvas").getContext("2d");
      this.ruler.font = `13px ${getComputedStyle(this).fontFamily}`;
      this.widths = {};
      this.images = images;
      this.learned = learned;
      this.restart("edge");
      this.live.append(
        this.makeChoices(), this.makeDesk(), this.makeWalk(), this.makeNumbers(),
        this.makeSizes(), this.makeFoot());
      this.place = new ResizeObserver(() => this.redraw());
      this.place.observe(this.live);
      this.draw();
    }

    /** Take over all settings of an example. */
    restart(name) {
      const { comment, name: title, ...changes } = EXAMPLES[name];
      const { kernel, position, ...sizes } = { ...START, ...changes };
      Object.assign(this, {
        example: name, sizes, flip: 0, asMatrix: 0, shown: 0, position,
        input: this.images.map((image) => [...image]),
        kernels: [kernel, kernel === "edge" ? "floor" : kernel],
        chosen: { board: "input", row: 3, column: 3 },
      });
      this.kernel = [[], []];
      this.makeKernels();
    }

    /** Write the kernels that have a name into the page's 5×5 numbers. */
    makeKernels() {
      const { k } = this.sizes;
      this.kernels.forEach((name, channel) => {
        if (name === "own" || (name === "learned" && k !== KERNEL_SIDE)) {
          this.kernels[channel] = "own";
          return;
        }
        const made = name === "learned" ? this.learned : KERNELS[name].make(k);
        const whole = Array(KERNEL_SIDE ** 2).fill(0);
        made.forEach((value, i) => (whole[Math.floor(i / k) * KERNEL_SIDE + (i % k)] = value));
        this.kernel[channel] = whole;
      });
    }

    /** What the functions above are given: the part of the numbers that is in use. */
    get setting() {
      const { channels, ...sizes } = this.sizes;
      const crop = (values, from, side) =>
        square(side, (row, column) => values[row * from + column]);
      return {
        ...sizes, flip: this.flip,
        input: this.input.slice(0, channels).map((map) => crop(map, INPUT_SIDE, sizes.n)),
        kernel: this.kernel.slice(0, channels).map((map) => crop(map, KERNEL_SIDE, sizes.k)),
      };
    }

    /** Something was changed by hand: it is no example any more. */
    changed() {
      this.example = "own";
      this.redraw();
      this.share(this.address());
    }

    // --- The parts of the page.

    makeChoices() {
      this.choose = select("Example", EXAMPLES, (name) => {
        this.restart(name);
        this.redraw();
        this.share(name === "own" ? this.address() : name);
      });
      this.comment = element("p", { className: "lines comment" });
      this.modes = choice("Operation", MODES, this.sizes.mode, (mode) => {
        this.sizes.mode = mode;
        if (mode === "average") this.sizes.d = 1;
        this.changed();
      });
      this.modes.node.classList.add("thirds");
      return element("div", { className: "controls choices" },
        this.choose.node, this.modes.node, this.comment);
    }

    makeDesk() {
      const pick = (board) => (row, column) => {
        this.chosen = { board, row, column };
        this.redraw();
      };
      const type = (key) => this.type(key);
      this.boards = {
        input: new Board("Input", pick("input"), type),
        kernel: new Board("Kernel", pick("kernel"), type),
        output: new Board("Output", (row, column) => {
          this.position = row * outputSize(this.setting) + column;
          this.redraw();
        }),
        products: new Board("Products of the window"),
      };
      for (const [name, { node }] of Object.entries(this.boards)) {
        node.classList.add(name);
        node.style.gridArea = name;
      }
      const mark = (kind, text) => [element("span", { className: kind }), text];
      const legend = element("p", { className: "quiet legend", "aria-hidden": "true" },
        ...mark("padding", "padding"), ...mark("unread", "never read"));
      this.places = element("div", { className: "boards" },
        ...Object.values(this.boards).map(({ node }) => node), legend);
      this.matrices = this.makeMatrices();
      return element("div", { className: "desk" }, this.places, this.matrices);
    }

    makeMatrices() {
      this.strips = {};
      const strip = (name, kind) => {
        const title = element("p", { className: "title" });
        const canvas = element("canvas", { className: kind, role: "img" });
        this.strips[name] = { title, canvas };
        return [title, canvas];
      };
      const node = element("div", { className: "matrices" },
        ...strip("kernel", "strip"), ...strip("windows", "matrix"), ...strip("output", "strip"));
      this.strips.windows.canvas.onclick = (event) => {
        const box = event.target.getBoundingClientRect();
        const count = outputSize(this.setting) ** 2;
        this.position = Math.floor(((event.clientX - box.left) / box.width) * count);
        this.redraw();
      };
      return node;
    }

    /** The cell that is being changed, and the kernel as a whole. */
    makeNumbers() {
      this.field = element("input", { type: "number", step: "any" });
      this.field.oninput = () => this.field.value !== "" && this.write(Number(this.field.value));
      this.field.onchange = () => this.redraw();
      this.field.onkeydown = ({ key }) => {
        if (key === "Enter") this.boards[this.chosen.board].focus();
      };
      this.changing = element("span", { className: "numbers" });
      const by = (step) => () => this.write(this.chosenValue + step);
      this.chooseKernel = select("Kernel", KERNELS, (name) => {
        this.kernels[this.shown] = name;
        if (name === "learned") this.sizes.k = KERNEL_SIDE;
        this.makeKernels();
        this.changed();
      });
      return element("div", { className: "controls changes" },
        element("div", { className: "change" }, this.changing,
          element("div", {}, button("−", by(-1), { label: "one less" }), this.field,
            button("+", by(1), { label: "one more" }))),
        this.chooseKernel.node);
    }

    makeWalk() {
      this.walk = slider({
        label: "window", min: 1, max: 1, value: 1,
        words: (at) => {
          const size = outputSize(this.setting);
          if (!size) return "none";
          const [row, column] = [Math.ceil(at / size), ((at - 1) % size) + 1];
          return `${at} of ${size * size}: row ${row}, column ${column}`;
        },
        oninput: (at) => {
          this.position = at - 1;
          this.redraw();
        },
      });
      this.sentence = element("p", { className: "lines sentence numbers" });
      return element("div", { className: "walk" },
        element("div", { className: "controls" }, this.walk.node), this.sentence);
    }

    makeSizes() {
      this.steppers = Object.fromEntries(Object.entries(SIZES).map(([size, limits]) => [
        size, stepper(limits, (value) => this.resize(size, value))]));
      this.formula = element("div", { className: "lines formula numbers" });
      return element("div", { className: "form" }, element("div", { className: "sizes controls" },
        ...Object.values(this.steppers).map(({ node }) => node)),
        this.formula, this.makeSwitches());
    }

    makeSwitches() {
      const flag = (name, text) => button(text, () => {
        this[name] = Number(!this[name]);
        this.changed();
      }, { pressed: false });
      this.flags = {
        flip: flag("flip", "flip kernel"),
        asMatrix: flag("asMatrix", "as matrix"),
        shown: flag("shown", "channel 2"),
      };
      return element("div", { className: "controls row thirds" }, ...Object.values(this.flags));
    }

    makeFoot() {
      this.fold = this.numbers(() => this.rows());
      return element("div", { className: "foot" }, this.fold,
        element("span", { className: "quiet" }, "checked against PyTorch"), this.copyLink());
    }

    // --- What the reader does.

    resize(size, value) {
      this.sizes[size] = value;
      if (size === "k") this.makeKernels();
      if (size === "channels" && value === 1) this.shown = 0;
      this.changed();
    }

    get chosenPlace() {
      const { board, row, column } = this.chosen;
      const side = board === "input" ? INPUT_SIDE : KERNEL_SIDE;
      return [this[board][this.shown], row * side + column];
    }

    get chosenValue() {
      const [values, at] = this.chosenPlace;
      return values[at];
    }

    write(value) {
      if (!Number.isFinite(value)) return;
      const [values, at] = this.chosenPlace;
      values[at] = Math.max(-LARGEST_NUMBER, Math.min(LARGEST_NUMBER, value));
      if (this.chosen.board === "kernel") this.kernels[this.shown] = "own";
      this.changed();
    }

    /** A key that was pressed on a cell: a digit begins a number, Enter goes to the field. */
    type(key) {
      if (key === "PageUp" || key === "PageDown") {
        this.write(this.chosenValue + (key === "PageUp" ? 1 : -1));
      } else if (key === "Enter") {
        this.field.focus();
        this.field.select();
      } else if (/^[\d.-]$/.test(key)) {
        this.field.focus();
        this.field.value = /\d/.test(key) ? key : "";
        this.field.oninput();
      } else return false;
      return true;
    }

    // --- The state in the page's address: the sizes, then input and kernel.

    address() {
      const { mode, n, k, p, s, d, channels } = this.sizes;
      const { input, kernel } = this.setting;
      const head = [mode, n, k, p, s, d, channels, this.flip, this.asMatrix, this.position];
      const short = (value) => (value.toFixed ? Number(value.toFixed(3)) : value);
      return [head, ...input, ...kernel].map((values) => values.map(short).join("_")).join("~");
    }

    restore(state) {
      if (state in EXAMPLES) this.restart(state);
      else this.read(state);
      this.draw();
    }

    /** Take over what `address` wrote; what is out of bounds is brought into them. */
    read(state) {
      const [head, ...maps] = state.split("~").map((list) => list.split("_"));
      const [mode, n, k, p, s, d, channels, flip, asMatrix, position] = head;
      if (!(mode in MODES)) return;
      this.restart("own");
      Object.assign(this.sizes, { mode });
      for (const [size, value] of Object.entries({ n, k, p, s, d, channels })) {
        const { min, max } = SIZES[size];
        this.sizes[size] = Math.max(min, Math.min(max, Math.floor(Number(value)) || min));
      }
      Object.assign(this, {
        flip: Number(flip === "1"),
        asMatrix: Number(asMatrix === "1"),
        position: Math.floor(Number(position)) || 0,
      });
      const { n: side, k: small, channels: count } = this.sizes;
      const fill = (values, from, to, whole) => values.forEach((value, i) => {
        const at = Math.floor(i / from) * to + (i % from);
        if (Number.isFinite(Number(value)) && at in whole) whole[at] = Number(value);
      });
      for (let channel = 0; channel < count; channel++) {
        fill(maps[channel] ?? [], side, INPUT_SIDE, this.input[channel]);
        fill(maps[count + channel] ?? [], small, KERNEL_SIDE, this.kernel[channel]);
        this.kernels[channel] = "own";
      }
    }

    // --- Drawing.

    draw() {
      const setting = this.setting;
      const problem = refusal(setting);
      const size = problem ? 0 : outputSize(setting);
      this.position = Math.max(0, Math.min(this.position, size * size - 1));
      if (setting.mode !== "convolution") this.chosen.board = "input";
      for (const axis of ["row", "column"]) {
        const side = this.chosen.board === "input" ? setting.n : setting.k;
        this.chosen[axis] = Math.min(this.chosen[axis], side - 1);
      }
      const drawn = { setting, problem, size, values: size ? output(setting, this.shown) : [] };
      drawn.part = size ? part(setting, this.shown, this.position) : null;
      this.drawControls(drawn);
      this.drawWords(drawn);
      this.places.hidden = this.asMatrix;
      this.matrices.hidden = !this.asMatrix;
      if (this.asMatrix) this.drawMatrices(drawn);
      else this.drawBoards(drawn);
      this.fold.fill();
    }

    drawControls({ setting, size }) {
      const { mode, channels } = this.sizes;
      const pooling = mode !== "convolution";
      this.choose.set(this.example);
      this.modes.set(mode);
      this.chooseKernel.set(this.kernels[this.shown]);
      this.chooseKernel.list.disabled = pooling;
      this.flags.flip.disabled = pooling;
      this.flags.shown.disabled = channels === 1;
      for (const [name, flag] of Object.entries(this.flags)) {
        flag.setAttribute("aria-pressed", Boolean(this[name]));
      }
      for (const [name, { set }] of Object.entries(this.steppers)) {
        set(this.sizes[name], name === "d" && mode === "average");
      }
      const [input] = this.walk.node.getElementsByTagName("input");
      input.max = Math.max(1, size * size);
      input.disabled = !size;
      this.walk.set(this.position + 1);
      const { board, row, column } = this.chosen;
      this.changing.textContent = `${board}, row ${row + 1}, column ${column + 1}`;
      this.field.setAttribute("aria-label", this.changing.textContent);
      if (this.shadowRoot.activeElement !== this.field) {
        this.field.value = Number(this.chosenValue.toFixed(3));
      }
    }

    drawWords({ setting, problem, values }) {
      const { n, p, k, s, d } = setting;
      this.comment.textContent = EXAMPLES[this.example].comment;
      const steps = (n + 2 * p - span(setting)) / s;
      this.formula.replaceChildren(
        element("p", {}, "size = ⌊(n + 2p − d(k − 1) − 1) / s⌋ + 1"),
        element("p", {}, `= ⌊(${n} + 2·${p} − ${d}·(${k} − 1) − 1) / ${s}⌋ + 1 `),
        element("p", {}, `= ⌊${number(steps)}⌋ + 1 = ${number(Math.floor(steps) + 1)}`),
        element("p", { className: "over" }, problem ? "" : leftOver(setting)));
      this.sentence.textContent = problem || this.account(setting, values[this.position]);
      this.say(this.sentence.textContent);
    }

    /** How the number of the chosen window comes about. */
    account(setting, value) {
      const { mode, k, input } = setting;
      const pixels = counted(k * k, "pixel");
      if (mode === "max") return `The largest of ${pixels} is ${number(value)}.`;
      if (mode === "average") {
        return `The sum of ${pixels}, divided by ${k * k}, is ${number(value)}.`;
      }
      if (input.length === 1) return `The sum of ${counted(k * k, "product")} is ${number(value)}.`;
      const [one, two] = [0, 1].map((each) => number(part(setting, each, this.position).result));
      return `Channel 1 gives ${one} and channel 2 gives ${two}: together ${number(value)}.`;
    }

    drawBoards(drawn) {
      const { setting, problem, size } = drawn;
      const { n, p } = setting;
      const { input, output: out } = this.boards;
      // All read before anything is written: the page is laid out only once.
      for (const board of Object.values(this.boards)) board.width = board.square.clientWidth;
      const padded = n + 2 * p;
      const channel = this.sizes.channels > 1 ? ` ${this.shown + 1}` : "";
      input.title.textContent = `input${channel}, ${n}×${n}${p ? ` and ${p} around` : ""}`;
      this.fillInput(drawn, padded);
      this.fillKernel(setting, channel);
      this.fillOutput(drawn);
      this.fillProducts(drawn);
      if (!size) {
        input.surround(0, 0, 0);
        out.surround(0, 0, 0);
        return;
      }
      const [first] = places(setting, this.position);
      input.surround(first.row, first.column, span(setting));
      out.surround(Math.floor(this.position / size), this.position % size, 1);
    }

    /** How a number looks in a cell of a board with so many cells in a row. */
    cell(board, side, value, limit, ink = false) {
      const room = board.width / side - 1;
      return {
        text: fitting(value, room, (text) => this.widthOf(text)),
        words: number(value),
        colour: Number.isFinite(value) ? shade(value, limit, this.colours, ink) : "",
      };
    }

    widthOf(text) {
      return this.widths[text] ??= this.ruler.measureText(text).width - 0.6 * text.length;
    }

    fillInput({ setting, size }, side) {
      const { n, p, d } = setting;
      const board = this.boards.input;
      const limit = largest(setting.input[this.shown]);
      const counts = size ? reads(setting) : Array(side * side).fill(1);
      const inWindow = new Set(size && d > 1
        ? places(setting, this.position).map(({ row, column }) => row * side + column) : []);
      board.lay(side, p);
      if (this.chosen.board === "input") board.mark(this.chosen.row + p, this.chosen.column + p);
      board.fill(counts.map((count, i) => {
        const [row, column] = [Math.floor(i / side), i % side];
        const cell = this.cell(board, side, pixel(setting, this.shown, row, column), limit, true);
        const inside = row >= p && column >= p && row < n + p && column < n + p;
        const kinds = [inside ? "edit" : "padding"];
        if (!inside) Object.assign(cell, { words: `padding ${cell.words}`, colour: "" });
        if (!count) {
          kinds.push("unread");
          cell.words += ", read by no window";
        }
        if (inWindow.has(i)) kinds.push("read");
        if (this.isChosen("input", row - p, column - p)) kinds.push("chosen");
        return { ...cell, kinds: kinds.join(" ") };
      }));
    }

    isChosen(board, row, column) {
      const at = this.chosen;
      return at.board === board && at.row === row && at.column === column;
    }

    fillKernel(setting, channel) {
      const board = this.boards.kernel;
      const { mode, k, flip, kernel } = setting;
      const pooling = mode !== "convolution";
      board.title.textContent = pooling ? "no kernel"
        : `kernel${channel}, ${k}×${k}${flip ? ", flipped" : ""}`;
      board.grid.hidden = pooling;
      board.message.textContent = { max: "The largest number of the window is kept.",
        average: `Each number counts 1/${k * k}.` }[mode] ?? "";
      board.lay(k);
      if (this.chosen.board === "kernel") board.mark(this.chosen.row, this.chosen.column);
      const limit = largest(kernel[this.shown]);
      board.fill(kernel[this.shown].map((value, i) => ({
        ...this.cell(board, k, value, limit),
        kinds: this.isChosen("kernel", Math.floor(i / k), i % k) ? "edit chosen" : "edit",
      })));
      board.surround(0, 0, 0);
    }

    fillOutput({ size, values }) {
      const board = this.boards.output;
      board.grid.hidden = !size;
      board.title.textContent = size ? `output, ${size}×${size}` : "no output";
      board.lay(size);
      if (!size) return;
      board.mark(Math.floor(this.position / size), this.position % size);
      const limit = largest(values);
      board.fill(values.map((value) => this.cell(board, size, value, limit)));
    }

    fillProducts({ setting, size, part: window }) {
      const board = this.boards.products;
      const { mode, k } = setting;
      board.grid.hidden = !size;
      board.title.textContent = !size ? "" : mode === "max" ? "window" : "products";
      board.lay(k);
      board.surround(0, 0, 0);
      if (!size) return;
      const limit = largest(window.products);
      const winner = mode === "max" ? window.products.indexOf(window.result) : -1;
      board.fill(window.products.map((value, i) => ({
        ...this.cell(board, k, value, limit), kinds: i === winner ? "winner" : "" })));
    }

    drawMatrices({ setting, problem, size, values }) {
      const { kernel: row, windows: matrix, output: out } = this.strips;
      const rows = setting.k ** 2 * setting.input.length;
      const columns = size ? windows(setting) : [];
      const factors = setting.input.flatMap((_, channel) => weights(setting, channel));
      row.title.textContent = setting.mode === "max" ? "no kernel: the largest of each column"
        : `kernel as a row of ${rows}`;
      matrix.title.textContent = problem ? "no window"
        : `times ${counted(columns.length, "window")}, each a column of ${rows}`;
      out.title.textContent = problem ? "no output" : `gives the output, ${size}×${size}, as a row`;
      this.drawMatrix(row.canvas, setting.mode === "max" ? [] : factors.map((value) => [value]));
      this.drawMatrix(matrix.canvas, columns, { chosen: this.position, ink: true });
      this.drawMatrix(out.canvas, values.map((value) => [value]), { chosen: this.position });
      for (const { title, canvas } of Object.values(this.strips)) {
        canvas.setAttribute("aria-label", title.textContent);
      }
    }

    /** Draw columns of numbers, and a frame around the one at `chosen`. */
    drawMatrix(canvas, columns, { chosen, ink } = {}) {
      const scale = devicePixelRatio;
      const [width, height] = [canvas.clientWidth, canvas.clientHeight];
      canvas.width = width * scale;
      canvas.height = height * scale;
      if (!columns.length) return;
      const pen = canvas.getContext("2d");
      pen.scale(scale, scale);
      const style = getComputedStyle(this);
      pen.font = `13px ${style.fontFamily}`;
      pen.letterSpacing = "-0.6px";
      Object.assign(pen, { textAlign: "center", textBaseline: "middle" });
      const [across, down] = [width / columns.length, height / columns[0].length];
      const unit = Math.min(across, 60);
      const limit = largest(columns.flat());
      columns.forEach((column, x) => column.forEach((value, y) => {
        const [left, top] = [x * unit, y * down];
        pen.fillStyle = Number.isFinite(value) ? shade(value, limit, this.colours, ink)
          : style.getPropertyValue("--raised");
        pen.fillRect(left, top, unit - (unit > 6), down - (down > 6));
        const text = Math.min(down, unit) < 15 ? ""
          : fitting(value, unit - 1, (each) => this.widthOf(each));
        pen.fillStyle = style.getPropertyValue("--text");
        pen.fillText(text, left + unit / 2, top + down / 2 + 1);
      }));
      if (chosen === undefined) return;
      pen.strokeStyle = style.getPropertyValue("--accent");
      pen.lineWidth = 3;
      pen.strokeRect(chosen * unit + 1, 1.5, Math.max(unit - 3, 2), height - 3);
    }

    /** The chosen window's products, as a table. */
    rows() {
      const setting = this.setting;
      if (refusal(setting)) return [["no window"]];
      const head = ["channel", "row", "column", "pixel", "weight", "product"];
      return [head, ...setting.input.flatMap((_, channel) => {
        const { pixels, products } = part(setting, channel, this.position);
        const factors = weights(setting, channel);
        return places(setting, this.position).map(({ row, column }, i) => [
          channel + 1, row + 1 - setting.p, column + 1 - setting.p, number(pixels[i]),
          setting.mode === "max" ? "" : number(factors[i]), number(products[i])]);
      })];
    }
  }

  define("convolution", Convolution);
})();
