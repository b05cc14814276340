// Two stacks of layers, compared: what a unit sees, by how many paths, and what it costs.
(() => {
  const { Explorable, button, choice, define, element, shape } = globalThis.cnnbook;
  const { counted, select, stepper, style } = globalThis.cnnbook.controls;

  const KINDS = {
    conv: "convolution", max: "max pooling", average: "average pooling",
    norm: "batch normalisation", global: "global average", dense: "dense",
  };
  const ACTIVATIONS = ["ReLU", "Tanh", "Sigmoid", "GELU", "SiLU"];
  const LIMITS = {
    k: { label: "kernel k", min: 1, max: 31 },
    s: { label: "stride s", min: 1, max: 8 },
    p: { label: "padding p", min: 0, max: 31 },
    d: { label: "dilation d", min: 1, max: 16 },
    maps: { label: "maps out", min: 1, max: 4096, next: (value, way) => doubled(value, way) },
    g: { label: "groups", min: 1, max: 4096 },
  };
  const INPUT = {
    maps: { label: "maps in", min: 1, max: 4096, next: (value, way) => doubled(value, way) },
    side: { label: "side in", min: 1, max: 1024, next: (value, way) => doubled(value, way) },
  };
  const MOST_LAYERS = 40;
  const doubled = (value, way) => (way > 0 ? 2 * value : Math.floor(value / 2));

  // --- What is computed. A setting holds the maps and the side of the input, and `layers`:
  // --- kind, k, s, p, d, g, maps, bias, act, and for poolings whether a rest makes one window
  // --- more (ceil); what a kind does not have does not matter.

  const LAYER = { k: 1, s: 1, p: 0, d: 1, g: 1, maps: 1, bias: false, act: "", ceil: false };
  const slides = ({ kind }) => kind === "conv" || kind === "max" || kind === "average";
  const weighs = ({ kind }) => kind === "conv" || kind === "dense";
  const span = ({ k, d }) => d * (k - 1) + 1;

  /** Why PyTorch would refuse a layer here, or nothing. */
  function refusal(before, layer) {
    const { kind, k, p, g, maps } = layer;
    if (before.vector) return kind === "dense" ? "" : "after a dense layer there are no maps.";
    if (kind === "conv" && (before.maps % g || maps % g)) {
      return `${g} groups must divide the maps, ${before.maps} in and ${maps} out.`;
    }
    if (!slides(layer)) return "";
    if (kind !== "conv" && p > Math.floor(k / 2)) {
      return `a window of ${k} may be padded by at most ${Math.floor(k / 2)}.`;
    }
    if (outputSide(before.side, layer) < 1) {
      return `the ${kind === "conv" ? "kernel" : "window"} spans ${span(layer)} units, and with its padding the side has ` +
        `${before.side + 2 * p}.`;
    }
    return "";
  }

  /** How many windows stand side by side; one more, if asked, that begins in the image. */
  function outputSide(side, { k, s, p, d, ceil }) {
    const steps = (side + 2 * p - span({ k, d })) / s;
    const more = ceil && Math.ceil(steps) * s < side + p;
    return (more ? Math.ceil(steps) : Math.floor(steps)) + 1;
  }

  /** The field of a unit that reads all maps: all that they see of the image. */
  function whole({ size, jump, start, side }, image) {
    if (!jump) return { size, jump, start };
    const first = Math.max(0, Math.ceil((1 - start - size) / jump));
    const last = Math.min(side - 1, Math.floor((image - 1 - start) / jump));
    const from = Math.max(start + first * jump, 0);
    return { size: Math.min(start + size + last * jump, image) - from, jump: 0, start: from };
  }

  /** What a layer makes of the maps before it: field, maps, side, and what it costs. */
  function after(before, layer, image) {
    const { kind, k, s, p, g, maps } = layer;
    const free = { parameters: 0, macs: 0 };
    if (kind === "norm") {
      const activations = before.maps * before.side ** 2;
      return { ...before, ...free, parameters: 2 * before.maps, activations };
    }
    if (kind === "global") {
      const field = whole(before, image);
      return { ...before, ...free, ...field, side: 1, activations: before.maps };
    }
    const bias = layer.bias ? maps : 0;
    if (kind === "dense") {
      const macs = before.maps * before.side ** 2 * maps;
      return { ...whole(before, image), side: 1, maps, vector: true,
        parameters: macs + bias, macs, activations: maps };
    }
    const side = outputSide(before.side, layer);
    const row = {
      size: before.size + (span(layer) - 1) * before.jump, jump: before.jump * s,
      start: before.start - p * before.jump, side,
    };
    if (kind !== "conv") {
      return { ...row, ...free, maps: before.maps, activations: before.maps * side ** 2 };
    }
    const weights = (k * k * before.maps * maps) / g;
    return { ...row, maps, parameters: weights + bias, macs: weights * side ** 2,
      activations: maps * side ** 2 };
  }

  /** The input and each layer in a row, as far as PyTorch would come, and why not further. */
  function measure({ maps, side, layers }) {
    const none = { parameters: 0, macs: 0, activations: 0 };
    const rows = [{ size: 1, jump: 1, start: 0, side, maps, ...none }];
    for (const layer of layers) {
      const before = rows[rows.length - 1];
      const problem = refusal(before, layer);
      if (problem) return { rows, problem: `layer ${rows.length}: ${problem}` };
      rows.push(after(before, layer, side));
    }
    return { rows, problem: "" };
  }

  const COSTS = { parameters: "parameters", macs: "MACs", activations: "activations stored" };
  const total = (rows, cost) => rows.reduce((sum, row) => sum + row[cost], 0);

  /** By how many paths a unit at the top reads each unit of each level, the input last. */
  function paths(layers) {
    const levels = [[1]];
    for (const { k, s, d } of layers.filter(slides).reverse()) {
      const above = levels[levels.length - 1];
      const counts = Array((above.length - 1) * s + d * (k - 1) + 1).fill(0);
      above.forEach((count, at) => {
        for (let tap = 0; tap < k; tap++) counts[at * s + tap * d] += count;
      });
      levels.push(counts);
    }
    return levels;
  }

  /** How many pixels in the middle hold nine tenths of the paths, in a square of them. */
  function inner(counts) {
    const wanted = Math.sqrt(0.9) * counts.reduce((sum, count) => sum + count, 0) - 1e-9;
    let margin = 0;
    let held = counts.reduce((sum, count) => sum + count, 0);
    while (counts.length > 2 * margin + 2) {
      held -= counts[margin] + counts[counts.length - 1 - margin];
      if (held < wanted) break;
      margin++;
    }
    return counts.length - 2 * margin;
  }

  // --- PyTorch's text, written and read. Nothing of it is run.

  /** The stack as PyTorch code. */
  function write({ maps, side, layers }) {
    const { rows, problem } = measure({ maps, side, layers });
    const lines = [];
    let given = maps;
    layers.forEach((layer, i) => {
      const { kind, k, s, p, d, g, bias, act, ceil } = layer;
      const before = rows[Math.min(i, rows.length - 1)];
      const options = (values) => Object.entries(values)
        .filter(([, [value, usual]]) => value !== usual)
        .map(([name, [value]]) => `, ${name}=${value}`).join("");
      const flag = [bias ? "True" : "False", "True"];
      const window = { padding: [p, 0], dilation: [d, 1] };
      const rest = { ceil_mode: [ceil ? "True" : "False", "False"] };
      if (kind === "dense" && !before.vector) lines.push("nn.Flatten()");
      lines.push({
        conv: () => `nn.Conv2d(${given}, ${layer.maps}, ${k}` +
          `${options({ stride: [s, 1], ...window, groups: [g, 1], bias: flag })})`,
        max: () => `nn.MaxPool2d(${k}${options({ stride: [s, k], ...window, ...rest })})`,
        average: () => `nn.AvgPool2d(${k}` +
          `${options({ stride: [s, k], padding: [p, 0], ...rest })})`,
        norm: () => `nn.BatchNorm2d(${given})`,
        global: () => "nn.AdaptiveAvgPool2d(1)",
        dense: () => `nn.Linear(${before.maps * before.side ** 2}, ${layer.maps}` +
          `${options({ bias: flag })})`,
      }[kind]());
      if (act) lines.push(`nn.${act}()`);
      if (weighs(layer)) given = layer.maps;
    });
    const warning = problem ? `# PyTorch refuses ${problem}\n` : "";
    return `${warning}nn.Sequential(\n${lines.map((line) => `    ${line},\n`).join("")})`;
  }

  const ARGUMENTS = {
    Conv2d: "in_channels out_channels kernel_size stride padding dilation groups bias",
    MaxPool2d: "kernel_size stride padding dilation return_indices ceil_mode",
    AvgPool2d: "kernel_size stride padding ceil_mode count_include_pad",
    BatchNorm2d: "num_features eps momentum affine track_running_stats",
    AdaptiveAvgPool2d: "output_size",
    Linear: "in_features out_features bias",
  };
  const POOLS = { MaxPool2d: "max", AvgPool2d: "average" };
  // What changes no number here; a flattening comes by itself, before a dense layer.
  const IGNORED = ["Flatten", "Dropout", "Dropout2d", "Identity"];
  const TOKEN = /\s*([A-Za-z_][\w.]*|-?\d[\d.]*(?:e-?\d+)?|'[^']*'|"[^"]*"|[=(),])/y;

  const refuse = (why) => { throw new Error(why); };

  /** The words and signs of a text. */
  function tokens(text) {
    const found = [];
    TOKEN.lastIndex = 0;
    while (text.slice(TOKEN.lastIndex).trim()) {
      const from = TOKEN.lastIndex;
      const match = TOKEN.exec(text);
      if (!match) refuse(`“${text.slice(from).trim().slice(0, 20)}” is not a list of layers.`);
      found.push(match[1]);
    }
    return found;
  }

  /** A call with its arguments, from tokens that are used up: {name, given, named}. */
  function readCall(rest, name) {
    const call = { name: name.replace(/^(torch\.)?(nn\.)?/, ""), given: [], named: {} };
    if (rest.shift() !== "(") refuse(`${call.name} has no brackets.`);
    for (;;) {
      const token = rest.shift();
      if (token === undefined) refuse(`a bracket of ${call.name} is not closed.`);
      if (token === ")") return call;
      if (token === ",") continue;
      if (rest[0] === "=") {
        rest.shift();
        call.named[token] = readValue(rest, rest.shift());
      } else call.given.push(readValue(rest, token));
    }
  }

  /** A number, a word, a list of them, or a call. */
  function readValue(rest, token = "") {
    if (token === "(") return readCall(["(", ...rest.splice(0, rest.indexOf(")") + 1)], "").given;
    if (/^['"]/.test(token)) return token.slice(1, -1);
    if (/^-?\d/.test(token)) return Number(token);
    if (["True", "False", "None"].includes(token)) return { True: true, False: false }[token];
    if (/^\w/.test(token) && rest[0] === "(") return readCall(rest, token);
    return refuse(`“${token}” is no number.`);
  }

  /** The arguments of a call by name. */
  function bind({ name, given, named }) {
    const names = ARGUMENTS[name].split(" ");
    if (given.length > names.length) refuse(`${name} has too many arguments.`);
    const values = { ...named };
    given.forEach((value, i) => (values[names[i]] = value));
    for (const [argument, value] of Object.entries(values)) {
      const usual = argument === "padding_mode" && value === "zeros";
      if (!names.includes(argument) && !usual) refuse(`${name}: ${argument} is not known here.`);
      if (argument === "return_indices" && value) refuse(`${name}: ${argument} is not known here.`);
      if (["count_include_pad", "affine"].includes(argument) && value === false) {
        refuse(`${name} without ${argument} is not known here.`);
      }
    }
    return values;
  }

  /** One whole number within the limits; two, if both are the same. */
  function wholeNumber(name, values, argument, limits, usual) {
    let value = values[argument] ?? usual;
    if (Array.isArray(value)) {
      if (value.some((each) => each !== value[0])) {
        refuse(`${name}: ${argument} differs between the axes; here all is square.`);
      }
      [value] = value;
    }
    if (value === undefined) refuse(`${name} needs ${argument}.`);
    if (!Number.isInteger(value)) refuse(`${name}: ${argument} must be a whole number.`);
    if (value < limits.min || value > limits.max) {
      refuse(`${name}: ${argument} is ${value}; here it goes from ${limits.min} to ${limits.max}.`);
    }
    return value;
  }

  /** A call as a layer, and the maps that it says to read. */
  function layerOf(call) {
    const { name } = call;
    if (name === "Linear" || name === "BatchNorm2d" || name in POOLS || name === "Conv2d"
        || name === "AdaptiveAvgPool2d") {
      const values = bind(call);
      const read = (argument, limits, usual) => wholeNumber(name, values, argument, limits, usual);
      const { k, s, d, g, maps } = LIMITS;
      const bias = values.bias !== false;
      if (name === "AdaptiveAvgPool2d") {
        if (read("output_size", { min: 1, max: 99 }) !== 1) {
          refuse(`${name}: only an output of 1 is known here.`);
        }
        return { layer: { ...LAYER, kind: "global" } };
      }
      if (name === "BatchNorm2d") {
        return { layer: { ...LAYER, kind: "norm" }, reads: read("num_features", maps) };
      }
      if (name === "Linear") {
        const layer = { ...LAYER, kind: "dense", bias, maps: read("out_features", maps) };
        return { layer, enters: read("in_features", { min: 1, max: Infinity }) };
      }
      const layer = { ...LAYER, kind: POOLS[name] ?? "conv", k: read("kernel_size", k) };
      layer.s = read("stride", s, name in POOLS ? layer.k : 1);
      layer.d = read("dilation", d, 1);
      if (values.padding === "valid") values.padding = 0;
      if (values.padding === "same") {
        const even = span(layer) % 2 === 0 || layer.s > 1;
        if (even) refuse(`${name}: padding="same" is known for odd kernels of stride 1.`);
        values.padding = (span(layer) - 1) / 2;
      }
      layer.p = read("padding", LIMITS.p, 0);
      if (name in POOLS) return { layer: { ...layer, ceil: values.ceil_mode === true } };
      Object.assign(layer, { bias, g: read("groups", g, 1), maps: read("out_channels", maps) });
      return { layer, reads: read("in_channels", maps) };
    }
    const known = [...Object.keys(ARGUMENTS), ...ACTIVATIONS, ...IGNORED];
    return refuse(`${name || "a bracket"} is not known here. Known are ${known.join(", ")}.`);
  }

  /** Add a call's layers, those of a Sequential one by one. */
  function gather(call, layers) {
    const { name, given } = call;
    if (typeof call !== "object" || !name) refuse(`“${call}” is no layer.`);
    if (name === "Sequential") given.forEach((each) => gather(each, layers));
    else if (ACTIVATIONS.includes(name)) {
      const last = layers[layers.length - 1];
      if (!last) refuse(`${name} stands before all layers.`);
      if (last.layer.act) refuse(`${name} follows ${last.layer.act}: one activation is enough.`);
      last.layer.act = name;
    } else if (!IGNORED.includes(name)) layers.push(layerOf(call));
  }

  /** The layers of a text, {layers, maps}, or what is wrong with it, {problem}. */
  function parse(text, side, maps) {
    try {
      // Comments, imports, a name for it all, and the numbers that a printed network has.
      const plain = text.replace(/#.*|^\s*(?:import|from)\b.*/gm, "").replace(/\(\w+\):/g, ",")
        .replace(/^\s*\w+\s*=(?!=)/, "");
      const found = [];
      gather(readCall(["(", ...tokens(plain), ")"], "Sequential"), found);
      if (!found.length) refuse("there is no layer in it.");
      if (found.length > MOST_LAYERS) {
        refuse(`it has ${found.length} layers; here there is room for ${MOST_LAYERS}.`);
      }
      const layers = found.map(({ layer }) => layer);
      const input = found.find(({ reads }) => reads)?.reads ?? maps;
      const { rows } = measure({ maps: input, side, layers });
      found.forEach(({ reads, enters }, i) => {
        const before = rows[i];
        if (reads && before && reads !== before.maps) {
          refuse(`layer ${i + 1} reads ${reads} maps, but gets ${before.maps}.`);
        }
        if (enters && before && enters !== before.maps * before.side ** 2) {
          refuse(`layer ${i + 1} reads ${enters} numbers, but of an input of side ${side} it ` +
            `gets ${before.maps * before.side ** 2}.`);
        }
      });
      return { layers, maps: input };
    } catch (error) {
      return { problem: error.message };
    }
  }

  // --- Examples, each with what there is to see, and challenges.

  const layer = (kind, changes) => ({ ...LAYER, kind, ...changes });
  const conv = (k, maps, changes) =>
    layer("conv", { k, maps, p: (k - 1) / 2, act: "ReLU", ...changes });
  const several = (count, make) => Array.from({ length: count }, (_, i) => make(i));
  const pool = (k, s = k, changes) => layer("max", { k, s, ...changes });
  const depthwise = (k, maps, changes) => conv(k, maps, { g: maps, act: "", ...changes });
  // The numbers of VGG's table, a bar for a pooling.
  const table = (text) => text.split(" ").map((word) =>
    (word === "|" ? pool(2) : conv(3, Number(word), { bias: true })));
  const VGG16 = "64 64 | 128 128 | 256 256 256 | 512 512 512 | 512 512 512 |";

  const EXAMPLES = {
    seven: {
      name: "Three 3×3 against one 7×7", mine: several(3, () => conv(3, 64)),
      rival: [conv(7, 64)],
      comment: "The same seven pixels for fewer weights. But look at the paths: the seven of one " +
        "kernel count alike, those of three become a bell.",
    },
    five: {
      name: "Two 3×3 against one 5×5", mine: several(2, () => conv(3, 64)),
      rival: [conv(5, 64)],
      comment: "28 % fewer weights and MACs, and twice the activations: what is saved in the " +
        "kernels is paid for in memory.",
    },
    widths: {
      name: "Two 3×3 that widen first", mine: several(2, () => conv(3, 128)),
      rival: [conv(5, 128)],
      comment: "Where VGG doubles its maps, the pair has 8 % more weights than one 5×5. Give the " +
        "first layer 118 maps: now it is cheaper.",
    },
    depthwise: {
      name: "Depthwise: the argument disappears", maps: 512, side: 14,
      mine: several(2, () => [depthwise(3, 512), conv(1, 512)]).flat(),
      rival: [depthwise(5, 512), conv(1, 512)],
      comment: "One kernel for each map, then a 1×1 that mixes. The mixing is nearly the whole " +
        "price, and the pair pays it twice.",
    },
    walk: {
      name: "Fifteen 3×3 against one 31×31", mine: several(15, () => conv(3, 64)),
      rival: [conv(31, 64)],
      comment: "The field grows with the depth, the width of the bell only with its square root: " +
        "nine tenths of the paths start in the middle.",
    },
    gridding: {
      name: "Dilation that leaves holes", mine: several(3, () => conv(3, 64, { d: 2, p: 2 })),
      rival: [1, 2, 3].map((d) => conv(3, 64, { d, p: d })),
      comment: "It fails: with dilations 2, 2, 2 every second pixel is read by no path. With " +
        "1, 2, 3 the field is as wide and has no holes.",
    },
    vanish: {
      name: "A stack that runs out of pixels", side: 20,
      mine: several(3, () => [conv(3, 64, { p: 0 }), pool(2)]).flat(), rival: [conv(3, 64)],
      comment: "It fails: each 3×3 without padding takes two rows, each pooling halves the rest. " +
        "Give the first one a padding of 1, or more pixels.",
    },
    vgg: {
      name: "VGG-16’s maps against AlexNet’s", maps: 3, side: 224, mine: table(VGG16),
      rival: [
        conv(11, 64, { s: 4, p: 2, bias: true }), pool(3, 2), conv(5, 192, { bias: true }),
        pool(3, 2), conv(3, 384, { bias: true }), conv(3, 256, { bias: true }),
        conv(3, 256, { bias: true }), pool(3, 2),
      ],
      comment: "No 3×3 looks far on its own. Yet after five poolings a unit of VGG-16 sees 212 " +
        "pixels, one of AlexNet (as of 2014) 195.",
    },
    far: {
      name: "Challenge: see 31 pixels for less", mine: several(15, () => conv(3, 64)),
      rival: several(15, () => conv(3, 64)),
      comment: "Yours must see exactly 31 pixels, leave none of them out, and keep 64 maps of " +
        "56×56. With how few parameters?",
      goal: ({ rows, counts, cost }) => {
        const last = rows[rows.length - 1];
        const fits = last.size === 31 && last.maps === 64 && last.side === 56 && last.jump;
        if (!fits) return "Not yet: 31 pixels, 64 maps and a side of 56 are asked for.";
        if (counts.includes(0)) return "Not yet: some of the pixels are read by no path.";
        const marks = [
          [552959, "Now with fewer than 552,960."],
          [147456, "Done. But four layers can do it, with 147,456."],
          [6400, "Well done. Now let each kernel read one map only: 6,400 is possible."],
          [0, "Excellent: that is 1.2 % of what fifteen 3×3 take, or less."],
        ];
        return marks.find(([least]) => cost > least)[1];
      },
    },
    dear: {
      name: "Challenge: make two 3×3 dearer", mine: several(2, () => conv(3, 64)),
      rival: [conv(5, 64)],
      comment: "Two 3×3 between 64 maps and 64 maps save 28 %. How many maps must stand in the " +
        "middle until they cost more than the 5×5?",
      goal: ({ rows, layers, cost }) => {
        const pair = layers.length === 2 && layers.every(({ kind, k, g }) =>
          kind === "conv" && k === 3 && g === 1);
        if (!pair || rows[rows.length - 1].maps !== 64) {
          return "Not yet: two 3×3 that end in 64 maps are asked for.";
        }
        if (cost <= 102400) return "Not yet: the pair is still the cheaper one.";
        return layers[0].maps > 89 ? "Done. But fewer would do." :
          "Done: 89 is the first, because 9·M·(64 + 64) > 25·64·64 from M = 88.9 on.";
      },
    },
    own: { name: "Your own stacks", comment: "Choose an example to begin again." },
  };

  // --- How it is written and drawn.

  const minus = (text) => String(text).replaceAll("-", "−");
  const per = (share) => `${(100 * share).toFixed(1)}\u00a0%`;

  /** What a layer is, in a few letters, and in words. */
  function short({ kind, k, s, d, act, g }) {
    const step = s > 1 ? `/${s}` : "";
    const text = {
      conv: `${k}×${k}${step}${d > 1 ? ` d${d}` : ""}${g > 1 ? " g" : ""}`, max: `max ${k}${step}`,
      average: `avg ${k}${step}`, norm: "norm", global: "average", dense: "dense",
    }[kind];
    return act ? `${text} ${act.slice(0, 4)}` : text;
  }
  function words({ kind, k, s, d, g, act, ceil }) {
    const window = ["conv", "max", "average"].includes(kind) ? ` ${k} by ${k}` : "";
    const rest = [s > 1 && `stride ${s}`, ceil && "rounded up", d > 1 && `dilation ${d}`,
      g > 1 && `${g} groups`, act];
    return [`${KINDS[kind]}${window}`, ...rest.filter(Boolean)].join(", ");
  }

  /** By how much the one is more or less than the other, from both sides. */
  function difference(mine, rival, thing) {
    if (mine === rival) return `as many ${thing}`;
    const [less, more] = mine < rival ? ["fewer", "more"] : ["more", "fewer"];
    const size = (one, other) => (Math.max(one, other) >= 3 * Math.min(one, other) && one > other
      ? `${Number((one / other).toPrecision(3))} times as many`
      : per(Math.abs(one - other) / other));
    const said = size(mine, rival);
    if (said.endsWith("many")) return `${said} ${thing}`;
    const back = mine && size(rival, mine);
    return `${said} ${less} ${thing}` + (back ? ` (the rival has ${back}${
      back.endsWith("many") ? "" : ` ${more}`})` : "");
  }

  const NAMES = { mine: "yours", rival: "the rival" };
  const DRAWING = { height: 268, input: 158, bracket: 176, bars: 248, tallest: 50 };
  const MOST_EDGES = 320;

  /** The field of the first unit at the top, level by level, and by how many paths. */
  function drawField(width, shown, layers, rows) {
    const seen = layers.filter(slides);
    const fields = [rows[0], ...rows.slice(1).filter((_, i) => slides(layers[i] ?? {}))];
    const levels = paths(seen.slice(0, fields.length - 1)).reverse();
    const top = fields[fields.length - 1];
    const unit = Math.min(24, (width - 4) / shown);
    const x = (pixel) => width / 2 + (pixel - (top.size + top.jump) / 2) * unit;
    const y = (level) => DRAWING.input - (level * (DRAWING.input - 14)) / (levels.length - 1 || 1);
    const middle = (level, at) => x(at * fields[level].jump + fields[level].size / 2);
    const high = Math.max(2, Math.min(9, 70 / levels.length));
    const wide = (level) => Math.max(1, Math.min(20, fields[level].jump * unit - 1));
    const box = (level, at) => {
      const half = wide(level) / 2;
      const left = middle(level, at) - half;
      return `M${left.toFixed(1)} ${y(level) - high / 2}h${2 * half}v${high}h${-2 * half}z`;
    };
    const boxes = (level, chosen) => levels[level].map((count, at) =>
      (chosen(count, at) ? box(level, at) : "")).join("");
    const side = (level, sign) => {
      const outermost = middle(level, sign < 0 ? 0 : levels[level].length - 1);
      return `${outermost + (sign * wide(level)) / 2} ${y(level)}`;
    };
    const all = levels.map((_, level) => level);
    const outline = [...all.map((level) => side(level, -1)),
      ...all.reverse().map((level) => side(level, 1))];
    const padded = (at) => at < -top.start || at >= rows[0].side - top.start;
    const parts = [
      shape("polygon", { class: "cone", points: outline.join(" ") }),
      shape("path", { class: "edge", d: edges(seen, levels, middle, y) }),
      shape("path", { class: "unread", d: levels.map((_, level) =>
        boxes(level, (count, at) => !count && (level || !padded(at)))).join("") }),
      shape("path", { class: "padding", d: boxes(0, (_, at) => padded(at)) }),
      shape("path", { class: "unit", d: levels.map((_, level) =>
        boxes(level, (count, at) => count && (level || !padded(at)))).join("") }),
    ];
    for (const [at, kind] of [[0, "first"], [top.jump, "second"]]) {
      const height = DRAWING.bracket + (at ? 9 : 0);
      parts.push(shape("path", { class: `bracket ${kind}`,
        d: `M${x(at) + 0.75} ${height - 4}v4H${x(at + top.size) - 0.75}v-4` }));
    }
    return [...parts, ...drawBars(levels[0], x, unit, top.size)];
  }

  /** Lines from each unit to those it reads, where they are few enough to be seen. */
  function edges(layers, levels, middle, y) {
    const count = layers.reduce((sum, { k }, i) => sum + k * (levels[i + 1]?.length ?? 0), 0);
    if (count > MOST_EDGES) return "";
    return levels.slice(1).map((units, below) => units.map((read, at) => {
      const { k, s, d } = layers[below];
      return !read ? "" : several(k, (tap) => `M${middle(below + 1, at)} ${y(below + 1)}L${
        middle(below, at * s + tap * d)} ${y(below)}`).join("");
    }).join("")).join("");
  }

  /** The paths from each pixel as bars, and a Gaussian of the same spread. */
  function drawBars(counts, x, unit, size) {
    const largest = Math.max(...counts);
    const { bars, tallest } = DRAWING;
    const sum = counts.reduce((all, count) => all + count, 0);
    const middle = (size - 1) / 2;
    const variance = counts.reduce((all, count, at) => all + count * (at - middle) ** 2, 0) / sum;
    const width = Math.max(0.8, unit - 1);
    const bar = (count, at) =>
      `M${x(at).toFixed(2)} ${bars}v${((-tallest * count) / largest).toFixed(2)}h${width}V${bars}z`;
    const gaussian = (at) => Math.exp(-((at - middle) ** 2) / (2 * variance || 1)) *
      Math.min(1.15, sum / largest / Math.sqrt(2 * Math.PI * (variance || 1)));
    const curve = Array.from({ length: 61 }, (_, i) => ((i / 60) * (size + 1)) - 1);
    const parts = [shape("path", { class: "bar", d: counts.map(bar).join("") })];
    if (size > 4) {
      parts.push(shape("polyline", { class: "gaussian", points: curve.map((at) =>
        `${x(at + 0.5).toFixed(1)},${(bars - tallest * gaussian(at)).toFixed(1)}`).join(" ") }));
    }
    const fits = counts.every((count) => String(count).length * 7.5 + 2 <= unit);
    return !fits ? parts : [...parts, ...counts.map((count, at) => shape("text",
      { x: x(at + 0.5) - 0.5, y: bars + 15, "text-anchor": "middle" }, String(count)))];
  }

  class Stack extends Explorable {
    static compute = { measure, paths, inner, write, parse };
    static examples = EXAMPLES;
    static style = `${style}
      :host { --mine: #0b6ba8; --rival: #b25000; }
      :host([dark]) { --mine: #63b3ec; --rival: #f0a35e; }
      .mine { --own: var(--mine); }
      .rival { --own: var(--rival); }
      .fields { display: grid; gap: 10px; grid-template-columns: 1fr 1fr; }
      .field { min-width: 0; text-align: center; }
      .title { color: var(--own); font-size: 14px; font-weight: 700; line-height: 24px; }
      .fact { font-size: 13px; line-height: 20px; min-height: 60px; }
      .field svg { display: block; height: ${DRAWING.height}px; overflow: hidden; width: 100%; }
      .field text { fill: var(--text); font-size: 12px; font-variant-numeric: tabular-nums; }
      .cone { fill: var(--own); opacity: 0.14; }
      .edge { fill: none; stroke: var(--own); stroke-opacity: 0.45; }
      .unit { fill: var(--own); }
      .unread { fill: var(--surface); stroke: var(--line); stroke-width: 1; }
      .padding { fill: var(--surface); stroke: var(--own); stroke-dasharray: 2 2; }
      .bracket { fill: none; stroke: var(--own); stroke-width: 1.5; }
      .second { stroke: var(--line); stroke-dasharray: 4 3; }
      .bar { fill: var(--own); opacity: 0.75; }
      .gaussian { fill: none; stroke: var(--text); stroke-dasharray: 4 3; }
      .costs { display: grid; gap: 10px; }
      .cost { display: grid; font-size: 13px; gap: 0 8px; grid-template-columns: 1fr 84px; }
      .cost p { grid-column: 1 / 3; }
      .rail { align-self: center; height: 11px; }
      .rail span { background: var(--own); display: block; height: 100%; min-width: 1px; }
      .amount { line-height: 18px; text-align: right; white-space: nowrap; }
      .legend { --lines: 6; }
      .sentence { --lines: 4; }
      .goal { font-weight: 600; }
      .layers { align-content: start; display: grid; gap: 6px; grid-auto-rows: 44px;
        grid-template-columns: repeat(4, 1fr); height: 144px; overflow-y: auto; }
      .layers button { font-size: 12.5px; letter-spacing: -0.3px; line-height: 17px; min-width: 0;
        padding: 0; white-space: nowrap; }
      .layers span { display: block; overflow: hidden; text-overflow: ellipsis; }
      .layers .wrong { border-color: var(--bad); border-width: 2px; }
      .form { display: grid; gap: 10px; }
      .two { display: grid; gap: 6px; grid-template-columns: 1fr 1fr; }
      .sizes { display: grid; gap: 6px; grid-template-columns: repeat(3, 1fr); }
      .sizes > button { align-self: end; padding: 4px 0; }
      textarea { background: var(--surface); border: 1px solid var(--line); border-radius: 6px;
        color: inherit; font: 13px/1.5 ui-monospace, monospace; height: 210px; padding: 8px;
        resize: vertical; white-space: pre; width: 100%; }
      .text[open] { display: grid; gap: 8px; }
      @container (min-width: 600px) {
        .fact { min-height: 40px; }
        .costs { column-gap: 20px; grid-template-columns: repeat(3, 1fr); }
        .cost { grid-template-columns: 1fr 72px; }
        .legend { --lines: 3; }
        .sentence { --lines: 2; }
        .layers { grid-template-columns: repeat(8, 1fr); height: 94px; }
        .tools { display: grid; gap: 20px; grid-template-columns: 1fr 1fr; }
        .sizes { grid-template-columns: repeat(5, 1fr); }
      }
    `;

    start({ example = "seven" }) {
      this.restart(example);
      this.live.append(this.makeChoice(), this.makeFields(), this.makeCosts(), this.makeForm(),
        this.makeText(), this.makeFoot());
      this.place = new ResizeObserver(() => this.redraw());
      this.place.observe(this.live);
      this.draw();
    }

    /** Take over both stacks of an example. */
    restart(name) {
      const { maps = 64, side = 56, mine, rival } = { ...EXAMPLES.seven, ...EXAMPLES[name] };
      const copy = (layers) => layers.map((each) => ({ ...each }));
      Object.assign(this, {
        example: name, goal: EXAMPLES[name].goal, maps, side,
        stacks: { mine: copy(mine), rival: copy(rival) }, edited: "mine", at: 0,
      });
    }

    setting(stack) {
      return { maps: this.maps, side: this.side, layers: this.stacks[stack] };
    }

    get layers() {
      return this.stacks[this.edited];
    }

    /** Something was changed by hand: it is no example any more, but may be a challenge. */
    changed() {
      if (!this.goal) this.example = "own";
      this.redraw();
      this.share(this.address());
    }

    // --- The parts of the page.

    makeChoice() {
      this.choose = select("Example", EXAMPLES, (name) => {
        if (name === "own") {
          this.example = name;
          this.goal = undefined;
        } else this.restart(name);
        this.redraw();
        this.share(name === "own" ? this.address() : name);
      });
      this.comment = element("p", { className: "lines comment" });
      return element("div", { className: "controls form" }, this.choose.node, this.comment);
    }

    makeFields() {
      this.fields = {};
      const field = ([stack, name]) => {
        const drawing = shape("svg", { role: "img" });
        const fact = element("p", { className: "fact numbers" });
        this.fields[stack] = { drawing, fact };
        return element("div", { className: `field ${stack}` },
          element("p", { className: "title" }, name), drawing, fact);
      };
      return element("div", {},
        element("div", { className: "fields" },
          ...Object.entries(NAMES).map(field)),
        element("p", { className: "quiet lines legend" }, "Above, what the first unit reads, layer by layer, " +
          "down to the pixels (dashed in the padding, white if unread). The brackets are its " +
          "field and its neighbour’s. Below, the paths from each pixel, and a Gaussian. Stored " +
          "is what each layer outputs; a ReLU takes no place of its own."));
    }

    makeCosts() {
      this.bars = {};
      const cost = ([name, title]) => {
        const made = { title: element("p"), mine: element("span"), rival: element("span"),
          amounts: { mine: element("span"), rival: element("span") } };
        this.bars[name] = made;
        const line = (stack) => [
          element("div", { className: `rail ${stack}`, "aria-hidden": "true" }, made[stack]),
          element("span", { className: "amount numbers" }, made.amounts[stack])];
        made.title.append(element("strong", {}, title));
        return element("div", { className: "cost" }, made.title, ...line("mine"), ...line("rival"));
      };
      this.sentence = element("p", { className: "lines sentence numbers" });
      return element("div", { className: "form" },
        element("div", { className: "costs" }, ...Object.entries(COSTS).map(cost)),
        this.sentence);
    }

    makeForm() {
      const names = { mine: "change yours", rival: "change the rival" };
      this.which = choice("Which stack to change", names, "mine", (stack) => {
        Object.assign(this, { edited: stack, at: 0 });
        this.redraw();
      });
      this.which.node.classList.add("parts");
      this.list = element("div", { className: "layers", role: "group", "aria-label": "Layers" });
      this.doing = Object.fromEntries(["add", "remove", "earlier", "later"].map((what) =>
        [what, button(what, () => this.move(what))]));
      const set = (name) => (value) => {
        Object.assign(this.layers[this.at], { [name]: value });
        this.changed();
      };
      this.kind = select("Kind of layer", KINDS, (kind) => this.turn(kind), { bare: true });
      const acts = Object.fromEntries(ACTIVATIONS.map((act) => [act, `then ${act}`]));
      this.act = select("Activation", { "": "no activation", ...acts }, set("act"), { bare: true });
      const divisor = (value, way) => {
        const { maps } = this.layers[this.at];
        for (let next = value + way; next >= 1 && next <= maps; next += way) {
          if (maps % next === 0 && this.before(this.at).maps % next === 0) return next;
        }
        return value;
      };
      this.steppers = Object.fromEntries(Object.entries(LIMITS).map(([name, limits]) => [name,
        stepper(name === "g" ? { ...limits, next: divisor } : limits, set(name))]));
      this.inputs = Object.fromEntries(Object.entries(INPUT).map(([name, limits]) => [name,
        stepper(limits, (value) => {
          this[name] = value;
          this.changed();
        })]));
      this.bias = button("bias", () => set("bias")(!this.layers[this.at].bias), { pressed: false });
      return element("div", { className: "controls form" },
        this.which.node, this.list,
        element("div", { className: "form tools" },
          element("div", { className: "row parts" }, ...Object.values(this.doing)),
          element("div", { className: "two" }, this.kind.node, this.act.node)),
        element("div", { className: "sizes" },
          ...Object.values(this.steppers).map(({ node }) => node), this.bias,
          ...Object.values(this.inputs).map(({ node }) => node)));
    }

    makeText() {
      this.text = element("textarea", { spellcheck: false, "aria-label": "The stack in PyTorch" });
      this.answer = element("p", { className: "lines", role: "status" });
      const read = () => {
        const { layers, maps, problem } = parse(this.text.value, this.side, this.maps);
        this.answer.textContent = problem ? `Not read: ${problem}` : "Read.";
        if (problem) return;
        Object.assign(this, { maps, at: 0, goal: undefined });
        this.stacks[this.edited] = layers;
        this.changed();
      };
      this.code = element("details", { className: "text controls" },
        element("summary", {}, "In PyTorch: take it along, or paste your own"), this.text,
        element("div", { className: "row" }, button("read this text", read),
          button("write it anew", () => this.rewrite())), this.answer);
      this.code.ontoggle = () => this.code.open && this.rewrite();
      return this.code;
    }

    /** Write the stack that is being changed into the field. */
    rewrite() {
      this.text.value = write(this.setting(this.edited));
      this.answer.textContent = "";
    }

    makeFoot() {
      this.fold = this.numbers(() => this.rows());
      return element("div", { className: "foot" }, this.fold,
        element("span", { className: "quiet" }, "checked against PyTorch"), this.copyLink());
    }

    // --- What the reader does.

    /** Add, remove or move the chosen layer. */
    move(what) {
      const { layers, at } = this;
      if (what === "add") layers.splice(at + 1, 0, { ...layers[at] });
      else {
        const [taken] = layers.splice(at, 1);
        if (what !== "remove") layers.splice(what === "later" ? at + 1 : at - 1, 0, taken);
      }
      const by = { add: 1, later: 1, earlier: -1, remove: 0 }[what];
      this.at = Math.max(0, Math.min(layers.length - 1, at + by));
      this.changed();
    }

    /** Make the chosen layer one of another kind, with what is usual for it. */
    turn(kind) {
      const old = this.layers[this.at];
      const usual = { max: { k: 2, s: 2 }, average: { k: 2, s: 2 },
        conv: { k: 3, p: 1, maps: this.before(this.at).maps, act: "ReLU" },
        dense: { maps: Math.max(10, old.maps), bias: true } }[kind];
      this.layers[this.at] = layer(kind, usual);
      this.changed();
    }

    /** What a layer of the stack that is being changed is given. */
    before(at) {
      const { rows } = measure(this.setting(this.edited));
      return rows[Math.min(at, rows.length - 1)];
    }

    // --- The state in the page's address: the input, then both stacks.

    address() {
      const one = ({ kind, k, s, p, d, g, maps, bias, act, ceil }) =>
        [kind, k, s, p, d, g, maps, Number(bias), act, Number(ceil)].join(".");
      const { mine, rival } = this.stacks;
      return [`${this.maps}.${this.side}.${this.goal ? this.example : "own"}`,
        ...[mine, rival].map((layers) => layers.map(one).join("_"))].join("~");
    }

    restore(state) {
      if (state in EXAMPLES) this.restart(state);
      else this.read(state);
      this.draw();
    }

    /** Take over what `address` wrote; what is out of bounds is brought into them. */
    read(state) {
      const [head, ...stacks] = state.split("~");
      const [maps, side, example] = head.split(".");
      const within = ({ min, max }, value) =>
        Math.max(min, Math.min(max, Math.floor(value) || min));
      const one = (text) => {
        const [kind, k, s, p, d, g, out, bias, act, ceil] = text.split(".");
        const sizes = Object.entries({ k, s, p, d, g, maps: out }).map(([name, value]) =>
          [name, within(LIMITS[name], Number(value))]);
        return layer(kind in KINDS ? kind : "conv", { ...Object.fromEntries(sizes),
          bias: bias === "1", ceil: ceil === "1", act: ACTIVATIONS.includes(act) ? act : "" });
      };
      if (stacks.length !== 2) return;
      this.restart(EXAMPLES[example]?.goal ? example : "own");
      Object.assign(this, { maps: within(INPUT.maps, Number(maps)),
        side: within(INPUT.side, Number(side)) });
      const [mine, rival] = stacks.map((text) => text.split("_").slice(0, MOST_LAYERS).map(one));
      this.stacks = { mine, rival };
    }

    // --- Drawing.

    draw() {
      const measured = {};
      for (const stack of ["mine", "rival"]) measured[stack] = measure(this.setting(stack));
      this.choose.set(this.example);
      this.comment.textContent = EXAMPLES[this.example].comment;
      this.drawFields(measured);
      this.drawCosts(measured);
      this.drawForm(measured[this.edited]);
      this.fold.fill();
    }

    drawFields(measured) {
      // The last row that is a map, before what reads all of it.
      const last = ({ rows }) => rows.filter(({ jump }) => jump).pop();
      const shown = Math.max(...Object.values(measured).map((one) =>
        last(one).size + last(one).jump));
      const widths = Object.values(this.fields).map(({ drawing }) => drawing.clientWidth || 174);
      Object.entries(this.fields).forEach(([stack, { drawing, fact }], i) => {
        const { rows } = measured[stack];
        const { size, jump, start } = last(measured[stack]);
        const layers = this.stacks[stack].slice(0, rows.indexOf(last(measured[stack])));
        drawing.setAttribute("viewBox", `0 0 ${widths[i]} ${DRAWING.height}`);
        drawing.replaceChildren(...drawField(widths[i], shown, layers, rows));
        const [counts] = paths(layers).reverse();
        const holes = counts.filter((count) => !count).length;
        const said = `field ${size}, jump ${jump}, start ${minus(start)}`;
        const more = holes ? `${holes} of ${size} pixels unread` :
          `90\u00a0% of paths: middle ${inner(counts)}`;
        fact.replaceChildren(said, element("br"), more);
        drawing.setAttribute("aria-label", `${NAMES[stack]}: ${said}; ${more}${
          size < 16 ? `; paths ${counts.join(", ")}` : ""}`);
      });
    }

    drawCosts(measured) {
      const sums = {};
      for (const cost of Object.keys(COSTS)) {
        const amounts = Object.fromEntries(Object.entries(measured).map(([stack, { rows }]) =>
          [stack, total(rows, cost)]));
        sums[cost] = amounts;
        const most = Math.max(...Object.values(amounts), 1);
        for (const stack of ["mine", "rival"]) {
          this.bars[cost][stack].style.width = `${(100 * amounts[stack]) / most}%`;
          this.bars[cost].amounts[stack].textContent = counted(amounts[stack]);
        }
      }
      const { rows, problem } = measured.mine;
      const layers = this.stacks.mine;
      const met = this.goal && !problem;
      this.sentence.classList.toggle("goal", Boolean(met));
      this.sentence.textContent = !met ? this.account(measured, sums)
        : this.goal({ rows, layers, counts: paths(layers).pop(), cost: sums.parameters.mine });
      this.say(this.sentence.textContent);
    }

    /** The comparison in a sentence. */
    account(measured, { parameters, macs }) {
      for (const [stack, { problem }] of Object.entries(measured)) {
        if (problem) return `PyTorch refuses ${NAMES[stack]} at ${problem}`;
      }
      const [mine, rival] = Object.values(measured).map(({ rows }) => rows[rows.length - 1]);
      const see = mine.size === rival.size ? `Both see ${mine.size} pixels.`
        : `Yours sees ${mine.size} pixels, the rival ${rival.size}.`;
      const size = difference(parameters.mine, parameters.rival, "parameters");
      const work = difference(macs.mine, macs.rival, "MACs").replace(/ \(.*\)/, "");
      return `${see} Yours has ${size} and ${work}.`;
    }

    drawForm({ rows, problem }) {
      const { layers } = this;
      this.at = Math.min(this.at, layers.length - 1);
      const chosen = layers[this.at];
      this.which.set(this.edited);
      // The buttons stay, so that the keyboard stays where it is.
      while (this.list.children.length > layers.length) this.list.lastChild.remove();
      while (this.list.children.length < layers.length) {
        const at = this.list.children.length;
        this.list.append(button("", () => {
          this.at = at;
          this.redraw();
        }));
      }
      layers.forEach((each, i) => {
        const row = rows[i + 1];
        const made = this.list.children[i];
        const size = !row ? "–" : row.vector ? String(row.maps) : `${row.maps}·${row.side}²`;
        made.replaceChildren(element("span", {}, short(each)), size);
        made.setAttribute("aria-pressed", i === this.at);
        made.classList.toggle("wrong", Boolean(problem) && i === rows.length - 1);
        const out = row ? `${row.maps} maps of ${row.side} by ${row.side}` : "no output";
        made.setAttribute("aria-label", `layer ${i + 1}: ${words(each)}; ${out}`);
      });
      this.doing.add.disabled = layers.length >= MOST_LAYERS;
      this.doing.remove.disabled = layers.length === 1;
      this.doing.earlier.disabled = this.at === 0;
      this.doing.later.disabled = this.at === layers.length - 1;
      this.kind.set(chosen.kind);
      this.act.set(chosen.act);
      for (const [name, { set }] of Object.entries(this.steppers)) {
        const has = { maps: weighs(chosen), g: chosen.kind === "conv",
          d: chosen.kind === "conv" || chosen.kind === "max" }[name] ?? slides(chosen);
        set(has ? chosen[name] : "", !has);
      }
      for (const [name, { set }] of Object.entries(this.inputs)) set(this[name]);
      this.bias.disabled = !weighs(chosen);
      this.bias.setAttribute("aria-pressed", weighs(chosen) && chosen.bias);
      if (this.code.open && this.shadowRoot.activeElement !== this.text) {
        this.text.value = write(this.setting(this.edited));
      }
    }

    /** Both stacks, a row for each layer. */
    rows() {
      const head = ["stack", "layer", "size", "jump", "start", "side", "maps",
        ...Object.values(COSTS)];
      return [head, ...["mine", "rival"].flatMap((stack) => {
        const { rows } = measure(this.setting(stack));
        return rows.slice(1).map((row, i) => [NAMES[stack],
          `${i + 1}: ${short(this.stacks[stack][i])}`, row.size, row.jump, minus(row.start),
          row.side, row.maps,
          ...Object.keys(COSTS).map((cost) => row[cost].toLocaleString("en-GB"))]);
      })];
    }
  }

  define("stack", Stack);
})();
