// Draw a digit: the LeNet-5 of 1998 reads it, and draws back what it has read.
(() => {
  const { Network, button, define, element, paint, slider } = globalThis.cnnbook;
  const { moved, number, forward, prepare } = globalThis.cnnbook.network;

  const NONE = 1; // the paper's j: at this distance "none of these" is as likely as a digit

  const NETWORKS = {
    lenet5: { name: "LeNet-5, 1998", of: "LeNet-5 of 1998" },
    "lenet5-modern": { name: "today’s LeNet-5", of: "Today’s LeNet-5" },
    "one-hidden-layer": { name: "no convolution", of: "One hidden layer" },
  };

  /** What a network makes of its outputs: a class, each one's share, that of none. */
  function judged(outputs, byDistance) {
    const scores = [...outputs].map((value) => (byDistance ? -value : value));
    const digit = scores.indexOf(Math.max(...scores));
    const weight = (score) => Math.exp(score - scores[digit]);
    const none = byDistance ? weight(-NONE) : 0;
    const total = scores.reduce((sum, score) => sum + weight(score), none);
    return { digit, none: none / total, shares: scores.map((score) => weight(score) / total) };
  }

  /** Numbers from 0 to 1 that look random, and are the same each time. */
  function noise(length) {
    let state = 1;
    return Float32Array.from({ length }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    });
  }

  // Strokes in the address: a letter pair for each coordinate, in quarters of a pixel.
  const written = (strokes) =>
    strokes
      .map((stroke) =>
        stroke
          .flat()
          .map((value) =>
            Math.max(0, Math.min(1295, Math.round(4 * value) + 400))
              .toString(36)
              .padStart(2, "0"),
          )
          .join(""),
      )
      .join("-");
  const read = (text) =>
    text
      .split("-")
      .filter(Boolean)
      .map((stroke) => {
        const values = (stroke.match(/../g) ?? []).map((pair) => (parseInt(pair, 36) - 400) / 4);
        return Array.from({ length: values.length / 2 }, (_, i) => values.slice(2 * i, 2 * i + 2));
      })
      .filter((stroke) => stroke.length && stroke.flat().every(Number.isFinite));

  class Lenet extends Network {
    static compute = { ...Network.compute, judged, readBack: (strokes) => read(written(strokes)) };
    static style =
      Network.style +
      `
      .networks {
        display: grid; gap: 6px; grid-template-columns: repeat(3, 1fr); margin-bottom: 10px;
      }
      .networks button { font-size: 13px; line-height: 18px; min-height: 46px; padding: 3px; }
      .networks b { display: block; font-size: 15px; font-weight: 400; }
      .networks .known { font-weight: 700; }
      .name { color: var(--quiet); font-size: 13px; line-height: 22px; white-space: nowrap; }
      .verdict { height: 52px; }
      .top { grid-template-columns: 1fr; }
      .pair { display: grid; gap: 12px; grid-template-columns: 12fr 7fr; }
      .drawing .sheet { max-width: none !important; }
      .drawing .maps { border: 1px solid var(--line); border-radius: 3px; overflow: hidden; }
      .codes { display: grid; gap: 2px; grid-template-columns: repeat(10, 1fr); }
      .code {
        border: 2px solid transparent; border-radius: 4px; font-size: 13px; line-height: 20px;
        min-width: 0; padding: 2px 0 0; text-align: center;
      }
      .code canvas { height: 44px; margin: auto; width: auto; }
      .code.best { border-color: var(--accent); font-weight: 700; }
      .code .share {
        align-items: end; background: var(--raised); display: flex; height: 44px; margin: auto;
        width: 24px;
      }
      .code .share i { background: var(--accent); display: block; width: 100%; }
      .none {
        align-items: center; display: grid; font-size: 13px; gap: 8px;
        grid-template-columns: auto 1fr auto; line-height: 28px;
      }
      .none .bar { background: var(--raised); height: 8px; }
      .none i { background: var(--quiet); display: block; height: 8px; }
      .controls { display: grid; gap: 8px; margin-top: 12px; }
      .digits { display: grid; gap: 6px; grid-template-columns: repeat(6, 1fr); }
      .digits button { padding: 0; }
      .digits .clear { grid-column: span 2; }
      .shifts { align-items: end; display: flex; gap: 6px; }
      .shifts button { padding: 0; }
      .shifts .invert { flex: 1; }
      .controls .slider { grid-template-columns: auto 1fr auto; }
      .controls .slider input { grid-column: 2; grid-row: 1; }
      .comment { font-size: 13px; line-height: 20px; min-height: 80px; }
      .preset select { width: 100%; }
      .preset { display: grid; gap: 6px; }
      .layers { min-height: 526px; }
      @container (min-width: 600px) {
        .networks { float: right; margin-bottom: 8px; width: 372px; }
        .verdict { height: 54px; padding-top: 4px; }
        .top { clear: both; gap: 16px; grid-template-columns: minmax(0, 384px) minmax(228px, 1fr); }
        .pair { gap: 16px; }
        .codes { gap: 4px 2px; grid-template-columns: repeat(5, 1fr); }
        .code canvas, .code .share { height: 68px; }
        .code .share { width: 40px; }
        .controls { gap: 8px 16px; grid-template-columns: 1fr 1fr; }
        .digits { grid-column: 1 / 3; grid-template-columns: repeat(12, 1fr); }
        .preset {
          align-items: center; grid-column: 1 / 3; grid-template-columns: 232px 1fr; gap: 16px;
        }
        .comment { min-height: 80px; }
        .layers { min-height: 580px; }
      }
    `;

    start(data) {
      this.presets = data.presets;
      this.digits = data.digits;
      this.chains = { lenet5: prepare(data) };
      this.noise = noise(32 * 32);
      this.kind = "lenet5";
      this.inverted = false;
      this.use(data);
      this.live.append(this.head(), this.controls(), this.body(), this.foot());
      this.showLayers();
      this.choose("3");
    }

    head() {
      this.verdict = element("p", { className: "verdict" });
      this.networks = element(
        "div",
        { className: "networks", role: "group", "aria-label": "Network" },
        ...Object.entries(NETWORKS).map(([kind, { name }]) => {
          const made = button(name, () => this.take(kind), { pressed: kind === this.kind });
          made.dataset.kind = kind;
          made.append(element("b", {}, "compare"));
          return made;
        }),
      );
      this.drawingPart = element("div", { className: "drawing" });
      this.drawingName = element("p", { className: "name" });
      this.codesName = element("p", { className: "name" });
      this.codes = element("div", { className: "codes numbers" });
      this.none = element("div", { className: "none numbers" });
      const drawHere = element("p", { className: "name" }, "Draw here");
      return element(
        "div",
        {},
        this.networks,
        this.verdict,
        element(
          "div",
          { className: "top" },
          element(
            "div",
            { className: "pair" },
            element("div", {}, drawHere, this.inputPart()),
            element("div", {}, this.drawingName, this.drawingPart),
          ),
          element("div", {}, this.codesName, this.codes, this.none),
        ),
      );
    }

    controls() {
      const digits = element("div", {
        className: "digits",
        role: "group",
        "aria-label": "Draw for me",
      });
      for (let digit = 0; digit < 10; digit++) {
        digits.append(
          button(String(digit), () => this.choose(String(digit)), { label: `Draw a ${digit}` }),
        );
      }
      const clear = button("clear", () => this.clear());
      clear.className = "clear";
      digits.append(clear);
      const arrows = {
        "←": ["left", [-1, 0]],
        "↑": ["up", [0, -1]],
        "↓": ["down", [0, 1]],
        "→": ["right", [1, 0]],
      };
      this.invert = button("invert", () => this.setInverted(!this.inverted), { pressed: false });
      this.invert.className = "invert";
      const shifts = element(
        "div",
        { className: "shifts", role: "group", "aria-label": "Shift and invert" },
        ...Object.entries(arrows).map(([arrow, [side, by]]) =>
          button(arrow, () => this.move(by), { label: `Shift ${side} by a pixel` }),
        ),
        this.invert,
      );
      this.grain = slider({
        label: "noise",
        min: 0,
        max: 100,
        step: 5,
        value: 0,
        words: (value) => `${value} %`,
        oninput: () => (this.redraw(), this.remember()),
      });
      this.comment = element("p", { className: "comment" });
      this.preset = element(
        "select",
        { "aria-label": "Examples with a comment" },
        element("option", { value: "" }, "Try one of these …"),
        ...this.presets.map(({ name }, i) => element("option", { value: i }, name)),
      );
      this.preset.onchange = () => this.preset.value && this.show(this.presets[this.preset.value]);
      return element(
        "div",
        { className: "controls" },
        digits,
        shifts,
        this.grain.node,
        element("div", { className: "preset" }, this.preset, this.comment),
      );
    }

    // What the reader does

    choose(digit) {
      this.reset();
      this.strokes = this.digits[digit].map((stroke) => stroke.map(([x, y]) => [32 * x, 32 * y]));
      this.draw();
      this.remember();
    }

    clear() {
      this.reset();
      this.draw();
      this.remember();
    }

    reset() {
      this.strokes = [];
      this.shift = [0, 0];
      this.grain.set(0);
      this.setInverted(false);
      this.preset.value = "";
      this.explain("");
    }

    /** Comment on what is shown, or say what comments there are. */
    explain(comment) {
      this.comment.textContent =
        comment || "Examples that it reads, and some that it does not, each with a comment.";
      this.comment.classList.toggle("quiet", !comment);
    }

    drawn() {
      super.drawn();
      this.preset.value = "";
      this.explain("");
      this.remember();
    }

    move(by) {
      super.move(by);
      this.remember();
    }

    setInverted(inverted) {
      this.inverted = inverted;
      this.invert.setAttribute("aria-pressed", inverted);
      this.redraw();
      this.remember();
    }

    async show({
      strokes,
      shift = [0, 0],
      noise: grain = 0,
      inverted = false,
      network = "lenet5",
      comment,
    }) {
      const chosen = this.preset.value;
      this.reset();
      this.preset.value = chosen;
      this.strokes = strokes.map((stroke) => stroke.map(([x, y]) => [32 * x, 32 * y]));
      this.shift = shift;
      this.grain.set(grain);
      this.setInverted(inverted);
      this.explain(comment);
      await this.take(network);
    }

    /** Go over to another network; its weights are fetched when first asked for. */
    async take(kind) {
      this.chains[kind] ??= prepare(await this.part(kind));
      this.kind = kind;
      for (const each of this.networks.children) {
        each.setAttribute("aria-pressed", each.dataset.kind === kind);
      }
      this.chain = this.chains[kind];
      this.showLayers();
      this.draw();
      this.remember();
    }

    remember() {
      if (!this.hasAttribute("started")) return; // nobody has done anything yet
      const state = [
        this.kind,
        ...this.shift,
        this.grain.value,
        Number(this.inverted),
        written(this.strokes),
      ];
      this.share(state.join("."));
    }

    async restore(state) {
      const [kind, right, down, grain, inverted, strokes = ""] = state.split(".");
      if (!NETWORKS[kind]) return;
      this.reset();
      this.strokes = read(strokes);
      this.shift = [right, down].map((value) =>
        Math.max(-16, Math.min(16, parseInt(value, 10) || 0)),
      );
      this.grain.set(Number(grain) || 0);
      this.setInverted(inverted === "1");
      await this.take(kind);
    }

    // What is drawn

    pixels() {
      const { paper, ink } = this.chains.lenet5;
      const grain = this.grain.value / 100;
      const digit = moved(this.settle().ink, 32, this.shift);
      return digit.map((value, i) => {
        const share = (1 - grain) * value + grain * this.noise[i];
        return paper + (this.inverted ? 1 - share : share) * (ink - paper);
      });
    }

    get byDistance() {
      return this.kind === "lenet5";
    }

    place(i, node, stage) {
      if (!stage.drawing) return super.place(i, node, stage);
      this.drawingPart.replaceChildren(node);
    }

    showLayers() {
      super.showLayers();
      if (this.kind === "one-hidden-layer") {
        this.layers.prepend(
          element(
            "p",
            { className: "quiet" },
            "There are no maps here. Each of the 58 hidden units, drawn above, multiplies all " +
              "1,024 pixels by weights of its own; point at one, and see them below.",
          ),
          element("span"),
        );
      }
      const { name, units } = this.chain.stages.find((stage) => stage.drawing);
      this.drawingName.textContent = this.byDistance ? "F6 draws back" : `${name}: ${units} units`;
      this.codesName.textContent = this.byDistance
        ? "Distances: the least wins"
        : "Each digit’s share";
      this.cells = Array.from({ length: 10 }, (_, digit) => {
        const picture = this.byDistance
          ? element("canvas", { "aria-hidden": "true" })
          : element("div", { className: "share" }, element("i"));
        const text = element("span");
        const cell = element("div", { className: "code" }, picture, text);
        return { cell, picture, text };
      });
      this.codes.replaceChildren(...this.cells.map(({ cell }) => cell));
    }

    paintInput() {
      super.paintInput();
      this.pad.classList.toggle("empty", !this.strokes.length);
    }

    paintResult() {
      const empty = !this.strokes.length && !this.grain.value && !this.inverted;
      const results = {};
      for (const [kind, chain] of Object.entries(this.chains)) {
        const outputs = kind === this.kind ? this.outputs : forward(chain, this.x);
        results[kind] = judged(outputs.at(-1), kind === "lenet5");
      }
      for (const each of this.networks.children) {
        const result = results[each.dataset.kind];
        if (!result) continue;
        each.lastChild.className = "known";
        each.lastChild.textContent = empty ? "–" : `reads ${result.digit}`;
      }
      const { digit, none, shares } = results[this.kind];
      this.paintCodes(digit, shares, empty);
      this.paintNone(none);
      const { of } = NETWORKS[this.kind];
      const parts = empty
        ? ["Draw a digit."]
        : none > shares[digit]
          ? [`${of} sees perhaps a `, element("b", {}, String(digit)), ", rather none of the ten."]
          : [`${of} reads a `, element("b", {}, String(digit)), "."];
      this.verdict.replaceChildren(...parts);
      this.say(this.verdict.textContent);
    }

    paintCodes(best, shares, empty) {
      const distances = this.outputs.at(-1);
      this.cells.forEach(({ cell, picture, text }, digit) => {
        cell.classList.toggle("best", digit === best && !empty);
        if (this.byDistance) {
          const { codes } = this.chain.steps.at(-1);
          paint(picture, codes.slice(84 * digit, 84 * digit + 84), {
            columns: 7,
            limit: 1.2,
            colours: this.colours,
          });
          text.textContent = number(distances[digit], distances[digit] < 9.95 ? 1 : 0);
        } else {
          picture.firstChild.style.height = `${100 * shares[digit]}%`;
          text.textContent = digit;
        }
        const value = this.byDistance
          ? `squared distance ${number(distances[digit])}`
          : `share ${Math.round(100 * shares[digit])} %`;
        cell.setAttribute("role", "img");
        cell.setAttribute("aria-label", `${digit}: ${value}`);
      });
    }

    paintNone(none) {
      if (!this.byDistance) {
        return this.none.replaceChildren(element("span", {}, "There is no “none of these”."));
      }
      const bar = element("i");
      bar.style.width = `${100 * none}%`;
      this.none.replaceChildren(
        element("span", {}, "“none of these”"),
        element("div", { className: "bar" }, bar),
        element("span", {}, `${Math.round(100 * none)} %`),
      );
    }

    rows() {
      const outputs = this.outputs.at(-1);
      const { none, shares } = judged(outputs, this.byDistance);
      const percent = (share) => `${number(100 * share, 1)} %`;
      const what = this.byDistance ? "squared distance" : "score";
      return [
        ["digit", what, "share"],
        ...[...outputs].map((value, digit) => [digit, number(value, 3), percent(shares[digit])]),
        ...(this.byDistance ? [["none of these", number(NONE, 0), percent(none)]] : []),
      ];
    }
  }

  define("lenet", Lenet);
})();
