// Controls that more than one explorable has: a list to choose from, a whole number, and
// the line at the foot.
(() => {
  const { button, element } = globalThis.cnnbook;

  const STYLE = `
    .live { display: flex; flex-direction: column; gap: 12px; }
    .choose { align-items: center; display: grid; gap: 12px; grid-template-columns: auto 1fr; }
    select { min-width: 0; width: 100%; }
    .lines { min-height: calc(var(--lines) * 1.45em); }
    .comment { --lines: 3; font-size: 14px; }
    .stepper { border: 0; margin: 0; min-width: 0; padding: 0; }
    .stepper legend { font-size: 13px; padding: 0; white-space: nowrap; }
    .stepper div { display: flex; }
    .stepper button { flex: 1; min-width: 0; padding: 0; }
    .stepper input { border-radius: 0; flex: 2; min-width: 20px; padding: 0; text-align: center; }
    .stepper button:first-child { border-radius: 6px 0 0 6px; border-right: 0; }
    .stepper button:last-child { border-left: 0; border-radius: 0 6px 6px 0; }
    input[type=number] { appearance: textfield; font-variant-numeric: tabular-nums; }
    input::-webkit-inner-spin-button { appearance: none; }
    .parts { flex-wrap: nowrap; gap: 6px; }
    .parts button { flex: 1; font-size: 14px; min-width: 0; padding: 4px 0; white-space: nowrap; }
    .foot { align-items: start; column-gap: 12px; display: flex; flex-wrap: wrap;
      justify-content: space-between; }
    .foot .quiet { flex-basis: 100%; order: 2; }
    details[open] { flex-basis: 100%; min-width: 0; order: 1; }
    @container (min-width: 600px) {
      .comment { --lines: 2; }
      .foot .quiet { flex-basis: auto; line-height: 44px; margin-left: auto; order: 0; }
    }
  `;

  /**
   * A list to choose from, with its name beside it or, if `bare`, only spoken.
   *
   * `kinds` are words by the value that they stand for, or whatever has words as its name.
   */
  function select(label, kinds, onchoose, { bare = false } = {}) {
    const list = element("select", { "aria-label": label }, ...Object.entries(kinds).map(
      ([value, kind]) => element("option", { value }, kind.name ?? kind)));
    list.onchange = () => onchoose(list.value);
    const node = bare ? list
      : element("label", { className: "choose" }, element("span", {}, label), list);
    return { node, list, set: (name) => (list.value = name) };
  }

  /**
   * A whole number between two buttons.
   *
   * `next(value, way)` is where a button leads, with a way of −1 or 1; one step as a rule.
   */
  function stepper({ label, min, max, next = (value, way) => value + way }, onchange) {
    const input = element("input", { type: "number", min, max, "aria-label": label });
    const to = (value) => {
      if (Number.isInteger(value)) onchange(Math.max(min, Math.min(max, value)));
      else set(Number(input.dataset.value));
    };
    const step = (way, sign, words) => button(sign,
      () => to(next(Number(input.dataset.value), way)), { label: `${words} ${label}` });
    const [less, more] = [step(-1, "−", "less"), step(1, "+", "more")];
    const set = (value, fixed = false) => {
      input.value = input.dataset.value = value;
      input.disabled = fixed;
      less.disabled = fixed || value <= min;
      more.disabled = fixed || value >= max;
    };
    input.onchange = () => to(input.value === "" ? NaN : Number(input.value));
    const node = element("fieldset", { className: "stepper" }, element("legend", {}, label),
      element("div", {}, less, input, more));
    return { node, set };
  }

  /** 27,648; 1.85 M; 15.5 G: exact as long as it is short. */
  function counted(number) {
    for (const [size, letter] of [[1e12, "T"], [1e9, "G"], [1e6, "M"]]) {
      if (number >= size) return `${(number / size).toPrecision(3)} ${letter}`;
    }
    return Math.round(number).toLocaleString("en-GB");
  }

  globalThis.cnnbook.controls ??= { counted, select, stepper, style: STYLE };
})();
