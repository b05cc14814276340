// A point moves along f(a) = 1.7159 tanh(2a/3); its value and its slope are said.
(() => {
  const { Explorable, define, element, shape, slider } = globalThis.cnnbook;
  // The sum goes from -4 to 4; the drawing's size is in its own units.
  const SPAN = 4;
  const WIDTH = 400, HEIGHT = 240;

  const squash = (a) => 1.7159 * Math.tanh((2 / 3) * a);
  const slope = (a) => (2 / 3) * 1.7159 * (1 - Math.tanh((2 / 3) * a) ** 2);
  const x = (a) => WIDTH * (0.5 + a / (2 * SPAN));
  const y = (value) => HEIGHT * (0.5 - value / 4);

  class Squash extends Explorable {
    // For the parity test.
    static compute = { squash, slope };
    static style = `
      svg { display: block; margin: auto; max-width: 560px; width: 100%; }
      .curve { fill: none; stroke: var(--accent); stroke-width: 2; }
      .axis { stroke: var(--line); }
      .tangent { stroke: var(--text); stroke-dasharray: 5 4; }
      .point { fill: var(--accent); stroke: var(--surface); stroke-width: 2; }
    `;

    start() {
      const curve = Array.from({ length: 161 }, (_, i) => (i - 80) / 20);
      this.tangent = shape("line", { class: "tangent" });
      this.point = shape("circle", { class: "point", r: 6 });
      const drawing = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
        "aria-label": "The squashing function, and its tangent at the chosen point" },
        shape("line", { class: "axis", x1: 0, x2: WIDTH, y1: y(0), y2: y(0) }),
        shape("line", { class: "axis", x1: x(0), x2: x(0), y1: 0, y2: HEIGHT }),
        shape("polyline", { class: "curve", points: curve.map((a) => `${x(a)},${y(squash(a))}`).join(" ") }),
        this.tangent, this.point);
      this.sum = slider({
        label: "sum a", min: -SPAN, max: SPAN, step: 0.05, value: 1,
        words: (a) => a.toFixed(2).replace("-", "−"),
        oninput: () => (this.redraw(), this.share(this.sum.value)),
      });
      this.sentence = element("p", { className: "numbers" });
      this.live.append(drawing, element("div", { className: "controls" }, this.sum.node),
        this.sentence, this.numbers(() => this.rows()), this.copyLink());
      this.draw();
    }

    restore(state) {
      this.sum.set(Number(state));
      this.draw();
    }

    /** What is drawn, as numbers. */
    rows() {
      const a = this.sum.value;
      return [["", "value"], ["a", a], ["f(a)", squash(a).toFixed(6)], ["slope", slope(a).toFixed(6)]];
    }

    draw() {
      const a = this.sum.value;
      this.point.setAttribute("cx", x(a));
      this.point.setAttribute("cy", y(squash(a)));
      for (const [end, side] of [[1, -1], [2, 1]]) {
        this.tangent.setAttribute(`x${end}`, x(a + side));
        this.tangent.setAttribute(`y${end}`, y(squash(a) + side * slope(a)));
      }
      const said = (value) => value.toFixed(2).replace("-", "−");
      this.sentence.textContent = `f(${said(a)}) = ${said(squash(a))}; the slope there is ${said(slope(a))}.`;
      this.say(this.sentence.textContent);
    }
  }

  define("squash", Squash);
})();
