// An exercise's answers, typed into the page; it says which case is not right.
(() => {
  const { Explorable, button, define, element } = globalThis.cnnbook;

  /** Read a number as people type it: "1,024", "−0.5", "3/4", "1e-3"; or null. */
  function parse(text) {
    const plain = text.trim().replace(/[−–]/g, "-").replace(/[,\s_]/g, "");
    const found = /^(-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?:\/(\d+\.?\d*))?%?$/i.exec(plain);
    return found ? Number(found[1]) / Number(found[2] ?? 1) : null;
  }

  /** Whole numbers must be met exactly, others within a relative tolerance. */
  function isRight(typed, right, tolerance) {
    if (Number.isInteger(right)) return typed === right;
    return Math.abs(typed - right) <= tolerance * Math.max(Math.abs(typed), Math.abs(right));
  }

  // A label of so few letters has its field beside it; answers.py counts on it.
  const SHORT = 17;

  class Answers extends Explorable {
    static compute = { parse, isRight };
    static style = `
      :host([dark]) { color-scheme: dark; }
      .live { border: 1px solid var(--faint); border-left: 4px solid var(--accent);
        border-radius: 4px 8px 8px 4px; min-height: inherit; padding: 16px; }
      .case { display: grid; gap: 4px 12px; margin-bottom: 12px; }
      .short { align-items: center; grid-template-columns: 1fr 150px; }
      .label { overflow-wrap: anywhere; }
      code { font: 14px/1.5 ui-monospace, monospace; }
      .fields { display: grid; gap: 4px 12px; }
      .field { align-items: center; display: flex; gap: 8px; }
      .field > span:last-child { flex: none; width: 1.2em; }
      input[type=text] { flex: 1; min-width: 0; width: 100%; }
      @container (min-width: 600px) {
        .single { align-items: center; grid-template-columns: 1fr 210px; }
        .fields { grid-template-columns: repeat(3, 1fr); }
        .single .fields { grid-template-columns: 1fr; }
      }
      .right { color: var(--good); }
      .wrong { color: var(--bad); }
      .foot p { flex: 1 1 140px; }
    `;

    start({ rows, parts, tolerance }) {
      this.rows = rows.map(({ label, code, right }) => {
        const fields = right.map((number, i) => this.field(number, label, parts[i]));
        const name = code ? element("code", {}, label) : label;
        const short = label.length <= SHORT ? "short" : "";
        const layout = fields.length > 1 ? "case" : `case single ${short}`;
        return { fields, node: element("div", { className: layout },
          element("p", { className: "label" }, name),
          element("div", { className: "fields" }, ...fields.map((field) => field.node))) };
      });
      this.tolerance = tolerance;
      this.told = element("p", { className: "quiet" }, "the cases of the check below");
      this.live.append(...this.rows.map((row) => row.node),
        element("div", { className: "row foot" }, button("Check", () => this.check()), this.told));
    }

    field(right, label, part) {
      const input = element("input", { type: "text", inputMode: "text", autocomplete: "off",
        "aria-label": part ? `${label}: ${part}` : label,
        onkeydown: (event) => event.key === "Enter" && this.check() });
      const mark = element("span", { "aria-hidden": "true" });
      const line = element("div", { className: "field" }, input, mark);
      const named = () => element("div", {}, element("span", { className: "quiet" }, part), line);
      return { right, input, mark, node: part ? named() : line };
    }

    /** Mark each field, and say which cases are not right; never what would be. */
    check() {
      const failing = [];
      this.rows.forEach(({ fields }, i) => {
        const fits = fields.map(({ right, input, mark }) => {
          const typed = parse(input.value);
          const fit = typed !== null && isRight(typed, right, this.tolerance);
          mark.className = fit ? "right" : "wrong";
          mark.textContent = fit ? "✓" : input.value ? "✗" : "";
          input.setAttribute("aria-invalid", !fit);
          return fit;
        });
        if (!fits.every(Boolean)) failing.push(i + 1);
      });
      this.told.textContent = this.sentence(failing);
      this.told.className = failing.length ? "wrong" : "right";
      this.say(this.told.textContent);
    }

    sentence(failing) {
      const count = this.rows.length;
      if (!failing.length) return count > 1 ? `Right in all ${count} cases.` : "Right.";
      if (count === 1) return "Not right yet.";
      const cases = failing.length > 1 ? "Cases" : "Case";
      return `${cases} ${failing.join(", ")} of ${count}: not right yet.`;
    }
  }

  define("answers", Answers);
})();
