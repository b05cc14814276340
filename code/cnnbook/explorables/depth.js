// The depth machine: 2 to 100 layers, plain and residual, forward, backward and trained.
(() => {
  const { Explorable, button, choice, define, element, shape, slider } = globalThis.cnnbook;
  const { select, style } = globalThis.cnnbook.controls;

  // --- What is computed. All maps are of POINTS rows and WIDTH columns.

  const WIDTH = 32, POINTS = 24, INPUTS = 3, SIZE = WIDTH * POINTS;
  const DEEPEST = 100; // layers
  const EPSILON = 1e-5; // of batch normalisation, PyTorch's

  /** Numbers from -1 to 1 by Lehmer's generator, whose products a double holds exactly. */
  function generator(seed) {
    let state = (seed * 104729) % 2147483647;
    return () => {
      state = (48271 * state) % 2147483647;
      return (2 * state) / 2147483647 - 1;
    };
  }

  // The numbers of the seed that was asked for last: a slider asks for it many times.
  let drawn = {};
  function numbersOf(seed) {
    if (drawn.seed !== seed) {
      const count = (INPUTS + 1) * WIDTH + DEEPEST * WIDTH * WIDTH;
      drawn = { seed, numbers: Float64Array.from({ length: count }, generator(seed)) };
    }
    return drawn.numbers;
  }

  // Two arms of a spiral, and a 1 that stands in for a bias; the labels are 1 and -1.
  const INPUT = new Float64Array(POINTS * INPUTS);
  const LABELS = new Float64Array(POINTS);
  for (let point = 0; point < POINTS; point++) {
    const way = (Math.floor(point / 2) + 1) / (POINTS / 2);
    LABELS[point] = point % 2 ? -1 : 1;
    const [radius, angle] = [2.4 * way, 2.5 * Math.PI * way];
    INPUT[point * INPUTS] = LABELS[point] * radius * Math.cos(angle);
    INPUT[point * INPUTS + 1] = LABELS[point] * radius * Math.sin(angle);
    INPUT[point * INPUTS + 2] = 1;
  }

  /**
   * A network with its first weights. A setting holds layers, gain (He's weights times
   * this), shortcut (the scale of it), order, norm, zero (whether the last gain of each
   * branch begins at zero) and seed. The plain one is the same without shortcuts.
   */
  function build(kind, setting) {
    const { layers, gain, shortcut, order, norm, zero, seed } = setting;
    let at = 0;
    const draw = (count, variance) => {
      const bound = Math.sqrt(3 * variance); // of a uniform distribution
      return numbersOf(seed).slice(at, (at += count)).map((value) => bound * value);
    };
    const stem = draw(INPUTS * WIDTH, 1 / INPUTS);
    const head = draw(WIDTH, 2 / WIDTH);
    return {
      layers, order, norm, past: kind === "plain" ? 0 : shortcut, stem, head,
      weights: Array.from({ length: layers }, () => draw(WIDTH * WIDTH, 2 * gain ** 2 / WIDTH)),
      gains: new Float64Array(layers).fill(zero ? 0 : 1),
    };
  }

  const map = () => new Float64Array(SIZE);
  const rms = (values) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);

  /** Where a pass writes down what the way back needs: an entry for each layer. */
  const makeTape = (layers) => Array.from({ length: layers + 2 }, () => ({
    h: map(), normal: map(), inside: map(), arrived: map(), deviation: new Float64Array(WIDTH),
  }));
  const [spare, other, third] = [map(), map(), map()];

  const [sums, products] = [new Float64Array(WIDTH), new Float64Array(WIDTH)];

  /** Each unit minus its mean over the points, divided by its deviation. */
  function normalise({ norm }, values, into, deviation) {
    into.set(values);
    if (!norm) return;
    sums.fill(0);
    products.fill(0);
    for (let row = 0; row < SIZE; row += WIDTH) {
      for (let unit = 0; unit < WIDTH; unit++) sums[unit] += values[row + unit];
    }
    for (let row = 0; row < SIZE; row += WIDTH) {
      for (let unit = 0; unit < WIDTH; unit++) {
        into[row + unit] -= sums[unit] / POINTS;
        products[unit] += into[row + unit] ** 2;
      }
    }
    for (let unit = 0; unit < WIDTH; unit++) {
      deviation[unit] = Math.sqrt(products[unit] / POINTS + EPSILON);
    }
    for (let row = 0; row < SIZE; row += WIDTH) {
      for (let unit = 0; unit < WIDTH; unit++) into[row + unit] /= deviation[unit];
    }
  }

  /** Its derivative, times a vector from either side: the matrix is symmetric. */
  function normaliseBack({ norm }, values, { normal, deviation }, into) {
    into.set(values);
    if (!norm) return;
    sums.fill(0);
    products.fill(0);
    for (let row = 0; row < SIZE; row += WIDTH) {
      for (let unit = 0; unit < WIDTH; unit++) {
        sums[unit] += values[row + unit];
        products[unit] += values[row + unit] * normal[row + unit];
      }
    }
    for (let unit = 0; unit < WIDTH; unit++) {
      sums[unit] /= POINTS;
      products[unit] /= POINTS;
    }
    for (let row = 0; row < SIZE; row += WIDTH) {
      for (let unit = 0; unit < WIDTH; unit++) {
        const at = row + unit;
        into[at] = (values[at] - sums[unit] - normal[at] * products[unit]) / deviation[unit];
      }
    }
  }

  /** Every point times the weights; the many zeros behind a ReLU cost nothing. */
  function multiply(weights, values, into) {
    into.fill(0);
    for (let row = 0; row < SIZE; row += WIDTH) {
      for (let from = 0; from < WIDTH; from++) {
        const value = values[row + from];
        if (!value) continue;
        for (let to = 0, at = from * WIDTH; to < WIDTH; to++, at++) {
          into[row + to] += value * weights[at];
        }
      }
    }
  }

  /** The way back, only to the units that `open` lets pass. */
  function multiplyBack(weights, values, into, open) {
    for (let row = 0; row < SIZE; row += WIDTH) {
      for (let to = 0; to < WIDTH; to++) {
        let sum = 0;
        if (!open || open[row + to] > 0) {
          for (let from = 0, at = to * WIDTH; from < WIDTH; from++, at++) {
            sum += values[row + from] * weights[at];
          }
        }
        into[row + to] = sum;
      }
    }
  }

  const relu = (values, into) => {
    for (let i = 0; i < SIZE; i++) into[i] = values[i] > 0 ? values[i] : 0;
  };
  const close = (values, open) => {
    for (let i = 0; i < SIZE; i++) if (!(open[i] > 0)) values[i] = 0;
  };

  /** What layer k, counted from 1, makes of the map before it. */
  function forwardLayer(net, tape, k) {
    const { past, order } = net;
    const [before, { h, normal, inside, deviation }] = [tape[k - 1].h, tape[k]];
    const [weights, gain] = [net.weights[k - 1], net.gains[k - 1]];
    if (order === "pre") {
      normalise(net, before, normal, deviation);
      relu(normal, spare);
      multiply(weights, spare, inside);
      for (let i = 0; i < SIZE; i++) h[i] = past * before[i] + gain * inside[i];
    } else {
      multiply(weights, before, inside);
      normalise(net, inside, normal, deviation);
      for (let i = 0; i < SIZE; i++) h[i] = Math.max(0, past * before[i] + gain * normal[i]);
    }
  }

  /** Send the points through; returns the loss, the mean of log(1 + exp(-label · score)). */
  function forward(net, tape) {
    const { layers, order, stem, head } = net;
    for (let point = 0; point < POINTS; point++) {
      for (let unit = 0; unit < WIDTH; unit++) {
        let sum = 0;
        for (let i = 0; i < INPUTS; i++) sum += INPUT[point * INPUTS + i] * stem[i * WIDTH + unit];
        tape[0].h[point * WIDTH + unit] = sum;
      }
    }
    for (let k = 1; k <= layers; k++) forwardLayer(net, tape, k);
    // What the head reads: with pre-activation, one more normalisation and ReLU.
    const { h, normal, deviation } = tape[layers + 1];
    if (order === "pre") {
      normalise(net, tape[layers].h, normal, deviation);
      relu(normal, h);
    } else h.set(tape[layers].h);
    let loss = 0;
    tape.slopes = LABELS.map((label, point) => {
      let score = 0;
      for (let unit = 0; unit < WIDTH; unit++) score += h[point * WIDTH + unit] * head[unit];
      const margin = label * score;
      loss += (Math.log1p(Math.exp(-Math.abs(margin))) + Math.max(0, -margin)) / POINTS;
      return -label / (1 + Math.exp(margin)) / POINTS;
    });
    return loss;
  }

  /** What goes back through the branch of layer k. */
  function branchBack(net, tape, k, arriving, into) {
    const gain = net.gains[k - 1];
    for (let i = 0; i < SIZE; i++) spare[i] = gain * arriving[i];
    if (net.order === "pre") {
      multiplyBack(net.weights[k - 1], spare, other, tape[k].normal);
      normaliseBack(net, other, tape[k], into);
    } else {
      normaliseBack(net, spare, tape[k], other);
      multiplyBack(net.weights[k - 1], other, into);
    }
  }

  /** The same derivative in the direction of computation. */
  function branchAhead(net, tape, k, change, into) {
    if (net.order === "pre") {
      normaliseBack(net, change, tape[k], spare);
      close(spare, tape[k].normal);
      multiply(net.weights[k - 1], spare, into);
    } else {
      multiply(net.weights[k - 1], change, spare);
      normaliseBack(net, spare, tape[k], into);
    }
    for (let i = 0; i < SIZE; i++) into[i] *= net.gains[k - 1];
  }

  /** The derivatives of the loss by the maps: their sizes, and the first and last of them. */
  function backward(net, tape) {
    const { layers, past, order } = net;
    const read = tape[layers + 1];
    const arriving = map();
    for (let i = 0; i < SIZE; i++) {
      arriving[i] = tape.slopes[Math.floor(i / WIDTH)] * net.head[i % WIDTH];
    }
    if (order === "pre") {
      close(arriving, read.normal);
      normaliseBack(net, arriving, read, other);
      arriving.set(other);
    }
    const last = arriving.slice();
    const sizes = [rms(arriving)];
    tape.gains = new Float64Array(layers);
    for (let k = layers; k > 0; k--) {
      if (order === "post") close(arriving, tape[k].h);
      branchBack(net, tape, k, arriving, third);
      // What arrives at the product of weights and values, for the weights' derivatives.
      tape[k].arrived.set(order === "pre" ? spare : other);
      const branch = order === "pre" ? tape[k].inside : tape[k].normal;
      for (let i = 0; i < SIZE; i++) {
        tape.gains[k - 1] += arriving[i] * branch[i];
        arriving[i] = past * arriving[i] + third[i];
      }
      sizes.unshift(rms(arriving));
    }
    return { sizes, first: arriving, last };
  }

  /** The derivatives by all weights, after the way back. */
  function weightGradients(net, tape, first) {
    const { layers, order } = net;
    const stem = new Float64Array(INPUTS * WIDTH);
    const head = new Float64Array(WIDTH);
    for (let i = 0; i < SIZE; i++) {
      const [point, unit] = [Math.floor(i / WIDTH), i % WIDTH];
      head[unit] += tape.slopes[point] * tape[layers + 1].h[i];
      for (let input = 0; input < INPUTS; input++) {
        stem[input * WIDTH + unit] += INPUT[point * INPUTS + input] * first[i];
      }
    }
    const weights = net.weights.map((_, k) => {
      if (order === "post") return outer(tape[k].h, tape[k + 1].arrived);
      relu(tape[k + 1].normal, spare);
      return outer(spare, tape[k + 1].arrived);
    });
    return { stem, head, weights, gains: tape.gains };
  }

  /** The sum over all points of each value times each derivative. */
  function outer(values, arrived) {
    const sum = new Float64Array(WIDTH * WIDTH);
    for (let row = 0; row < SIZE; row += WIDTH) {
      for (let from = 0; from < WIDTH; from++) {
        const value = values[row + from];
        if (!value) continue;
        for (let to = 0, at = from * WIDTH; to < WIDTH; to++, at++) {
          sum[at] += value * arrived[row + to];
        }
      }
    }
    return sum;
  }

  /**
   * The share of the gradient at the first map that comes by paths of each length.
   *
   * The gradient is a product of layers, each of which leads past its branch or through
   * it. Multiply each branch by z, and it is a polynomial in z, whose k-th coefficient is
   * the sum of all paths through k branches. Its share is its projection on the whole, so
   * that all shares add up to one. The lower half of the layers is followed ahead, from
   * the direction of the whole, the upper one back: that is half the work. A generator,
   * as even half of it takes longer than a frame.
   */
  function* pathShares(net, tape, { first, last }) {
    const { layers, past, order } = net;
    const square = first.reduce((sum, v) => sum + v * v, 0);
    const middle = Math.floor(layers / 2);
    const ahead = [first.map((v) => v / square)];
    const back = [last.slice()];
    const combine = (terms, k, branch, isAhead) => {
      if (order === "post" && !isAhead) for (const term of terms) close(term, tape[k].h);
      terms.push(map());
      for (let length = terms.length - 1; length >= 0; length--) {
        if (length) branch(net, tape, k, terms[length - 1], third);
        else third.fill(0);
        const term = terms[length];
        for (let i = 0; i < SIZE; i++) term[i] = past * term[i] + third[i];
      }
      if (order === "post" && isAhead) for (const term of terms) close(term, tape[k].h);
    };
    for (let k = 1; k <= middle; k++, yield) combine(ahead, k, branchAhead, true);
    for (let k = layers; k > middle; k--, yield) combine(back, k, branchBack, false);
    const shares = new Array(layers + 1).fill(0);
    for (const [i, one] of ahead.entries()) {
      for (const [j, two] of back.entries()) {
        for (let at = 0; at < SIZE; at++) shares[i + j] += one[at] * two[at];
      }
    }
    return square > 0 && square < Infinity ? shares : null;
  }

  // A step's promised fall, in shares of the loss: half powers of ten, to the whole of it.
  const PROMISES = Array.from({ length: 13 }, (_, i) => 10 ** (i / 2 - 6));

  const PARTS = ["stem", "head", "gains"];

  /** Move all weights against the gradient. */
  function descend(net, gradient, rate) {
    const moved = (values, slopes) => values.map((value, i) => value - rate * slopes[i]);
    const changed = Object.fromEntries(
      PARTS.map((name) => [name, moved(net[name], gradient[name])]));
    const weights = net.weights.map((values, k) => moved(values, gradient.weights[k]));
    return { ...net, ...changed, weights };
  }

  const squareNorm = (gradient) =>
    [...gradient.weights, ...PARTS.map((name) => gradient[name])].reduce(
      (sum, values) => values.reduce((part, v) => part + v * v, sum), 0);

  /** Of the fall in loss that the gradient promises, the part that a step delivers. */
  function* keptPromises(net, { loss, gradient }, tape) {
    const square = squareNorm(gradient);
    if (!(square > 0 && square < Infinity && loss > 0)) return null;
    const kept = [];
    for (const share of PROMISES) {
      const moved = forward(descend(net, gradient, (share * loss) / square), tape);
      kept.push((loss - moved) / (share * loss));
      yield;
    }
    return kept;
  }

  /** One pass forward and back: sizes of the maps, and of the derivatives by them. */
  function measure(net, tape) {
    const loss = forward(net, tape);
    const signal = tape.slice(0, net.layers + 1).map(({ h }) => rms(h));
    return { loss, signal, ...backward(net, tape) };
  }

  /** Run a generator to its end. */
  function finish(work) {
    let step = work.next();
    while (!step.done) step = work.next();
    return step.value;
  }

  const STEPS = 100; // of a training

  /** A step of gradient descent on all points; returns the loss before it, and the new net. */
  function train(net, tape, rate) {
    const loss = forward(net, tape);
    const { first } = backward(net, tape);
    return { loss, net: descend(net, weightGradients(net, tape, first), rate) };
  }

  // For the parity test: all that is drawn, and the norm of each gradient.
  function machine(kind, setting) {
    const net = build(kind, setting);
    const tape = makeTape(net.layers);
    const { loss, signal, sizes, first, last } = measure(net, tape);
    const gradient = weightGradients(net, tape, first);
    const norm = (values) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
    const norms = [...PARTS.map((name) => gradient[name]), ...gradient.weights].map(norm);
    const shares = finish(pathShares(net, tape, { first, last }));
    const kept = finish(keptPromises(net, { loss, gradient }, tape));
    return { loss, signal, sizes, norms, shares, kept };
  }

  function losses(kind, setting, rate, steps) {
    let net = build(kind, setting);
    const tape = makeTape(net.layers);
    return Array.from({ length: steps + 1 }, () => {
      const step = train(net, tape, rate);
      net = step.net;
      return step.loss;
    });
  }

  // --- Examples, each with what there is to see.

  const START = {
    layers: 50, gain: 1, shortcut: 1, order: "pre", norm: false, zero: false, seed: 1, rate: 0.1,
  };
  const EXAMPLES = {
    he: {
      name: "50 layers, He’s weights",
      comment: "He chose the scale for plain networks, and the plain gradient does neither. The " +
        "shortcuts add 50 branches to a sum that nothing holds down: it explodes.",
    },
    small: {
      name: "Weights a fifth smaller", gain: 0.8,
      comment: "A plain layer now multiplies by about 0.8, and after 50 less than a " +
        "hundred-thousandth is left: it vanishes. The residual network still explodes.",
    },
    doubled: {
      name: "The stream doubles", layers: 24,
      comment: "A branch is on average as large as the stream, whose mean square it doubles. " +
        "24 layers make that an RMS of 4,096 times the first; this seed has a third of it.",
    },
    normalised: {
      name: "Batch normalisation", norm: true,
      comment: "Now they change places: the plain gradient explodes, although the signal keeps " +
        "its size. The residual one does neither; it comes by short paths.",
    },
    hundred: {
      name: "100 layers, normalised", norm: true, layers: 100,
      comment: "Train both. The residual network’s loss falls below 0.1. That of the plain " +
        "one, whose first gradient grows by ten powers of ten, stays above 0.3.",
    },
    zero: {
      name: "Zero-γ: branches begin at 0", norm: true, zero: true,
      comment: "Each residual layer begins as its shortcut, and the gradient arrives whole. The " +
        "plain network has nothing else: no signal passes, and it cannot learn.",
    },
    halved: {
      name: "Shortcuts halved: 0.5ⁿ", shortcut: 0.5, zero: true,
      comment: "With branches that begin at 0 only the shortcuts lead back, and each halves: " +
        "0.5⁵⁰ is 8.9·10⁻¹⁶. A harmless factor acts once a layer.",
    },
    shared: {
      name: "Shortcut and weights × 0.7", gain: 0.7, shortcut: 0.7,
      comment: "0.7² + 0.7² is nearly 1, so the sum keeps its size without normalisation, and " +
        "the residual gradient does neither. The plain one vanishes.",
    },
    after: {
      name: "ReLU after the sum", norm: true, order: "post",
      comment: "As in the first ResNet, a ReLU stands on the main path; no path leads past it. " +
        "The residual gradient still does neither; the plain one explodes.",
    },
    own: { name: "Your own setting", comment: "Choose an example to begin again." },
  };
  const KINDS = { plain: "plain", residual: "residual" };
  const LIMITS = {
    layers: [2, DEEPEST], gain: [0.5, 2], shortcut: [0, 1.5], seed: [1, 20], rate: [0.001, 1],
  };
  // A gradient vanishes or explodes if it changes this many times over the whole network.
  const THRESHOLD = 1000;

  const factor = (to, from) => (to === 0 ? 0 : to / from);

  function verdict(factor) {
    if (!(factor > 0)) return "no gradient arrives";
    if (factor < 1 / THRESHOLD) return "vanishes";
    return factor > THRESHOLD ? "explodes" : "neither vanishes nor explodes";
  }

  // --- How it is written and drawn.

  const signed = (text) => String(text).replaceAll("-", "−");
  const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const raised = (power) => `10${String(power).replace(/./g, (sign) => RAISED[sign] ?? "⁻")}`;

  /** Two digits that count: 0.23, 41, 3.1·10⁻⁷. */
  function number(value) {
    if (!Number.isFinite(value)) return "∞";
    const power = value ? Math.floor(Math.log10(Math.abs(Number(value.toPrecision(2))))) : 0;
    if (power < -3 || power > 4) {
      return `${signed((value / 10 ** power).toFixed(1))}·${raised(power)}`;
    }
    return signed(Number(value.toPrecision(2)).toLocaleString("en"));
  }

  // A panel's drawing, in pixels where there is room, and the place of its axes in it.
  const PANEL = { width: 334, height: 150, left: 44, right: 14, top: 8, bottom: 22 };
  const SLICE = 10; // milliseconds of a frame for what takes longer than one
  const FLOOR = 1e-45; // nothing smaller is drawn

  /** An axis: from a value to a place, with what is written at some of its values. */
  function logScale(values, [from, to], least = 2, most = 5) {
    const powers = values.filter((v) => v > FLOOR && v < 1 / FLOOR).map(Math.log10);
    let low = Math.floor(Math.min(0, ...powers) + 1e-9);
    let high = Math.ceil(Math.max(0, ...powers) - 1e-9);
    for (; high - low < least; high++) low -= Number(high - low + 1 < least);
    const step = Math.ceil((high - low) / most);
    const ticks = [];
    for (let at = Math.ceil(low / step) * step; at <= high; at += step) {
      ticks.push([10 ** at, raised(at)]);
    }
    const place = (value) => {
      const power = Math.max(low, Math.min(high, Math.log10(value)));
      return from + ((power - low) / (high - low)) * (to - from);
    };
    return { place, ticks };
  }

  function linearScale([low, high], [from, to], ticks, words = number) {
    const place = (value) => {
      const inside = Math.max(low, Math.min(high, value));
      return from + ((inside - low) / (high - low)) * (to - from);
    };
    return { place, ticks: ticks.map((at) => [at, words(at)]) };
  }

  /** Round steps for an axis of a few ticks. */
  function ticksOf(low, high) {
    const rough = (high - low) / 4;
    const unit = 10 ** Math.floor(Math.log10(rough));
    const step = unit * [1, 2, 5, 10].find((times) => unit * times >= rough);
    const first = Math.ceil(low / step);
    return Array.from({ length: Math.floor(high / step) - first + 1 },
      (_, i) => Number(((first + i) * step).toPrecision(6)));
  }

  /** One of the panels: a title, a drawing and a line below it. */
  class Panel {
    constructor(title, along) {
      this.axes = shape("g");
      this.lines = shape("g");
      this.title = title;
      this.drawing = shape("svg",
        { viewBox: `0 0 ${PANEL.width} ${PANEL.height + 16}`, role: "img" }, this.axes, this.lines,
        shape("text", { class: "along", x: PANEL.width - PANEL.right, y: PANEL.height + 12,
          "text-anchor": "end" }, along));
      this.words = element("p", { className: "quiet words" });
      this.node = element("div", { className: "panel" },
        element("p", { className: "title" }, title), this.drawing, this.words);
    }

    static across = [PANEL.left, PANEL.width - PANEL.right];
    static upward = [PANEL.height - PANEL.bottom, PANEL.top];

    drawAxes(x, y) {
      const [left, right] = Panel.across;
      const [bottom, top] = Panel.upward;
      this.x = x;
      this.y = y;
      this.axes.replaceChildren(
        ...y.ticks.flatMap(([value, words]) => [
          shape("line", { class: "grid", x1: left, x2: right, y1: y.place(value),
            y2: y.place(value) }),
          shape("text", { x: left - 5, y: y.place(value) + 4, "text-anchor": "end" }, words)]),
        ...x.ticks.flatMap(([value, words]) => [
          shape("line", { class: "grid", y1: bottom, y2: bottom + 4, x1: x.place(value),
            x2: x.place(value) }),
          shape("text", { x: x.place(value), y: bottom + 17, "text-anchor": "middle" }, words)]),
        shape("line", { class: "grid", x1: left, x2: left, y1: top, y2: bottom }));
      this.lines.replaceChildren();
    }

    /** A line through all values that there are, with a mark at its end. */
    drawLine(kind, pairs, keep = (value) => Number.isFinite(value)) {
      const points = pairs.filter(([, value]) => keep(value))
        .map(([x, y]) => [this.x.place(x), this.y.place(y)]);
      if (!points.length) return;
      const [x, y] = points.at(-1);
      this.lines.append(
        shape("polyline", { class: `line ${kind}`, points: points.join(" ") }),
        kind === "plain"
          ? shape("circle", { class: `dot ${kind}`, cx: x, cy: y, r: 4 })
          : shape("path", { class: `dot ${kind}`, d: `M${x - 6} ${y}l6 -6l6 6l-6 6z` }));
    }

    /** What a reader who cannot see it is told. */
    describe(words) {
      this.drawing.setAttribute("aria-label", `${this.title}: ${words}`);
    }

    say(words) {
      this.words.textContent = words;
      this.describe(words);
    }

    /** What it shows is not that of the present setting; its successor is computed. */
    set waiting(flag) { this.node.classList.toggle("waiting", flag); }
  }

  const TITLES = {
    signal: ["Forward: RMS of h", "layer"],
    gradient: ["Backward: RMS of ∂E/∂h", "layer"],
    paths: ["Share of ∂E/∂h₀, by length of path", "branches on the path"],
    promise: ["Fall of the loss, % of the promised", "promised, as a share of the loss"],
  };

  class Depth extends Explorable {
    static compute = { machine, losses, verdict };
    static examples = EXAMPLES;
    static style = `${style}
      :host { --plain: #0072b2; --residual: #b85c00; }
      :host([dark]) { --plain: #63b3ec; --residual: #f0b041; }
      .live { display: grid; gap: 10px; }
      .comment { --lines: 4; }
      .knobs { display: grid; gap: 0 20px; grid-template-columns: 1fr 1fr; }
      .formula { font-size: 14px; margin-top: 8px; min-height: calc(var(--formula, 5) * 1.45em); }
      .row button { flex: 1; font-size: 14px; min-width: 0; padding: 4px; }
      .switches { display: grid; gap: 8px; }
      .verdicts { background: var(--raised); border-radius: 6px; display: grid; font-size: 14px;
        gap: 4px; padding: 10px 12px; }
      .verdicts .verdict { min-height: 2.9em; }
      .verdict b { white-space: nowrap; }
      .verdict b::before { border: 2px solid; content: ""; display: inline-block; height: 10px;
        margin-right: 7px; width: 10px; }
      .verdict.plain b::before { background: var(--plain); border-color: var(--plain);
        border-radius: 50%; }
      .verdict.residual b::before { border-color: var(--residual); transform: rotate(45deg); }
      .panels { display: grid; gap: 10px 12px; }
      .panel { min-width: 0; }
      .panel .title { font-size: 14px; font-weight: 600; }
      .panel svg { display: block; margin: auto; max-width: 345px; overflow: visible; width: 100%; }
      .panel .words:not(:empty) { min-height: 4.35em; }
      .waiting svg, .waiting .words { opacity: 0.45; }
      svg text { fill: var(--quiet); font-size: 12px; font-variant-numeric: tabular-nums; }
      .grid { stroke: var(--faint); }
      .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
      .line.plain, .dot.plain { stroke: var(--plain); }
      .line.residual, .dot.residual { stroke: var(--residual); }
      .dot { fill: var(--surface); stroke-width: 2; }
      .dot.plain { fill: var(--plain); }
      .bar { fill: var(--residual); }
      .count { fill: none; stroke: var(--line); stroke-dasharray: 3 3; }
      .train { border-top: 1px solid var(--faint); display: grid; gap: 8px 12px;
        padding-top: 10px; }
      .train .row { flex-wrap: nowrap; }
      @container (min-width: 600px) {
        .comment { --lines: 2; }
        .formula { --formula: 3; }
        .knobs { grid-template-columns: repeat(4, 1fr); }
        .switches { grid-template-columns: 1fr 1fr; }
        .verdicts .verdict { min-height: 0; }
        .panels, .train { grid-template-columns: 1fr 1fr; }
      }
    `;

    start() {
      this.tapes = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, makeTape(DEEPEST)]));
      this.restart("he");
      this.live.append(this.makeChoice(), this.makeKnobs(), this.makeVerdicts(),
        this.makePanels(), this.makeTraining(), this.makeFoot());
      this.draw();
    }

    /** Take over all settings of an example. */
    restart(name) {
      const { name: _, comment: __, ...changes } = EXAMPLES[name];
      const { rate, ...setting } = { ...START, ...changes };
      Object.assign(this, { example: name, setting, rate });
      this.rebuild();
    }

    /** Begin with the first weights again. */
    rebuild() {
      this.nets = Object.fromEntries(Object.keys(KINDS).map(
        (kind) => [kind, build(kind, this.setting)]));
      this.curves = { plain: [], residual: [] };
      this.steps = this.toTrain = 0;
      this.pending = null;
    }

    changed(changes) {
      Object.assign(this.setting, changes);
      this.example = "own";
      this.rebuild();
      this.redraw();
      this.share(this.address());
    }

    // --- The parts of the page.

    makeChoice() {
      this.choose = select("Example", EXAMPLES, (name) => {
        this.restart(name);
        this.redraw();
        this.share(this.address());
      });
      this.choose.node.classList.add("controls");
      this.comment = element("p", { className: "lines comment" });
      return element("div", {}, this.choose.node, this.comment);
    }

    makeKnobs() {
      const knob = (name, label, step, words) => slider({
        label, min: LIMITS[name][0], max: LIMITS[name][1], step, value: this.setting[name], words,
        oninput: (value) => this.changed({ [name]: value }),
      });
      this.knobs = {
        layers: knob("layers", "layers", 1),
        gain: knob("gain", "weights", 0.05, (gain) => `${gain} × He`),
        shortcut: knob("shortcut", "shortcut", 0.05, (past) => `× ${past}`),
        seed: knob("seed", "seed", 1),
      };
      const orders = { pre: "pre-activation", post: "ReLU after the sum" };
      this.orders = choice("Order", orders, this.setting.order, (order) => this.changed({ order }));
      const flag = (name, text) => button(text,
        () => this.changed({ [name]: !this.setting[name] }), { pressed: false });
      this.flags = { norm: flag("norm", "normalised"), zero: flag("zero", "branches begin at 0") };
      return element("div", { className: "controls" },
        element("div", { className: "knobs" },
          ...Object.values(this.knobs).map(({ node }) => node)),
        element("div", { className: "switches" }, this.orders.node,
          element("div", { className: "row" }, ...Object.values(this.flags))),
        this.formula = element("p", { className: "formula" }));
    }

    /** What a layer computes. */
    get words() {
      const { order, norm, zero, shortcut } = this.setting;
      const inside = (what) => (norm ? `N(${what})` : what);
      const sum = order === "pre" ? `${shortcut}·h + γ·W·relu(${inside("h")})`
        : `relu(${shortcut}·h + γ·${inside("W·h")})`;
      const last = order === "pre" ? ` A last relu(${inside("h")}) precedes the output.` : "";
      const normal = norm ? `N normalises each unit over the batch of ${POINTS} points; ` : "";
      return `A layer of ${WIDTH} units: h ← ${sum}, in the plain network without the ` +
        `${shortcut}·h.${last} ${normal}γ, one number a layer, begins at ${Number(!zero)}.`;
    }

    makeVerdicts() {
      this.verdicts = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, element("span")]));
      return element("div", { className: "verdicts numbers" },
        ...Object.entries(KINDS).map(([kind, name]) => element("p",
          { className: `verdict ${kind}` }, element("b", {}, name), " ", this.verdicts[kind])),
        element("p", { className: "quiet" }, "On its way back the gradient vanishes if less than " +
          "a thousandth is left of it, and explodes if it grows more than a thousand times."));
    }

    makePanels() {
      this.panels = Object.fromEntries(Object.entries(TITLES).map(
        ([name, texts]) => [name, new Panel(...texts)]));
      return element("div", { className: "panels" },
        ...Object.values(this.panels).map(({ node }) => node));
    }

    makeTraining() {
      this.rates = slider({
        label: "learning rate", min: -3, max: 0, step: 0.25, value: Math.log10(this.rate),
        words: (power) => String(Number((10 ** power).toPrecision(2))),
        oninput: (power) => {
          this.rate = 10 ** power;
          this.share(this.address());
        },
      });
      this.trains = button(`Train ${STEPS} steps`, () => this.train());
      this.again = button("First weights", () => {
        this.rebuild();
        this.redraw();
      });
      this.curve = new Panel("Loss, step by step", "step");
      return element("div", { className: "train" },
        element("div", { className: "controls" }, this.rates.node,
          element("div", { className: "row" }, this.trains, this.again),
          element("p", { className: "quiet" }, `Gradient descent on all ${POINTS} points, which ` +
            "are two arms of a spiral. Both networks begin with the same weights; the panels " +
            "above then show the trained ones.")), this.curve.node);
    }

    makeFoot() {
      this.fold = this.numbers(() => this.rows());
      return element("div", { className: "foot" }, this.fold,
        element("span", { className: "quiet" }, "checked against PyTorch"), this.copyLink());
    }

    // --- The state in the page's address.

    address() {
      const { layers, gain, shortcut, order, norm, zero, seed } = this.setting;
      return [layers, gain, shortcut, order, Number(norm), Number(zero), seed,
        Number(this.rate.toPrecision(3))].join("_");
    }

    restore(state) {
      const [layers, gain, shortcut, order, norm, zero, seed, rate] = state.split("_");
      if (state in EXAMPLES) this.restart(state);
      else if (["pre", "post"].includes(order)) {
        const read = { layers, gain, shortcut, seed, rate };
        for (const [name, text] of Object.entries(read)) {
          const [low, high] = LIMITS[name];
          const value = Number.isFinite(Number(text)) ? Number(text) : START[name];
          read[name] = Math.max(low, Math.min(high, value));
        }
        for (const name of ["layers", "seed"]) read[name] = Math.floor(read[name]);
        ({ rate: this.rate, ...this.setting } = read);
        Object.assign(this.setting, { order, norm: norm === "1", zero: zero === "1" });
        this.example = "own";
        this.rebuild();
      }
      this.draw();
    }

    // --- Training, a few steps a frame, as many as a phone has time for.

    train() {
      this.toTrain = STEPS;
      this.steps += STEPS;
      this.pending = null;
      // The loss that it begins with is the one that the last training ended with.
      for (const losses of Object.values(this.curves)) losses.pop();
      this.redraw();
    }

    trainSome(until) {
      do {
        for (const kind of Object.keys(KINDS)) {
          const { net, loss } = train(this.nets[kind], this.tapes[kind], this.rate);
          this.nets[kind] = net;
          this.curves[kind].push(loss);
        }
        this.toTrain--;
      } while (this.toTrain && performance.now() < until);
    }

    // --- Drawing: forward and back at once; the rest follows, a slice in each frame.

    draw() {
      this.choose.set(this.example);
      this.comment.textContent = EXAMPLES[this.example].comment;
      this.formula.textContent = this.words;
      for (const [name, { set }] of Object.entries(this.knobs)) set(this.setting[name]);
      this.rates.set(Math.log10(this.rate));
      this.orders.set(this.setting.order);
      for (const [name, made] of Object.entries(this.flags)) {
        made.setAttribute("aria-pressed", this.setting[name]);
      }
      if (this.toTrain) this.trainSome(performance.now() + SLICE);
      if (this.toTrain) {
        this.drawTraining();
        this.redraw();
        return;
      }
      this.measured = Object.fromEntries(Object.keys(KINDS).map(
        (kind) => [kind, measure(this.nets[kind], this.tapes[kind])]));
      for (const [kind, { loss }] of Object.entries(this.measured)) {
        if (this.curves[kind].length === this.steps) this.curves[kind].push(loss);
      }
      this.drawTraining();
      this.factors = {};
      this.drawLayers("signal", "signal", (sizes) => factor(sizes.at(-1), sizes[0]));
      this.drawLayers("gradient", "sizes", (sizes) => factor(sizes[0], sizes.at(-1)));
      this.drawVerdicts();
      this.panels.paths.waiting = this.panels.promise.waiting = true;
      this.follows(this.work());
      this.fold.fill();
    }

    drawLayers(panel, sizes, factorOf) {
      const { layers } = this.setting;
      const lines = Object.keys(KINDS).map((kind) => [kind, this.measured[kind][sizes]]);
      const made = this.panels[panel];
      const middle = Math.round(layers / 2);
      made.drawAxes(
        linearScale([0, layers], Panel.across, [...new Set([0, middle, layers])], String),
        logScale(lines.flatMap(([, values]) => [...values]), Panel.upward));
      for (const [kind, values] of lines) {
        const pairs = [...values].map((value, layer) => [layer, value]);
        // The gradient arrives at the first layer, and its mark stands there.
        if (panel === "gradient") pairs.reverse();
        made.drawLine(kind, pairs, (value) => value > FLOOR);
      }
      this.factors[panel] = Object.fromEntries(
        lines.map(([kind, values]) => [kind, factorOf(values)]));
      const words = lines.map(([kind, values]) => `${kind} × ${number(factorOf(values))}`);
      made.describe(`over all layers ${words.join(", ")}`);
    }

    drawVerdicts() {
      const said = Object.keys(KINDS).map((kind) => {
        const { signal, gradient } = this.factors;
        this.verdicts[kind].textContent = `signal × ${number(signal[kind])}, gradient × ` +
          `${number(gradient[kind])}: ${verdict(gradient[kind])}`;
        return `${kind}: ${this.verdicts[kind].textContent}`;
      });
      this.say(said.join("; "));
    }

    /** Do work in slices between frames; what was still to do for an older setting is dropped. */
    follows(work) {
      this.pending = work;
      this.slice ??= requestAnimationFrame(() => this.doSlice());
    }

    doSlice() {
      const until = performance.now() + SLICE;
      while (this.pending && performance.now() < until) {
        if (this.pending.next().done) this.pending = null;
      }
      this.slice = this.pending ? requestAnimationFrame(() => this.doSlice()) : undefined;
    }

    *work() {
      const { measured, nets, tapes } = this;
      for (const kind of Object.keys(KINDS)) {
        measured[kind].gradient = weightGradients(nets[kind], tapes[kind], measured[kind].first);
        yield;
      }
      this.drawPaths(yield* pathShares(nets.residual, tapes.residual, measured.residual));
      const kept = {};
      for (const kind of Object.keys(KINDS)) {
        kept[kind] = yield* keptPromises(nets[kind], measured[kind], tapes[kind]);
      }
      this.drawPromises(kept);
    }

    drawPaths(shares) {
      const { layers } = this.setting;
      const panel = this.panels.paths;
      panel.waiting = false;
      let count = 0.5 ** layers;
      const counts = Array.from({ length: layers + 1 }, (_, length) => {
        const share = count;
        count *= (layers - length) / (length + 1);
        return share;
      });
      const low = Math.min(0, ...shares ?? []);
      const high = Math.max(...counts, ...shares ?? []);
      panel.drawAxes(
        linearScale([-0.5, layers + 0.5], Panel.across,
          [...new Set([0, Math.round(layers / 2), layers])], String),
        linearScale([low, high], Panel.upward, ticksOf(low, high),
          (share) => `${number(100 * share)} %`));
      const pairs = counts.map(
        (share, length) => `${panel.x.place(length)},${panel.y.place(share)}`);
      const width = Math.max(1.5, 0.8 * (panel.x.place(1) - panel.x.place(0)));
      const zero = panel.y.place(0);
      panel.lines.append(...(shares ?? []).map((share, length) => {
        const top = panel.y.place(share);
        return shape("rect", { class: "bar", x: panel.x.place(length) - width / 2, width,
          y: Math.min(top, zero), height: Math.abs(top - zero) });
      }), shape("polyline", { class: "count", points: pairs.join(" ") }));
      if (!shares) return panel.say("No gradient arrives at the first layer, by any path.");
      const mean = shares.reduce((sum, share, length) => sum + share * length, 0);
      panel.say(`Residual: mean length ${number(mean)} of ${layers}; past all branches comes ` +
        `${number(100 * shares[0])} %. Dashed: how many paths there are. Plain has one path.`);
    }

    drawPromises(kept) {
      const panel = this.panels.promise;
      panel.waiting = false;
      panel.drawAxes(logScale(PROMISES, Panel.across, 6, 3),
        linearScale([-20, 120], Panel.upward, [0, 50, 100]));
      const best = Object.keys(KINDS).map((kind) => {
        if (!kept[kind]) return `${kind} cannot step`;
        panel.drawLine(kind, kept[kind].map((part, i) => [PROMISES[i], 100 * part]));
        const falls = kept[kind].map((part, i) => part * PROMISES[i]).filter(Number.isFinite);
        return `${kind} by ${number(100 * Math.max(0, ...falls))} %`;
      });
      panel.say(`The best of these steps lowers the loss: ${best.join(", ")}. ` +
        "Drawn are −20 to 120 %.");
    }

    drawTraining() {
      const { plain, residual } = this.curves;
      const steps = Math.max(STEPS, STEPS * Math.ceil((plain.length - 1) / STEPS));
      this.curve.drawAxes(
        linearScale([0, steps], Panel.across, [0, steps / 2, steps], String),
        logScale([...plain, ...residual], Panel.upward, 1));
      for (const [kind, losses] of Object.entries(this.curves)) {
        this.curve.drawLine(kind, losses.map((loss, step) => [step, loss]), (loss) => loss > FLOOR);
      }
      const last = ([kind, losses]) =>
        `${kind} ${Number.isFinite(losses.at(-1)) ? number(losses.at(-1)) : "diverged"}`;
      const done = plain.length - 1;
      this.curve.say(done < 1 ? "Not trained yet: nothing here moves by itself."
        : `After ${done} steps: ${Object.entries(this.curves).map(last).join(", ")}.`);
    }

    /** What is drawn of the layers, as numbers. */
    rows() {
      const { layers } = this.setting;
      const { plain, residual } = this.measured;
      const step = Math.ceil(layers / 12);
      const shown = Array.from({ length: layers + 1 }, (_, layer) => layer)
        .filter((layer) => layer % step === 0 || layer === layers);
      return [
        ["layer", "plain h", "plain ∂E/∂h", "residual h", "residual ∂E/∂h"],
        ...shown.map((layer) => [layer, ...[plain, residual].flatMap(
          ({ signal, sizes }) => [number(signal[layer]), number(sizes[layer])])]),
      ];
    }
  }

  define("depth", Depth);
})();
