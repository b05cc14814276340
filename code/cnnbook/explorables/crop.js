// A square is dragged over a photograph; what a network answers there was recorded.
(() => {
  const { Explorable, choice, define, element } = globalThis.cnnbook;

  /** The index of the number nearest to a value. */
  const nearest = (numbers, value) => numbers.reduce(
    (best, number, i) => (Math.abs(number - value) < Math.abs(numbers[best] - value) ? i : best), 0);
  const percent = (share) => (share < 0.005 ? "< 1 %" : `${Math.round(100 * share)} %`);
  const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

  class Crop extends Explorable {
    static compute = { nearest, percent };
    static style = `
      .both { align-items: start; display: grid; gap: 12px 20px; margin-top: 10px; }
      @container explorable (min-width: 600px) { .both { grid-template-columns: 3fr 2fr; } }
      .view { cursor: grab; justify-self: center; max-width: 100%; position: relative;
        touch-action: none; user-select: none; }
      .view:active { cursor: grabbing; }
      .view img { display: block; max-height: 300px; max-width: 100%; }
      .square { border: 3px solid #e69f00; box-shadow: 0 0 0 1px #000, inset 0 0 0 1px #000;
        pointer-events: none; position: absolute; }
      .quiet { margin-top: 8px; }
      .guesses { display: grid; gap: 4px; margin: 0; padding: 0; }
      .guess { display: grid; gap: 0 8px; grid-template-columns: 1fr auto; list-style: none; }
      .bar { background: var(--faint); border-radius: 3px; grid-column: 1 / 3; height: 8px; }
      .bar div { background: var(--accent); border-radius: 3px; height: 100%; }
    `;

    start({ photographs, first, crop }) {
      Object.assign(this, { photographs, crop, name: first });
      const names = Object.fromEntries(Object.keys(photographs).map((name) => [name, name]));
      this.which = choice("Photograph", names, first, (name) => (this.show(name), this.tell()));
      this.image = element("img", { draggable: false });
      this.square = element("div", { className: "square" });
      this.view = element("div", { className: "view", tabIndex: 0, role: "application",
        "aria-label": "Photograph with a square: drag it, or move it with the arrow keys" },
        this.image, this.square);
      this.guesses = element("ol", { className: "guesses numbers" });
      this.listenToDrags();
      this.live.append(this.which.node,
        element("div", { className: "both" }, this.view, this.guesses),
        element("p", { className: "quiet" }, "Drag the square, or move it with the arrow keys."),
        this.numbers(() => this.rows()), this.copyLink());
      this.show(first);
    }

    get answer() {
      return this.photographs[this.name];
    }

    /** Show a photograph, with the square in its middle or at a place. */
    show(name, place) {
      this.name = name;
      const { rows, columns, picture } = this.answer;
      this.place = place ?? [rows.length >> 1, columns.length >> 1];
      this.image.src = `data:image/jpeg;base64,${picture}`;
      this.image.alt = `The photograph "${name}"`;
      this.redraw();
    }

    listenToDrags() {
      const { view } = this;
      let held = false;
      const follow = (event) => {
        const box = view.getBoundingClientRect();
        const { width, height, rows, columns } = this.answer;
        const x = ((event.clientX - box.left) / box.width) * width - this.crop / 2;
        const y = ((event.clientY - box.top) / box.height) * height - this.crop / 2;
        this.move([nearest(rows, y), nearest(columns, x)]);
      };
      view.onpointerdown = (event) => {
        held = true;
        view.setPointerCapture(event.pointerId);
        follow(event);
      };
      view.onpointermove = (event) => held && follow(event);
      view.onpointerup = view.onpointercancel = () => (held = false);
      view.onkeydown = (event) => {
        const step = STEPS[event.key];
        if (!step) return;
        const { rows, columns } = this.answer;
        this.move([rows, columns].map((numbers, i) =>
          Math.max(0, Math.min(numbers.length - 1, this.place[i] + step[i]))));
        event.preventDefault();
      };
    }

    /** Go to a row and a column, because the reader wants to. */
    move(place) {
      this.place = place;
      this.redraw();
      this.tell();
    }

    tell() {
      this.share([this.name, ...this.place].join(","));
    }

    restore(state) {
      const [name, row, column] = state.split(",");
      const { rows, columns } = this.photographs[name] ?? {};
      if (!rows || !(row in rows) || !(column in columns)) return;
      this.which.set(name);
      this.show(name, [Number(row), Number(column)]);
    }

    /** The five best classes here, with their shares. */
    best() {
      const [row, column] = this.place;
      const { names, classes, shares } = this.answer;
      return classes[row][column].map((index, i) => [names[index], shares[row][column][i]]);
    }

    rows() {
      return [["class", "share"], ...this.best().map(([name, share]) => [name, share.toFixed(3)])];
    }

    draw() {
      const { rows, columns, width, height } = this.answer;
      const [row, column] = this.place;
      this.square.style.cssText = `left:${(100 * columns[column]) / width}%;` +
        `top:${(100 * rows[row]) / height}%;width:${(100 * this.crop) / width}%;` +
        `height:${(100 * this.crop) / height}%`;
      const best = this.best();
      this.guesses.replaceChildren(...best.map(([name, share]) => {
        const bar = element("div");
        bar.style.width = `${100 * share}%`;
        return element("li", { className: "guess" }, element("span", {}, name),
          element("span", {}, percent(share)), element("div", { className: "bar" }, bar));
      }));
      this.$("details").fill();
      this.say(best.map(([name, share]) => `${name} ${percent(share)}`).join(", "));
    }
  }

  define("crop", Crop);
})();
