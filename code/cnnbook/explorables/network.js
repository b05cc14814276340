// A chain of layers, computed in plain loops, each of whose units can be looked into.
// `lenet.js` builds upon it.
(() => {
  const { Explorable, button, define, element, paint, sheet, unpack } = globalThis.cnnbook;
  if (globalThis.cnnbook.Network) return;

  // ---- What is shown as text

  const number = (value, digits = 2) => {
    const text = value.toFixed(digits);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
  };
  const added = (value) =>
    number(value).startsWith("−") ? ` − ${number(-value)}` : ` + ${number(value)}`;

  // ---- The steps of a chain. Each maps the numbers before it, maps × rows × columns one
  // after another, to its own; `step.from` and `step.shape` are those three sizes.

  const size = ([maps, rows, columns]) => maps * rows * columns;

  /** Kernels that are not all zero: each output map reads only these input maps. */
  function connections({ shape: [maps], from: [inputs], groups, kernel, weights }) {
    const area = kernel[0] * kernel[1];
    const group = inputs / groups;
    return Array.from({ length: maps }, (_, map) => {
      const first = Math.floor(map / (maps / groups)) * group;
      const all = Array.from({ length: group }, (_, i) => ({
        input: first + i,
        offset: (map * group + i) * area,
      }));
      // A single number may have been rounded to zero; a whole kernel was left out.
      return area === 1
        ? all
        : all.filter(({ offset }) => weights.subarray(offset, offset + area).some(Boolean));
    });
  }

  function convolution(step, x) {
    const { kernel, stride, padding, dilation, weights, bias, reads } = step;
    const [inputs, height, width] = step.from;
    const [maps, rows, columns] = step.shape;
    const [down, right] = kernel;
    const y = new Float64Array(size(step.shape));
    // Kernels as large as the maps: one dot product for each output.
    if (rows * columns === 1 && down === height && right === width && step.groups === 1) {
      const length = inputs * height * width;
      for (let map = 0; map < maps; map++) {
        let sum = bias ? bias[map] : 0;
        for (let i = 0; i < length; i++) sum += weights[map * length + i] * x[i];
        y[map] = sum;
      }
      return y;
    }
    for (let map = 0; map < maps; map++) {
      const start = map * rows * columns;
      if (bias) y.fill(bias[map], start, start + rows * columns);
      for (const { input, offset } of reads[map]) {
        for (let u = 0; u < down; u++) {
          for (let v = 0; v < right; v++) {
            const weight = weights[offset + u * right + v];
            const shift = v * dilation[1] - padding[1];
            // Only these columns read inside the image.
            const first = Math.max(0, Math.ceil(-shift / stride[1]));
            const last = Math.min(columns - 1, Math.floor((width - 1 - shift) / stride[1]));
            for (let row = 0; row < rows; row++) {
              const from = row * stride[0] + u * dilation[0] - padding[0];
              if (from < 0 || from >= height) continue;
              const source = (input * height + from) * width + shift;
              const target = start + row * columns;
              for (let column = first; column <= last; column++) {
                y[target + column] += weight * x[source + column * stride[1]];
              }
            }
          }
        }
      }
    }
    return y;
  }

  /** The window that a unit of a pooling step reads: its bounds in the map before. */
  function bounds({ kind, kernel, stride, padding, dilation, from, shape }, row, column) {
    if (kind === "adaptive average") {
      const range = (i, axis) => [
        Math.floor((i * from[axis]) / shape[axis]),
        Math.ceil(((i + 1) * from[axis]) / shape[axis]),
      ];
      const [[top, bottom], [left, right]] = [range(row, 1), range(column, 2)];
      return { top, left, down: bottom - top, right: right - left, apart: [1, 1] };
    }
    return {
      top: row * stride[0] - padding[0],
      left: column * stride[1] - padding[1],
      down: kernel[0],
      right: kernel[1],
      apart: dilation,
    };
  }

  /** The numbers in a window, row by row; `outside` stands for those beyond the edge. */
  function inside([, height, width], x, map, { top, left, down, right, apart }, outside = 0) {
    const values = new Float64Array(down * right);
    for (let u = 0; u < down; u++) {
      for (let v = 0; v < right; v++) {
        const row = top + u * apart[0],
          column = left + v * apart[1];
        const within = row >= 0 && column >= 0 && row < height && column < width;
        values[u * right + v] = within ? x[(map * height + row) * width + column] : outside;
      }
    }
    return values;
  }

  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const divisor = ({ kind, divisor: given }, values) =>
    kind === "average" ? given : values.length;

  function pool(step, x) {
    const [maps, rows, columns] = step.shape;
    const largest = step.kind === "maximum";
    const y = new Float64Array(size(step.shape));
    let i = 0;
    for (let map = 0; map < maps; map++) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          const window = bounds(step, row, column);
          const values = inside(step.from, x, map, window, largest ? -Infinity : 0);
          y[i++] = largest ? Math.max(...values) : sum(values) / divisor(step, values);
        }
      }
    }
    return y;
  }

  /** Apply a function of the number, its map and its place to each number. */
  function each({ shape: [maps, rows, columns] }, x, change) {
    const area = rows * columns;
    const y = new Float64Array(x.length);
    for (let map = 0; map < maps; map++) {
      for (let i = map * area; i < (map + 1) * area; i++) y[i] = change(x[i], map, i);
    }
    return y;
  }

  function normalise(step, x) {
    const {
      groups,
      eps,
      scale,
      shift,
      shape: [maps],
    } = step;
    const length = x.length / groups;
    const moments = Array.from({ length: groups }, (_, group) => {
      const part = x.subarray(group * length, (group + 1) * length);
      const mean = sum(part) / length;
      return [mean, Math.sqrt(sum(part.map((value) => (value - mean) ** 2)) / length + eps)];
    });
    // One scale for each map, or for each number.
    const of = (numbers, map, i) => numbers[numbers.length === maps ? map : i];
    return each(step, x, (value, map, i) => {
      const [mean, deviation] = moments[Math.floor(i / length)];
      const even = (value - mean) / deviation;
      return even * (scale ? of(scale, map, i) : 1) + (shift ? of(shift, map, i) : 0);
    });
  }

  // Abramowitz and Stegun 7.1.26 is off by less than 1.5e-7.
  function erf(x) {
    const t = 1 / (1 + 0.3275911 * Math.abs(x));
    const factors = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
    const series = factors.reduce((total, factor) => (total + factor) * t, 0);
    return Math.sign(x) * (1 - series * Math.exp(-x * x));
  }

  const sigmoid = (x) => 1 / (1 + Math.exp(-x));
  const ACTIVATIONS = {
    relu: () => (x) => Math.max(0, x),
    "leaky relu":
      ({ negative_slope: slope }) =>
      (x) =>
        x < 0 ? slope * x : x,
    sigmoid: () => sigmoid,
    tanh:
      ({ inside: within, outside }) =>
      (x) =>
        outside * Math.tanh(within * x),
    gelu: () => (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
    "gelu (tanh)": () => (x) =>
      0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
    silu: () => (x) => x * sigmoid(x),
    elu:
      ({ alpha }) =>
      (x) =>
        x < 0 ? alpha * Math.expm1(x) : x,
    hardtanh:
      ({ min_val: low, max_val: high }) =>
      (x) =>
        Math.min(high, Math.max(low, x)),
  };

  function softmax(step, x) {
    const [maps, rows, columns] = step.shape;
    const area = rows * columns;
    const y = new Float64Array(x.length);
    for (let place = 0; place < area; place++) {
      let most = -Infinity,
        total = 0;
      for (let map = 0; map < maps; map++) most = Math.max(most, x[map * area + place]);
      for (let map = 0; map < maps; map++) total += Math.exp(x[map * area + place] - most);
      for (let map = 0; map < maps; map++) {
        const above = x[map * area + place] - most;
        y[map * area + place] = step.log ? above - Math.log(total) : Math.exp(above) / total;
      }
    }
    return y;
  }

  function distances({ codes, shape: [classes] }, x) {
    return Float64Array.from({ length: classes }, (_, k) =>
      sum(x.map((value, i) => (value - codes[k * x.length + i]) ** 2)),
    );
  }

  const STEPS = {
    convolution,
    distances,
    normalise,
    softmax,
    maximum: pool,
    average: pool,
    "adaptive average": pool,
    affine: (step, x) => each(step, x, (value, map) => value * step.scale[map] + step.shift[map]),
    activation: (step, x) => each(step, x, ACTIVATIONS[step.function](step)),
    flatten: (step, x) => x,
  };

  /** Make what Python packed ready to be computed. */
  function prepare({ input, steps, stages, ...rest }) {
    let from = input;
    const ready = steps.map((packed) => {
      const step = { ...packed, from };
      if (step.weights) {
        step.weights = unpack(step.weights);
        step.reads = connections(step);
      }
      from = step.shape;
      return step;
    });
    return { ...rest, input, steps: ready, stages };
  }

  /** All that a chain computes from an image: first the image, then each step's output. */
  function forward({ steps }, image) {
    const outputs = [image];
    for (const step of steps) outputs.push(STEPS[step.kind](step, outputs.at(-1)));
    return outputs;
  }

  // ---- What one unit has computed, and from what

  /** The windows that a unit of a step reads: place, numbers, weights, products. */
  function windows(step, x, index) {
    const [, rows, columns] = step.shape;
    const map = Math.floor(index / (rows * columns));
    const row = Math.floor((index % (rows * columns)) / columns),
      column = index % columns;
    if (step.kind === "distances") {
      const weights = step.codes.slice(map * x.length, (map + 1) * x.length);
      return [
        { whole: true, values: x, weights, products: x.map((v, i) => (v - weights[i]) ** 2) },
      ];
    }
    if (!step.stride && step.kind !== "adaptive average") return [];
    const place = bounds(step, row, column);
    if (step.kind !== "convolution") {
      return [{ map, ...place, values: inside(step.from, x, map, place) }];
    }
    const { down, right } = place;
    const [, height, width] = step.from;
    // Features have no place: all that are read are one window.
    if (height * width * down * right === 1) {
      const read = step.reads[map];
      const values = Float32Array.from(read, ({ input }) => x[input]);
      const weights = Float32Array.from(read, ({ offset }) => step.weights[offset]);
      return [{ whole: true, values, weights, products: values.map((v, i) => v * weights[i]) }];
    }
    return step.reads[map].map(({ input, offset }) => {
      const values = inside(step.from, x, input, place);
      const weights = step.weights.subarray(offset, offset + down * right);
      return {
        map: input,
        ...place,
        values,
        weights,
        products: values.map((v, i) => v * weights[i]),
      };
    });
  }

  /** The part of the image that a unit of a step depends on. */
  function field({ steps }, last, index) {
    const [, rows, columns] = steps[last].shape;
    const place = index % (rows * columns);
    let box = { top: Math.floor(place / columns), left: place % columns };
    box = { ...box, bottom: box.top, right: box.left };
    for (const step of steps.slice(0, last + 1).reverse()) {
      const [, height, width] = step.from;
      if (step.kind === "normalise" || step.kind === "flatten") {
        box = { top: 0, left: 0, bottom: height - 1, right: width - 1 };
      } else if (step.stride || step.kind === "adaptive average") {
        const first = bounds(step, box.top, box.left),
          end = bounds(step, box.bottom, box.right);
        box = {
          top: Math.max(0, first.top),
          left: Math.max(0, first.left),
          bottom: Math.min(height - 1, end.top + (end.down - 1) * end.apart[0]),
          right: Math.min(width - 1, end.left + (end.right - 1) * end.apart[1]),
        };
      }
    }
    return box;
  }

  /** What the steps of a stage make of one unit, in words and numbers. */
  function account({ steps }, outputs, { first, last }, index) {
    const read = windows(steps[first], outputs[first], index);
    const value = (step) => outputs[step + 1][index];
    const words = [];
    for (let i = first; i <= last; i++) {
      words.push(...spoken(steps[i], read, value(i), index));
    }
    return { read, value: value(last), words };
  }

  function spoken(step, read, value, index) {
    const map = Math.floor(index / (step.shape[1] * step.shape[2]));
    switch (step.kind) {
      case "convolution": {
        const parts = read.map((window) => ({ ...window, sum: sum(window.products) }));
        const shown =
          parts.length > 6
            ? [...parts].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum)).slice(0, 3)
            : parts;
        const others = sum(parts.map((part) => part.sum)) - sum(shown.map((part) => part.sum));
        const named = shown.map((part) => [
          part.sum,
          part.whole || step.from[0] === 1 ? "products" : `map ${part.map + 1}`,
        ]);
        if (step.bias) named.unshift([step.bias[map], "bias"]);
        if (parts.length > 6) named.push([others, `${parts.length - 3} other maps`]);
        const terms = named.map(([each, name], i) => `${i ? added(each) : number(each)} (${name})`);
        return [`${terms.join("")} = ${number(value)}`];
      }
      case "maximum":
        return [`the largest is ${number(value)}`];
      case "average":
        return [`${step.divisor === 1 ? "sum" : "mean"} ${number(value)}`];
      case "adaptive average":
        return [`mean ${number(value)}`];
      case "distances":
        return [
          `84 squared differences add up to ${number(value)}`.replace("84", read[0].values.length),
        ];
      case "affine": {
        const scale = step.scale[map],
          shift = step.shift[map];
        const times = scale === 1 ? "" : ` × ${number(scale)}`;
        return [`${times}${shift ? added(shift) : ""} = ${number(value)}`.trim()];
      }
      case "activation":
        return [
          `${nameOf(step)} ${number(value)}`,
        ];
      case "normalise":
        return [`normalised ${number(value)}`];
      case "softmax":
        return [`softmax ${number(value)}`];
      default:
        return [];
    }
  }

  const NAMES = {
    relu: "ReLU",
    "leaky relu": "leaky ReLU",
    gelu: "GELU",
    "gelu (tanh)": "GELU",
    silu: "SiLU",
    elu: "ELU",
    hardtanh: "clipped",
  };
  const nameOf = ({ function: name, outside = 1 }) =>
    outside === 1 ? (NAMES[name] ?? name) : "squashed";

  // ---- The pad

  const FINE = 4; // strokes are drawn with so many pixels in place of one

  /** Draw strokes, lists of points in pixels, and return the ink of each pixel, 0 to 1. */
  function raster(strokes, side, pen) {
    const canvas = (raster.canvas ??= element("canvas"));
    canvas.width = canvas.height = side * FINE;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = pen * FINE;
    for (const stroke of strokes) {
      const points = stroke.map(([x, y]) => [x * FINE, y * FINE]);
      context.beginPath();
      context.moveTo(...points[0]);
      // A curve through the middles between points is smooth.
      for (let i = 1; i < points.length - 1; i++) {
        const [[x, y], [nextX, nextY]] = [points[i], points[i + 1]];
        context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
      }
      context.lineTo(...points.at(-1));
      context.stroke();
    }
    const drawn = context.getImageData(0, 0, side * FINE, side * FINE).data;
    const ink = new Float32Array(side * side);
    for (let i = 0; i < drawn.length / 4; i++) {
      const row = Math.floor(i / (side * FINE * FINE)),
        column = Math.floor((i % (side * FINE)) / FINE);
      ink[row * side + column] += drawn[4 * i + 3] / (255 * FINE * FINE);
    }
    return ink;
  }

  /** Shift an image by whole pixels; what leaves is lost, and nothing comes in. */
  function moved(ink, side, [right, down]) {
    return ink.map((_, i) => {
      const row = Math.floor(i / side) - down,
        column = (i % side) - right;
      const within = row >= 0 && column >= 0 && row < side && column < side;
      return within ? ink[row * side + column] : 0;
    });
  }

  /**
   * Fit strokes into the middle as MNIST was made: into a box of 20 of its 28 pixels,
   * then the centre of mass into the centre, by whole pixels.
   */
  function settled(strokes, side, box, pen) {
    const points = strokes.flat();
    if (!points.length) return { strokes, ink: new Float32Array(side * side) };
    const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
    const span = (values) => [Math.min(...values), Math.max(...values)];
    const [[left, right], [top, bottom]] = [span(xs), span(ys)];
    // A dot stays small.
    const scale = (box - pen) / Math.max(right - left, bottom - top, box / 3);
    const fit = ([x, y]) => [
      (x - (left + right) / 2) * scale + side / 2,
      (y - (top + bottom) / 2) * scale + side / 2,
    ];
    const fitted = strokes.map((stroke) => stroke.map(fit));
    const ink = raster(fitted, side, pen);
    let mass = 0,
      x = 0,
      y = 0;
    ink.forEach((value, i) => {
      mass += value;
      x += value * ((i % side) + 0.5);
      y += value * (Math.floor(i / side) + 0.5);
    });
    const by = [Math.round(side / 2 - x / mass), Math.round(side / 2 - y / mass)];
    return {
      strokes: fitted.map((stroke) => stroke.map(([a, b]) => [a + by[0], b + by[1]])),
      ink: moved(ink, side, by),
    };
  }

  // ---- The view

  const STYLE = `
    .live { margin: auto; max-width: 358px; }
    .top { display: grid; gap: 12px; grid-template-columns: 1fr 1fr; }
    .input { position: relative; }
    .pad {
      border: 1px solid var(--line); border-radius: 6px; cursor: crosshair; overflow: hidden;
      touch-action: pinch-zoom;
    }
    .pad canvas { aspect-ratio: 1; }
    .verdict { font-size: 17px; line-height: 26px; }
    .verdict b { font-size: 22px; }
    .images {
      display: grid; margin-top: 12px; gap: 6px; grid-template-columns: repeat(6, 1fr);
      max-width: 358px;
    }
    .images button { min-height: 48px; padding: 3px; }
    .images canvas { height: 40px; margin: auto; width: 40px; }
    .scores {
      align-content: start; display: grid; gap: 0 8px; grid-template-columns: auto 1fr auto;
    }
    .scores > * { font-size: 13px; line-height: 22px; }
    .scores .bar { align-self: center; background: var(--raised); height: 12px; }
    .scores .bar i { background: var(--accent); display: block; height: 12px; }
    .scores .best { font-weight: 700; }
    .scores .below { background: var(--line); }
    .layers { align-content: start; display: grid; gap: 4px; margin-top: 16px; }
    .layer-name {
      line-height: 22px; min-width: 0; overflow: hidden; text-overflow: ellipsis;
      white-space: nowrap;
    }
    .layer-name span { color: var(--quiet); font-size: 13px; margin-left: 6px; }
    .sheet { border-radius: 3px; max-width: 358px; }
    .sheet .map { background: var(--raised); cursor: pointer; }
    .panel {
      background: var(--raised); border-radius: 8px; height: 336px; margin-top: 16px;
      overflow: hidden; padding: 12px;
    }
    .panel h3 { font-size: 15px; font-weight: 600; line-height: 22px; margin: 0; }
    .panel p { font-size: 13px; line-height: 20px; }
    .panel .panel-head { height: 118px; }
    .panel .seen { min-height: 40px; }
    .panel select { margin-top: 6px; width: 100%; }
    .grids { align-items: start; display: flex; gap: 6px; height: 140px; margin-bottom: 6px; }
    .grids figure { margin: 0; }
    .grids figcaption {
      color: var(--quiet); font-size: 13px; line-height: 20px; text-align: center;
    }
    .grids .sign { color: var(--quiet); line-height: 23px; padding-top: 66px; }
    .grids .small { flex: 1 1 0; max-width: 60px; min-width: 0; padding-top: 28px; }
    .grids .small figcaption { margin: 0 -10px; }
    .cells { display: grid; }
    .cells span {
      font-size: 13px; font-variant-numeric: tabular-nums; line-height: 23px; min-width: 36px;
      text-align: center;
    }
    .grids canvas { height: 115px; width: auto; }
    .grids .small canvas { height: auto; width: 100%; }
    .foot {
      display: flex; flex-wrap: wrap; gap: 0 16px; justify-content: space-between;
      align-items: center; margin-top: 8px; min-height: 44px;
    }
    @container (min-width: 600px) {
      .live { max-width: 760px; }
      .images { grid-template-columns: repeat(12, 1fr); max-width: none; }
      .top { gap: 16px; grid-template-columns: 232px 1fr; }
      .layers { gap: 10px 12px; grid-template-columns: minmax(84px, 1fr) minmax(0, 548px); }
      .layer-name span { display: block; margin: 0; line-height: 18px; }
      .sheet { max-width: 548px; }
      .panel { height: 276px; }
      .panel .panel-head { display: flex; gap: 16px; height: 66px; justify-content: space-between; }
      .panel .seen { min-height: 0; }
      .panel select { align-self: start; flex: none; margin: 0; width: auto; }
      .cells span { min-width: 39px; }
      .grids { gap: 10px; }
    }
  `;

  class Network extends Explorable {
    static compute = {
      // For the parity tests; `data` is what Python packs.
      outputs: (data, image) =>
        forward(prepare(data), Float32Array.from(image))
          .slice(1)
          .map((output) => [...output]),
      results: (data, images) => {
        const chain = prepare(data);
        return images.map((image) => [...forward(chain, Float32Array.from(image)).at(-1)]);
      },
      field: (data, last, index) => field(prepare(data), last, index),
      sums: (data, image, i) => {
        const chain = prepare(data);
        const x = forward(chain, Float32Array.from(image))[i];
        const { shape, bias } = chain.steps[i];
        return Array.from(
          { length: size(shape) },
          (_, index) =>
            sum(windows(chain.steps[i], x, index).map(({ products }) => sum(products))) +
            (bias ? bias[Math.floor(index / (shape[1] * shape[2]))] : 0),
        );
      },
      settled: (strokes) => [...settled(strokes, 32, 20, 2.4).ink],
    };
    static style = STYLE;

    start(data) {
      this.use(data);
      this.live.append(this.head(), this.controls(), this.body(), this.foot());
      this.showLayers();
      this.choose(0);
    }

    /** Take a chain, and what is drawn with it. */
    use(data) {
      this.chain = prepare(data);
      this.strokes = [];
      this.shift = [0, 0];
      const [channels, side, width] = data.input;
      this.drawable = channels === 1 && side === width;
      this.side = side;
      this.box = side === 32 ? 20 : (20 * side) / 28;
      this.pen = this.box * 0.12;
      if (data.images) {
        const all = unpack(data.images);
        const length = size(data.input);
        this.images = Array.from({ length: all.length / length }, (_, i) =>
          all.slice(i * length, (i + 1) * length),
        );
      }
    }

    // Its parts, from above

    head() {
      this.verdict = element("p", { className: "verdict" });
      this.scores = element("div", { className: "scores numbers" });
      return element(
        "div",
        {},
        this.verdict,
        element("div", { className: "top" }, this.inputPart(), this.scores),
      );
    }

    /** The image that goes in: a pad, where it is one that can be drawn. */
    inputPart() {
      this.canvas = element("canvas", { "aria-hidden": "true" });
      this.fieldMark = element("div", { className: "mark", hidden: true });
      this.pad = element("div", { className: "map" }, this.canvas, this.fieldMark);
      if (this.drawable) this.makePad();
      else (this.pad.setAttribute("role", "img"), this.pad.setAttribute("aria-label", "The image"));
      return element("div", { className: "input" }, this.pad);
    }

    makePad() {
      this.pad.classList.add("pad");
      this.pad.tabIndex = 0;
      this.pad.setAttribute("role", "application");
      this.pad.setAttribute(
        "aria-label",
        "Drawing pad. Draw with the pointer; the arrow keys shift what is drawn by a pixel.",
      );
      const at = (event) => {
        const place = this.canvas.getBoundingClientRect();
        return [
          ((event.clientX - place.left) / place.width) * this.side - this.shift[0],
          ((event.clientY - place.top) / place.height) * this.side - this.shift[1],
        ];
      };
      const end = (keep) => {
        if (!this.drawing) return;
        if (!keep) this.strokes.pop(); // the first finger of two that zoom
        this.drawing = false;
        this.drawn();
      };
      this.pad.onpointerdown = (event) => {
        if (!event.isPrimary) return end(false);
        if (event.button) return;
        this.pad.setPointerCapture(event.pointerId);
        if (!this.strokes.length) this.shift = [0, 0];
        this.drawing = true;
        this.image = undefined;
        this.strokes.push([at(event)]);
        this.redraw();
      };
      this.pad.onpointermove = (event) => {
        if (!this.drawing || !event.isPrimary) return;
        const all = event.getCoalescedEvents?.() ?? [];
        this.strokes.at(-1).push(...(all.length ? all : [event]).map(at));
        this.redraw();
      };
      this.pad.onpointerup = () => end(true);
      this.pad.onpointercancel = () => end(false);
      const keys = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      this.pad.onkeydown = (event) => {
        if (!keys[event.key]) return;
        event.preventDefault();
        this.move(keys[event.key]);
      };
    }

    controls() {
      const row = element("div", { className: "images", role: "group", "aria-label": "Images" });
      this.images.forEach((image, i) => {
        const canvas = element("canvas", { "aria-hidden": "true" });
        this.paintImage(canvas, image);
        const name = this.chain.captions?.[i];
        const made = button("", () => this.choose(i), {
          label: `Image ${i + 1}${name ? `: ${name}` : ""}`,
          pressed: false,
        });
        made.append(canvas);
        row.append(made);
      });
      this.choices = row;
      return element("div", { className: "controls" }, row);
    }

    body() {
      this.layers = element("div", { className: "layers" });
      this.panel = element("section", { className: "panel", "aria-label": "One unit" });
      return element("div", {}, this.layers, this.panel);
    }

    foot() {
      return element(
        "div",
        {},
        this.numbers(() => this.rows()),
        element(
          "div",
          { className: "foot quiet" },
          "Each layer is checked against PyTorch.",
          this.copyLink(),
        ),
      );
    }

    // What the reader does

    choose(i) {
      this.image = this.images[i];
      this.strokes = [];
      this.shift = [0, 0];
      [...this.choices.children].forEach((each, j) => each.setAttribute("aria-pressed", i === j));
      this.draw();
    }

    /** A stroke is complete: it goes where MNIST's digits are. */
    drawn() {
      this.strokes = this.settle().strokes;
      for (const each of this.choices?.children ?? []) each.setAttribute("aria-pressed", false);
      this.redraw();
    }

    move([right, down]) {
      const kept = (value) => Math.max(-this.side / 2, Math.min(this.side / 2, value));
      this.shift = [kept(this.shift[0] + right), kept(this.shift[1] + down)];
      this.redraw();
    }

    settle() {
      return settled(this.strokes, this.side, this.box, this.pen);
    }

    // What is drawn

    /** The numbers that go into the network. */
    pixels() {
      const { paper = 0, ink = 1 } = this.chain;
      if (!this.image) {
        return moved(this.settle().ink, this.side, this.shift).map(
          (value) => paper + value * (ink - paper),
        );
      }
      if (!this.drawable) return this.image;
      const above = this.image.map((value) => value - paper);
      return moved(above, this.side, this.shift).map((value) => value + paper);
    }

    draw() {
      this.x = this.pixels();
      this.outputs = forward(this.chain, this.x);
      this.paintInput();
      this.paintLayers();
      this.paintResult();
      this.paintUnit();
      this.foldOpen?.();
    }

    /** The pad shows the strokes where they are drawn; only afterwards do they settle. */
    paintInput() {
      if (!this.drawing) return this.paintImage(this.canvas, this.x);
      const ink = moved(raster(this.strokes, this.side, this.pen), this.side, this.shift);
      paint(this.canvas, ink, { columns: this.side, limit: 1, ink: true, colours: this.colours });
    }

    /** Draw an image in its own range: ink on paper, or in its three colours. */
    paintImage(canvas, image) {
      const {
        input: [channels, rows, columns],
        paper = 0,
        ink = 1,
      } = this.chain;
      const share = image.map((value) => Math.max(0, Math.min(1, (value - paper) / (ink - paper))));
      if (channels !== 3) {
        return paint(canvas, share.subarray(0, rows * columns), {
          columns,
          limit: 1,
          ink: true,
          colours: this.colours,
        });
      }
      canvas.width = columns;
      canvas.height = rows;
      const context = canvas.getContext("2d");
      const drawn = context.createImageData(columns, rows);
      for (let i = 0; i < rows * columns; i++) {
        for (let c = 0; c < 3; c++) drawn.data[4 * i + c] = 255 * share[c * rows * columns + i];
        drawn.data[4 * i + 3] = 255;
      }
      context.putImageData(drawn, 0, 0);
    }

    /** Lay a sheet for each stage; a subclass may put one elsewhere. */
    showLayers() {
      this.layers.replaceChildren();
      this.sheets = this.chain.stages.map((stage, i) => {
        const [maps, rows, columns] = this.chain.steps[stage.last].shape;
        const features = rows * columns === 1;
        const wide = stage.columns ?? Math.min(maps, 40);
        const high = Math.max(stage.rows ?? 0, Math.ceil(maps / wide));
        const made = sheet({
          label: `${stage.name}, ${stage.about}`,
          maps: features ? 1 : Math.min(maps, 64),
          across: stage.across,
          rows: features ? high : rows,
          columns: features ? wide : columns,
          words: (unit) => this.unitWords(i, unit),
          onpoint: (unit) => this.point(i, unit),
        });
        if (features && wide < 20) made.node.style.maxWidth = `${28 * wide}px`;
        this.place(i, made.node, stage);
        return Object.assign(made, { features, wide, high, maps });
      });
      this.unit = undefined;
    }

    place(i, node, { name, kind, about }) {
      const words = [kind, about].filter(Boolean).map((text) => element("span", {}, text));
      this.layers.append(
        element("div", { className: "layer-name" }, element("b", {}, name), ...words),
        node,
      );
    }

    paintLayers() {
      this.chain.stages.forEach(({ last, limit: given }, i) => {
        const { features, wide, high } = this.sheets[i];
        const step = this.chain.steps[last];
        let values = this.outputs[last + 1];
        if (features) {
          const full = new Float32Array(high * wide);
          full.set(values);
          values = full;
        }
        this.sheets[i].paint(values, {
          limit: given ?? limit(step, values),
          colours: this.colours,
        });
      });
    }

    paintResult() {
      const result = this.outputs.at(-1);
      const [classes, rows, columns] = this.chain.steps.at(-1).shape;
      if (rows * columns > 1) return (this.verdict.textContent = "");
      const names = this.chain.classes ?? Array.from({ length: classes }, (_, i) => String(i));
      const order = [...result.keys()];
      if (classes > 10) order.sort((a, b) => result[b] - result[a]);
      const best = result.indexOf(Math.max(...result));
      // Bars begin at zero, and go to its left for what is negative.
      const low = Math.min(0, ...result),
        range = Math.max(0, ...result) - low || 1;
      this.verdict.replaceChildren("Read as ", element("b", {}, names[best]), ".");
      this.scores.replaceChildren(
        ...order.slice(0, 10).flatMap((i) => {
          const bar = element("i", { className: result[i] < 0 ? "below" : "" });
          bar.style.marginLeft = `${(100 * (Math.min(0, result[i]) - low)) / range}%`;
          bar.style.width = `${(100 * Math.abs(result[i])) / range}%`;
          const className = i === best ? "best" : "";
          return [
            element("span", { className }, names[i]),
            element("div", { className: "bar" }, bar),
            element("span", { className }, number(result[i])),
          ];
        }),
      );
      this.say(`Read as ${names[best]}, score ${number(result[best])}.`);
    }

    // One unit

    /** The place of a unit of a sheet among its stage's numbers, if there is one. */
    index(i, { map, row, column }) {
      const { features, wide, maps } = this.sheets[i];
      const [, rows, columns] = this.chain.steps[this.chain.stages[i].last].shape;
      const index = features ? row * wide + column : (map * rows + row) * columns + column;
      return features && index >= maps ? undefined : index;
    }

    unitTitle(i, { map, row, column }) {
      const { name } = this.chain.stages[i];
      const { features } = this.sheets[i];
      if (features) return `${name}, unit ${this.index(i, { map, row, column }) + 1}`;
      return `${name}, map ${map + 1}, row ${row + 1}, column ${column + 1}`;
    }

    unitWords(i, unit) {
      const index = this.index(i, unit);
      if (index === undefined) return "no unit";
      const values = this.outputs[this.chain.stages[i].last + 1];
      return `${this.unitTitle(i, unit)}: ${number(values[index])}`;
    }

    point(i, unit) {
      this.sheets?.forEach(
        (other, j) => j !== i && other.pinned && unit?.pinned && other.point(null),
      );
      const known = unit && this.index(i, unit) !== undefined;
      this.unit = known ? { stage: i, ...unit } : undefined;
      this.chosenMap = undefined;
      this.paintUnit();
    }

    paintUnit() {
      for (const each of this.sheets) each.mark([]);
      this.fieldMark.hidden = !this.unit;
      if (!this.unit) return this.panel.replaceChildren(...this.invitation());
      const { stage: i, ...unit } = this.unit;
      const stage = this.chain.stages[i];
      const index = this.index(i, unit);
      const found = account(this.chain, this.outputs, stage, index);
      this.sheets[i].mark([unit]);
      this.frameField(field(this.chain, stage.last, index));
      if (i > 0) this.light(i - 1, found.read);
      this.fillPanel(i, unit, index, found);
    }

    invitation() {
      return [
        element("h3", {}, "One unit"),
        element(
          "p",
          { className: "quiet" },
          "Point at a pixel of any map, or tap it; on the keyboard, walk with the arrow keys. " +
            "You see what it looks at, what it multiplies, and what comes out. " +
            "A tap or Enter keeps it, Escape lets it go.",
        ),
      ];
    }

    frameField({ top, left, bottom, right }) {
      const [, rows, columns] = this.chain.input;
      this.fieldMark.style.cssText =
        `left:${(100 * left) / columns}%;top:${(100 * top) / rows}%;` +
        `width:${(100 * (right - left + 1)) / columns}%;` +
        `height:${(100 * (bottom - top + 1)) / rows}%`;
    }

    /** Frame what a unit reads of the stage before. */
    light(i, read) {
      const { features, wide, high } = this.sheets[i];
      if (features)
        return this.sheets[i].mark([{ map: 0, row: 0, column: 0, height: high, width: wide }]);
      const [, rows, columns] = this.chain.steps[this.chain.stages[i].last].shape;
      this.sheets[i].mark(
        read
          .filter(({ map }) => map < 64)
          .map(({ map, top, left, down, right, apart }) => {
            const [row, column] = [Math.max(0, top), Math.max(0, left)];
            return {
              map,
              row,
              column,
              height: Math.min(rows, top + (down - 1) * apart[0] + 1) - row,
              width: Math.min(columns, left + (right - 1) * apart[1] + 1) - column,
            };
          }),
      );
    }

    fillPanel(i, unit, index, { read, value, words }) {
      const { first, last } = this.chain.stages[i];
      const step = this.chain.steps[first];
      const { top, left, bottom, right } = field(this.chain, last, index);
      const before = i > 0 ? this.chain.stages[i - 1].name : "the image";
      const seen =
        `It sees ${bottom - top + 1}×${right - left + 1} pixels of the image. ` +
        readWords(step, read, before);
      const largest = read.length
        ? read.reduce((a, b) => (strength(b) > strength(a) ? b : a))
        : undefined;
      const shown = read.find(({ map }) => map === this.chosenMap) ?? largest;
      if (shown?.whole) shown.right = this.chain.stages[i - 1]?.columns;
      const name = `${this.unitTitle(i, unit)}: ${number(value)}`;
      this.panel.replaceChildren(
        element(
          "div",
          { className: "panel-head" },
          element("div", {}, element("h3", {}, name), element("p", { className: "seen" }, seen)),
          read.length > 1 ? this.mapChoice(read, shown, before) : "",
        ),
        this.grids(step, shown),
        element("p", { className: "numbers" }, `${words.join("; ")}.`),
      );
      this.say(`${name}. ${seen}`);
    }

    /** A list of the maps that a unit reads: one is shown with its products. */
    mapChoice(read, shown, before) {
      const select = element(
        "select",
        { "aria-label": `Map of ${before}` },
        ...read.map((window) =>
          element(
            "option",
            { value: window.map, selected: window === shown },
            `map ${window.map + 1}: sum ${number(sum(window.products))}`,
          ),
        ),
      );
      select.onchange = () => {
        this.chosenMap = Number(select.value);
        this.paintUnit();
        this.panel.querySelector("select").focus();
      };
      return select;
    }

    /** The numbers that a unit reads, its weights, and their products. */
    grids(step, window) {
      const row = element("div", { className: "grids numbers" });
      if (!window) return row;
      const {
        values,
        weights,
        products,
        right = Math.ceil(Math.sqrt(values.length * 1.5)),
      } = window;
      const wide = this.live.clientWidth >= 680;
      const part = (name, numbers, small) =>
        element(
          "figure",
          { className: small ? "small" : "" },
          element("figcaption", {}, name),
          cells(numbers, right, small, this.colours),
        );
      if (!weights) row.append(part("reads", values, false));
      else {
        const sign = step.kind === "distances" ? "−" : "×";
        row.append(
          part("reads", values, !wide),
          element("span", { className: "sign" }, sign),
          part(step.kind === "distances" ? "code" : "weights", weights, !wide),
          element("span", { className: "sign" }, "="),
          part(step.kind === "distances" ? "squares" : "products", products, false),
        );
      }
      return row;
    }

    rows() {
      const result = this.outputs.at(-1);
      const names = this.chain.classes ?? [...result.keys()];
      return [["output", "value"], ...[...result].map((value, i) => [names[i], number(value, 4)])];
    }
  }

  const strength = ({ products, values }) => Math.abs(sum(products ?? values));

  /** What a unit reads, in words. */
  function readWords(step, read, before) {
    if (!read.length) return "";
    const [{ map, values, whole }] = read;
    if (step.kind === "distances")
      return `It compares the ${values.length} units of ${before} with its code.`;
    if (whole) return `It reads all ${values.length} units of ${before}.`;
    if (read.length > 1)
      return `It reads ${values.length} numbers in each of ${read.length} maps of ${before}.`;
    const from = step.from[0] === 1 ? before : `map ${map + 1} of ${before}`;
    return `It reads ${values.length} numbers of ${from}.`;
  }

  /** The value that is drawn in full colour. */
  function limit(step, values) {
    if (step.function === "tanh") return step.outside;
    return Math.max(1e-6, ...values.map(Math.abs));
  }

  /** A small picture of numbers; few of them are written into it. */
  function cells(numbers, columns, small, colours) {
    const most = Math.max(1e-6, ...numbers.map(Math.abs));
    const rows = Math.ceil(numbers.length / columns);
    if (small || columns > 5 || rows > 5) {
      const canvas = element("canvas", { "aria-hidden": "true" });
      const full = new Float32Array(rows * columns);
      full.set(numbers);
      paint(canvas, full, { columns, limit: most, colours });
      canvas.style.aspectRatio = `${columns} / ${rows}`;
      return canvas;
    }
    const grid = element("div", { className: "cells" });
    grid.style.gridTemplateColumns = `repeat(${columns}, 1fr)`;
    for (const value of numbers) {
      const cell = element("span", {}, number(value));
      const colour = value < 0 ? colours.negative : colours.positive;
      // Pale, so that the number can be read.
      cell.style.background = `rgb(${colour.join(" ")} / ${(35 * Math.abs(value)) / most}%)`;
      grid.append(cell);
    }
    return grid;
  }

  Object.assign(globalThis.cnnbook, {
    Network,
    network: { added, field, forward, moved, number, prepare, raster, settled },
  });
  define("network", Network);
})();
