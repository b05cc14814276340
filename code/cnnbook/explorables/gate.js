// Predict first: the reader answers, then the result opens, with the answer beside it.
(() => {
  const { Explorable, button, choice, define, element, shape } = globalThis.cnnbook;

  // ---------------------------------------------------------------- numbers in words

  // As powers of ten.
  const SCALES = { k: 3, thousand: 3, m: 6, million: 6, g: 9, b: 9, billion: 9 };

  /** Read a number as people type it: "1,024", "−0.5", "60 million", "12 %"; or null. */
  function parse(text) {
    const plain = text.trim().toLowerCase().replace(/[−–]/g, "-").replace(/[,\s_]/g, "");
    const found = /^(-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([a-z]*)[%×]?$/.exec(plain);
    if (!found || (found[2] && !(found[2] in SCALES))) return null;
    const number = Number(found[2] ? `${found[1]}e${SCALES[found[2]]}` : found[1]);
    return Number.isNaN(number) ? null : number;
  }

  /** Write a number to be read: three digits that say something, a minus that is one. */
  function words(value, unit = "") {
    const exact = Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
    const text = exact.toLocaleString("en", { maximumFractionDigits: 12 });
    const space = unit && !/^[×%]/.test(unit) ? " " : "";
    return text.replace("-", "−") + space + (unit === "%" ? " %" : unit);
  }

  /** Where a value lies on a scale, from 0 to 1; values beyond it lie at its ends. */
  function place(value, { scale: [low, high], log }) {
    const to = log ? (each) => Math.log(Math.max(each, low)) : (each) => each;
    const share = (to(value) - to(low)) / (to(high) - to(low));
    return Math.min(1, Math.max(0, share));
  }

  /** The value at a place of a scale. */
  function valueAt(share, { scale: [low, high], log }) {
    return log ? low * (high / low) ** share : low + share * (high - low);
  }

  const bounds = (right) => (typeof right === "number" ? [right, right] : right);

  // --------------------------------------------------------------------- what is right

  // How far off is still near: a tenth of a scale, or a factor of 1.5.
  const NEAR = 0.1, NEAR_FACTOR = 1.5;

  /** Say how a number compares with what is right. */
  function judgeNumber({ right, unit = "", log, scale }, value) {
    const [low, high] = bounds(right);
    if (value >= low && value <= high) return { verdict: "right", said: "exactly" };
    const nearest = value < low ? low : high;
    const way = value < low ? "low" : "high";
    if (log) {
      const factor = value > 0 ? Math.max(value / nearest, nearest / value) : Infinity;
      if (factor <= NEAR_FACTOR) return { verdict: "near", said: "near" };
      const times = words(Number(factor.toPrecision(2)));
      const by = Number.isFinite(factor) ? ` by a factor of ${times}` : "";
      return { verdict: "wrong", said: `too ${way}${by}` };
    }
    const off = Math.abs(value - nearest);
    if (off <= NEAR * (scale[1] - scale[0])) return { verdict: "near", said: "near" };
    const points = unit === "%" ? "points" : unit;
    return { verdict: "wrong", said: `too ${way} by ${words(off, points)}` };
  }

  /** Whether each item stands in the group of the right order that its place belongs to. */
  function judgeOrder({ right }, order) {
    const groups = right.flatMap((group) => {
      const members = [group].flat();
      return members.map(() => members);
    });
    return order.map((item, position) => groups[position].includes(item));
  }

  /** How far a drawn curve lies from the right one, on average, as a share of the scale. */
  function distance(drawn, right, scale) {
    const off = drawn.map((value, i) => Math.abs(place(value, scale) - place(right[i], scale)));
    return off.reduce((sum, each) => sum + each, 0) / off.length;
  }

  /** The place of each item of the right order: "2–3" where there is no order. */
  function ranks(right) {
    let before = 0;
    return right.flatMap((group) => {
      const { length } = [group].flat();
      const first = before + 1;
      before += length;
      return Array(length).fill(length > 1 ? `${first}–${before}` : String(first));
    });
  }

  const same = (one, other) =>
    one.length === other.length && one.every((each) => other.includes(each));

  // --------------------------------------------------------------------- the four kinds
  //
  // Each is made of a question and a function to call when its answer changes. It has a
  // `node`; `answer`, null until there is one; `set(answer)`; and `reveal()`, which
  // marks the right answer beside the reader's and returns {verdict, said}.

  // Options of so few letters stand beside one another; gate.py counts on it.
  const SHORT = 10;
  const MARKS = { right: "✓", near: "≈", wrong: "✗" };
  const list = (texts) => texts.map((text) => `“${text}”`).join(" and ") || "nothing";

  function choose({ ask, options, right, several }, changed) {
    const inputs = options.map(() => element("input", {
      type: several ? "checkbox" : "radio", name: ask, onchange: changed }));
    const short = Math.max(...options.map((text) => text.length)) <= SHORT;
    const node = element("div", { className: short ? "short" : "" }, ...options.map((text, i) =>
      element("label", { className: "option" }, inputs[i], element("span", {}, text))));
    const chosen = () => inputs.flatMap((input, i) => (input.checked ? [i] : []));
    return {
      node,
      get answer() { return chosen().length ? chosen() : null; },
      set: (answer) => inputs.forEach((input, i) => (input.checked = answer.includes(i))),
      reveal() {
        const answer = chosen();
        inputs.forEach((input, i) => {
          input.disabled = true;
          const mark = right.includes(i) ? "right" : input.checked ? "wrong" : "other";
          const text = { right: "it is", wrong: "you said", other: "" }[mark];
          input.parentElement.classList.add(mark);
          input.parentElement.append(element("span", { className: "mark-text" },
            MARKS[mark] ?? "", short ? "" : ` ${text}`));
        });
        const all = several ? same(answer, right) : right.includes(answer[0]);
        const texts = (places) => list(places.map((i) => options[i]));
        return all
          ? { verdict: "right", said: `You said ${texts(answer)}, and so it is.` }
          : { verdict: "wrong", said: `You said ${texts(answer)}; it is ${texts(right)}.` };
      },
    };
  }

  function order(question, changed) {
    const { items, right, values } = question;
    let at = items.map((_, i) => i);
    const node = element("ol", { className: "order" });
    const status = element("p", { className: "hidden-text", role: "status" });
    const rows = items.map((text, i) => element("li", {},
      element("span", { className: "rank" }), element("span", {}, text),
      button("▲", () => move(i, -1), { label: `${text}: up` }),
      button("▼", () => move(i, 1), { label: `${text}: down` })));
    const lay = () => {
      // Appending takes the focus away, so only what moves is moved.
      at.forEach((i, position) => {
        const there = node.children[position];
        if (there !== rows[i]) node.insertBefore(rows[i], there);
        const [rank, , up, down] = rows[i].children;
        rank.textContent = position + 1;
        up.setAttribute("aria-disabled", position === 0);
        down.setAttribute("aria-disabled", position === items.length - 1);
      });
    };
    function move(item, by) {
      const from = at.indexOf(item), to = from + by;
      const focused = rows[item].getRootNode().activeElement;
      if (to >= 0 && to < at.length) [at[from], at[to]] = [at[to], at[from]];
      lay();
      focused?.focus();
      status.textContent = `${items[item]}: place ${at.indexOf(item) + 1} of ${items.length}`;
      changed();
    }
    lay();
    return {
      node: element("div", {}, node, status),
      get answer() { return at; },
      set: (answer) => (at = answer, lay()),
      reveal() {
        const fits = judgeOrder(question, at);
        const flat = right.flat();
        const column = (title, places, rank, note) => element("div", {},
          element("p", { className: "quiet" }, title),
          element("ol", { className: "order" }, ...places.map((i, n) => element("li", {},
            element("span", { className: "rank" }, rank(n)), element("span", {}, items[i]),
            element("span", { className: "mark-text" }, note(i, n))))));
        node.replaceWith(element("div", { className: "columns" },
          column("You said", at, (n) => String(n + 1), (i, n) => (fits[n] ? "✓" : "✗")),
          column("It is", flat, (n) => ranks(right)[n], (i) => values?.[i] ?? "")));
        const count = fits.filter(Boolean).length;
        return count === items.length
          ? { verdict: "right", said: "Your order is right." }
          : { verdict: "wrong", said: `${count} of ${items.length} stand where they belong.` };
      },
    };
  }

  function number(question, changed) {
    const { ask, unit = "", right, scale, log } = question;
    const input = element("input", { type: "text", inputMode: "decimal", autocomplete: "off",
      "aria-label": unit ? `${ask} In ${unit}` : ask });
    const hint = element("span", { className: "quiet" });
    const track = element("div", { className: "scale", "aria-hidden": "true" });
    const steps = log ? Math.round(Math.log10(scale[1] / scale[0])) : 4;
    for (let step = 0; step <= steps; step++) {
      const value = valueAt(step / steps, question);
      track.append(at("tick", value, words(log ? Number(value.toPrecision(2)) : value, unit)));
    }
    function at(name, value, text) {
      const share = 100 * place(value, question);
      const made = element("span", { className: name }, element("span", {}, text));
      made.style.left = `${share}%`;
      made.firstChild.style.transform = `translateX(-${share}%)`;
      return made;
    }
    const show = () => {
      track.querySelector(".yours")?.remove();
      const value = parse(input.value);
      hint.textContent = input.value && value === null ? "not a number" : unit;
      input.setAttribute("aria-invalid", Boolean(input.value) && value === null);
      if (value !== null) track.append(at("yours", value, `◇ you said ${words(value, unit)}`));
    };
    input.oninput = () => (show(), changed());
    show();
    return {
      node: element("div", {}, element("div", { className: "row" }, input, hint), track),
      get answer() { return parse(input.value); },
      set: (answer) => (input.value = answer, show()),
      reveal() {
        input.disabled = true;
        const [low, high] = bounds(right);
        const it = low === high ? words(low, unit) : `${words(low)} to ${words(high, unit)}`;
        track.append(at("it", (low + high) / 2, `● it is ${it}`));
        const { verdict, said } = judgeNumber(question, this.answer);
        const yours = words(this.answer, unit);
        return verdict === "right"
          ? { verdict, said: `You said ${yours}, and so it is.` }
          : { verdict, said: `You said ${yours}; it is ${it}: ${said}.` };
      },
    };
  }

  // Of a drawing, in pixels; gate.py counts on its height.
  const HEIGHT = 250, LEFT = 52, RIGHT = 14, TOP = 28, BOTTOM = 44;

  function curve(question, changed) {
    const { ask, x, y, right } = question;
    const names = Object.keys(right);
    const flat = () => x.values.map(() => valueAt(0.5, y));
    const drawn = Object.fromEntries(names.map((name) => [name, flat()]));
    const moved = new Set();
    let active = names[0], revealed = false, width = 0;
    const drawing = shape("svg", { height: HEIGHT, role: "group", "aria-label": ask });
    const node = element("div", {});
    if (names.length > 1) {
      const chosen = choice("curve", Object.fromEntries(names.map((name) => [name, name])), active,
        (name) => (active = name, draw()));
      node.append(chosen.node);
    }
    node.append(drawing);

    const px = (i) => LEFT + ((width - LEFT - RIGHT) * (i + 0.5)) / x.values.length;
    const py = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - place(value, y));
    const line = (values, name) => shape("polyline",
      { class: name, points: values.map((value, i) => `${px(i)},${py(value)}`).join(" ") });
    const text = (content, left, top, anchor = "middle") =>
      shape("text", { x: left, y: top, "text-anchor": anchor }, content);

    function axes() {
      const steps = y.log ? Math.round(Math.log10(y.scale[1] / y.scale[0])) : 4;
      const parts = [];
      for (let step = 0; step <= steps; step++) {
        const value = valueAt(step / steps, y);
        const grid = { class: "grid", x1: LEFT, x2: width - RIGHT, y1: py(value), y2: py(value) };
        parts.push(shape("line", grid),
          text(words(value, y.unit === "%" ? "%" : ""), LEFT - 6, py(value) + 5, "end"));
      }
      x.values.forEach((value, i) => parts.push(text(words(value), px(i), HEIGHT - BOTTOM + 20)));
      parts.push(text(x.label, (LEFT + width - RIGHT) / 2, HEIGHT - 6));
      parts.push(text(y.label, LEFT, 14, "start"));
      return parts;
    }

    function handle(i) {
      const value = drawn[active][i];
      const made = shape("g", { class: "handle", role: "slider", tabindex: i ? -1 : 0,
        "aria-orientation": "vertical", "aria-valuemin": y.scale[0], "aria-valuemax": y.scale[1],
        "aria-valuenow": value, "aria-valuetext": words(value, y.unit),
        "aria-label": `${names.length > 1 ? `${active}, ` : ""}${x.label} ${words(x.values[i])}` },
        shape("circle", { class: "target", cx: px(i), cy: py(value), r: 22 }),
        shape("circle", { class: "knob", cx: px(i), cy: py(value), r: 7 }));
      made.onpointerdown = (event) => made.setPointerCapture(event.pointerId);
      made.onpointermove = (event) => {
        if (!made.hasPointerCapture(event.pointerId)) return;
        const top = event.clientY - drawing.getBoundingClientRect().top - TOP;
        put(i, 1 - top / (HEIGHT - TOP - BOTTOM));
      };
      made.onkeydown = (event) => {
        const up = { ArrowUp: 1, ArrowDown: -1, PageUp: 5, PageDown: -5 }[event.key];
        const aside = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (up) put(i, place(drawn[active][i], y) + up / 40);
        else if (aside) drawing.querySelectorAll(".handle")[i + aside]?.focus();
        else return;
        event.preventDefault();
      };
      return made;
    }

    function put(i, share) {
      drawn[active][i] = valueAt(Math.min(1, Math.max(0, share)), y);
      moved.add(active);
      const made = drawing.querySelectorAll(".handle")[i];
      made.setAttribute("aria-valuenow", drawn[active][i]);
      made.setAttribute("aria-valuetext", words(drawn[active][i], y.unit));
      for (const circle of made.children) circle.setAttribute("cy", py(drawn[active][i]));
      drawing.querySelector(".yours").replaceWith(line(drawn[active], "yours"));
      changed();
    }

    function draw() {
      if (!width) return;
      drawing.setAttribute("width", width);
      const others = names.filter((name) => name !== active && moved.has(name));
      drawing.replaceChildren(...axes(),
        ...others.map((name) => line(revealed ? right[name] : drawn[name], "other")),
        line(drawn[active], "yours"));
      if (!revealed) return drawing.append(...x.values.map((_, i) => handle(i)));
      drawing.append(line(right[active], "true"), ...right[active].map((value, i) =>
        shape("circle", { class: "true", cx: px(i), cy: py(value), r: 4 })));
    }

    new ResizeObserver(([entry]) => {
      width = Math.min(680, entry.contentRect.width);
      draw();
    }).observe(node);

    return {
      node,
      get answer() { return moved.size === names.length ? drawn : null; },
      set(answer) {
        Object.assign(drawn, answer);
        names.forEach((name) => moved.add(name));
        draw();
      },
      reveal() {
        revealed = true;
        draw();
        node.append(element("p", { className: "quiet" }, "dashed: yours; solid: as it is"));
        const off = names.map((name) => distance(drawn[name], right[name], y));
        const mean = off.reduce((sum, each) => sum + each, 0) / off.length;
        const percent = words(Math.round(100 * mean), "%");
        const lies = names.length > 1 ? "Your curves lie" : "Your curve lies";
        const [verdict, near] = mean <= NEAR ? ["near", ": near"] : ["wrong", ""];
        return { verdict, said: `${lies} ${percent} of the scale away, on average${near}.` };
      },
    };
  }

  const KINDS = { choose, order, number, curve };

  // ------------------------------------------------------------------------ the element

  class Gate extends Explorable {
    static compute = { parse, words, place, judgeNumber, judgeOrder, distance };
    static style = `
      :host([dark]) { color-scheme: dark; }
      .live { border: 1px solid var(--faint); border-left: 4px solid var(--accent);
        border-radius: 4px 8px 8px 4px; min-height: inherit; padding: 16px; }
      fieldset { border: 0; margin: 0 0 18px; min-width: 0; padding: 0; }
      fieldset:last-of-type { margin-bottom: 0; }
      legend { font-weight: 600; margin-bottom: 10px; padding: 0; }
      .option, .order li { align-items: center; border: 1px solid var(--faint);
        border-radius: 6px; display: flex; gap: 8px; margin-bottom: 6px; min-height: 44px;
        padding: 4px 12px; }
      .option { cursor: pointer; }
      .short { display: grid; gap: 0 8px; grid-template-columns: 1fr 1fr; }
      @container (min-width: 600px) { .short { grid-template-columns: repeat(4, 1fr); } }
      .option:has(:checked) { border-color: var(--accent);
        box-shadow: inset 0 0 0 1px var(--accent); }
      .option.right, .option.wrong, .option.other { cursor: default; }
      .option.right { border-color: var(--good); box-shadow: inset 0 0 0 1px var(--good); }
      .option.wrong { border-color: var(--bad); box-shadow: inset 0 0 0 1px var(--bad); }
      .option span:nth-child(2), .rank + span { flex: 1; }
      .rank { color: var(--quiet); }
      .option input { accent-color: var(--accent); flex: none; height: 18px; margin: 0;
        width: 18px; }
      .mark-text { flex: none; font-size: 13px; }
      .right .mark-text { color: var(--good); }
      .wrong .mark-text { color: var(--bad); }
      .order { list-style: none; margin: 0; padding: 0; }
      .order li { padding: 0 0 0 12px; }
      .order button { border-width: 0 0 0 1px; border-radius: 0; min-height: 44px; }
      .order button:last-child { border-radius: 0 6px 6px 0; }
      .order [aria-disabled=true] { color: var(--faint); cursor: default; }
      .columns { display: grid; gap: 8px; grid-template-columns: 1fr 1fr; }
      .columns li { padding-right: 8px; }
      input[type=text] { width: 9em; }
      .scale { border-bottom: 2px solid var(--line); height: 62px; margin-bottom: 30px;
        position: relative; }
      .scale > span { border-left: 1px solid var(--line); bottom: -2px; height: 8px;
        position: absolute; }
      .scale > span > span { font-size: 13px; position: absolute; white-space: nowrap; }
      .tick > span { color: var(--quiet); top: 10px; }
      .scale > .yours { border-left: 2px dashed var(--text); height: 38px; }
      .scale > .it { border-left: 2px solid var(--accent); height: 18px; }
      .yours > span { bottom: 38px; }
      .it > span { background: var(--surface); bottom: 18px; color: var(--accent);
        font-weight: 600; }
      svg { display: block; max-width: 100%; }
      text { fill: var(--quiet); font-size: 13px; }
      .grid { stroke: var(--faint); }
      polyline { fill: none; stroke-width: 2; }
      polyline.yours { stroke: var(--text); stroke-dasharray: 6 4; }
      polyline.true { stroke: var(--accent); stroke-width: 2.5; }
      circle.true { fill: var(--accent); }
      polyline.other { stroke: var(--line); stroke-dasharray: 2 4; }
      .target { fill: transparent; }
      .handle { cursor: ns-resize; outline: none; touch-action: none; }
      .knob { fill: var(--surface); stroke: var(--accent); stroke-width: 3; }
      .handle:focus-visible .knob { fill: var(--accent); r: 9px; }
      .foot { margin-top: 12px; min-height: 44px; }
      .primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
      .primary:hover { background: var(--accent); filter: brightness(1.1); }
      .primary:disabled { background: var(--raised); border-color: var(--faint);
        color: var(--quiet); filter: none; }
      .link { background: none; border: 0; color: var(--accent); padding: 4px 8px;
        text-decoration: underline; }
      .verdict, strong { font-weight: 600; }
      .verdict.right { color: var(--good); }
      .verdict.wrong { color: var(--bad); }
      .feedback p + p { margin-top: 6px; }
      .feedback .row { flex-wrap: nowrap; justify-content: space-between; }
      .feedback .link { flex: none; padding-right: 0; }
    `;

    start({ questions, result }) {
      this.questions = questions;
      this.result = document.getElementById(result);
      try {
        this.ask();
      } catch (error) {
        // A gate that does not work must not keep its result shut.
        this.open();
        throw error;
      }
      if (this.result) {
        // The page opens it, too: for a search, an address, or all at once.
        new MutationObserver(() => this.noteResult()).observe(
          this.result, { attributes: true, attributeFilter: ["hidden"] });
      }
      const answers = this.recall()?.answers;
      if (answers?.length === questions.length) {
        this.kinds.forEach((kind, i) => kind.set(answers[i]));
        this.compare();
      }
    }

    /** Lay the questions out. */
    ask() {
      const changed = () => this.changed();
      this.kinds = this.questions.map((question) => KINDS[question.kind](question, changed));
      this.show = button("Show the result", () => this.answer());
      this.show.className = "primary";
      this.skip = button("skip: show me", () => this.leave());
      this.skip.className = "link";
      this.foot = element("div", { className: "row foot" }, this.show, this.skip);
      this.live.replaceChildren(
        ...this.questions.map((question, i) => element("fieldset", {},
          element("legend", {}, question.ask), this.kinds[i].node)),
        this.foot);
      this.changed();
      this.noteResult();
    }

    changed() {
      this.show.disabled = this.kinds.some((kind) => kind.answer === null);
    }

    answer() {
      this.remember({ answers: this.kinds.map((kind) => kind.answer) });
      this.compare();
      this.open();
      this.again.focus({ preventScroll: true });
      this.say(this.live.querySelector(".feedback").textContent);
    }

    leave() {
      this.remember({ skipped: true });
      this.open();
      this.say("The result is open.");
    }

    /** Put the right answers beside the reader's. */
    compare() {
      const told = this.kinds.map((kind, i) => {
        const { verdict, said } = kind.reveal();
        return element("p", {},
          element("span", { className: `verdict ${verdict}` }, MARKS[verdict]), " ",
          element("strong", {}, said), ` ${this.questions[i].because}`);
      });
      this.again = button("answer again", () => this.forget());
      this.again.className = "link";
      this.foot.replaceWith(element("div", { className: "feedback foot" }, ...told,
        element("div", { className: "row" },
          element("p", { className: "quiet" }, "checked against this chapter’s outputs"),
          this.again)));
    }

    forget() {
      this.remember(null);
      if (this.result && !this.resultStaysOpen()) this.result.setAttribute("hidden", "until-found");
      this.ask();
      this.live.querySelector("input, button, [tabindex]").focus({ preventScroll: true });
    }

    open() {
      if (!this.result) return;
      this.result.removeAttribute("hidden");
      this.result.dispatchEvent(new Event("resultopened", { bubbles: true }));
    }

    noteResult() {
      this.skip.hidden = !this.result?.hasAttribute("hidden");
      this.show.textContent = this.skip.hidden ? "Compare" : "Show the result";
    }

    // Where storage is blocked, a gate forgets.
    recall() {
      try {
        return JSON.parse(localStorage.getItem(`cnnbook.${this.result.id}`));
      } catch {
        return null;
      }
    }

    remember(answer) {
      if (!this.result) return;
      try {
        const key = `cnnbook.${this.result.id}`;
        if (answer) localStorage.setItem(key, JSON.stringify(answer));
        else localStorage.removeItem(key);
      } catch {
        // It forgets.
      }
    }

    resultStaysOpen() {
      try {
        return localStorage.getItem("cnnbook.gates") === "open";
      } catch {
        return false;
      }
    }
  }

  define("gate", Gate);
})();
