// Sentences that one reads of these networks: the reader says whether each is true, and
// is told what the count says, and where it is counted.
(() => {
  const { Explorable, button, define, element } = globalThis.cnnbook;
  const HINT = "What do you say? What the count says will stand here.";

  /** How many answers (null where there is none) agree with the sentences. */
  const score = (answers, sentences) =>
    sentences.filter(({ holds }, i) => answers[i] === holds).length;

  /** The state in an address: the number of a sentence, from 1, or the first one. */
  const place = (state, count) => {
    const number = Number(state);
    return Number.isInteger(number) && number >= 1 && number <= count ? number - 1 : 0;
  };

  class Quiz extends Explorable {
    static compute = { score, place }; // for the tests
    static style = `
      .live { display: flex; flex-direction: column; gap: 12px; }
      .strip { display: grid; gap: 4px; grid-auto-columns: 1fr; grid-auto-flow: column; }
      .strip span { border-bottom: 4px solid var(--faint); font-weight: 700; line-height: 20px;
        min-height: 24px; text-align: center; }
      .strip .good { border-color: var(--good); color: var(--good); }
      .strip .bad { border-color: var(--bad); color: var(--bad); }
      .strip .here { border-color: var(--text); }
      .top { display: flex; justify-content: space-between; }
      blockquote { align-items: center; display: flex; font-size: 22px; line-height: 1.3;
        margin: 0; min-height: 115px; text-wrap: balance; }
      .answers { display: grid; gap: 12px; grid-template-columns: 1fr 1fr; }
      .answers button { font-size: 17px; font-weight: 600; min-height: 52px; }
      .answers button:disabled:not([aria-pressed=true]) { opacity: .55; }
      .answers button[aria-pressed=true] { color: var(--on-accent); }
      .verdict { border: 1px dashed var(--line); border-radius: 6px; min-height: 320px;
        padding: 14px 16px; }
      .verdict:is(.good, .bad) { background: var(--raised); border: 0 solid var(--good);
        border-left-width: 4px; border-radius: 0 6px 6px 0; padding: 15px 17px 15px 13px; }
      .verdict.bad { border-color: var(--bad); }
      .verdict p + p { margin-top: 8px; }
      .count { font-size: 18px; font-weight: 700; line-height: 1.3; text-wrap: balance; }
      .walk { display: flex; flex-wrap: wrap; gap: 8px; }
      .walk .next { margin-left: auto; }
      @container (max-width: 310px) { .verdict { font-size: 14px; } }
      @container (min-width: 600px) {
        blockquote { font-size: 26px; min-height: 76px; }
        .answers { grid-template-columns: 160px 160px; }
        .verdict { min-height: 178px; }
      }
    `;

    start({ sentences }) {
      this.sentences = sentences;
      this.answers = sentences.map(() => null);
      this.index = 0;
      this.strip = element("div", { className: "strip", "aria-hidden": "true" },
        ...sentences.map(() => element("span")));
      this.where = element("span");
      this.right = element("span");
      this.quote = element("blockquote");
      this.choices = [true, false].map((holds) =>
        button(holds ? "True" : "Wrong", () => this.answer(holds), { pressed: false }));
      this.verdict = element("div", { className: "verdict" });
      this.back = button("Back", () => this.go(this.index - 1));
      this.next = button("", () => this.isLast() ? this.again() : this.go(this.index + 1));
      this.next.className = "next";
      this.table = this.numbers(() => this.rows());
      this.live.append(
        this.strip,
        element("div", { className: "top quiet numbers" }, this.where, this.right),
        this.quote,
        element("div", { className: "answers controls", role: "group",
          "aria-label": "Is this sentence true?" }, ...this.choices),
        this.verdict,
        element("div", { className: "walk controls" }, this.back, this.copyLink(), this.next),
        element("p", { className: "quiet" }, this.querySelector("p").textContent),
        this.table,
      );
      this.draw();
    }

    restore(state) {
      this.index = place(state, this.sentences.length);
      this.draw();
    }

    isLast() {
      return this.index === this.sentences.length - 1;
    }

    again() {
      this.answers.fill(null);
      this.go(0);
    }

    go(index) {
      this.index = index;
      this.share(this.index + 1);
      this.draw();
      this.say(`Sentence ${this.index + 1}: ${this.quote.textContent}`);
    }

    answer(holds) {
      this.answers[this.index] = holds;
      this.draw();
      this.say(this.verdict.textContent);
      this.next.focus({ preventScroll: true });
    }

    /** All sentences as a table: it tells the answers, so it is folded. */
    rows() {
      return [["you may read", "it is", "the count says"], ...this.sentences.map(
        ({ text, holds, count }) => [text, holds ? "true" : "wrong", count])];
    }

    draw() {
      const { index, answers, sentences } = this;
      const answered = answers.filter((answer) => answer !== null).length;
      [...this.strip.children].forEach((mark, i) => {
        const right = answers[i] === sentences[i].holds;
        mark.textContent = answers[i] === null ? "" : right ? "✓" : "✗";
        mark.className = answers[i] === null ? "" : right ? "good" : "bad";
        mark.classList.toggle("here", i === index);
      });
      this.where.textContent = `sentence ${index + 1} of ${sentences.length}`;
      const right = score(answers, sentences);
      this.right.textContent = answered ? `${right} of ${answered} answers right` : "";
      this.quote.textContent = `“${sentences[index].text}”`;
      this.choices.forEach((choice, i) => {
        choice.disabled = answers[index] !== null;
        choice.setAttribute("aria-pressed", answers[index] === (i === 0));
      });
      this.back.disabled = index === 0;
      this.next.textContent = this.isLast() ? "Start again" : "Next";
      this.drawVerdict(sentences[index], answers[index]);
    }

    drawVerdict({ holds, count, because, chapter, title, address }, answer) {
      if (answer === null) {
        this.verdict.className = "verdict";
        this.verdict.replaceChildren(element("p", { className: "quiet" }, HINT));
        return;
      }
      const right = answer === holds;
      const said = `${right ? "✓ Indeed" : "✗ No, it is"} ${holds ? "true" : "wrong"}`;
      this.verdict.className = `verdict ${right ? "good" : "bad"}`;
      this.verdict.replaceChildren(
        element("p", { className: "count numbers" }, `${said}: ${count}.`),
        element("p", {}, because),
        element("p", {}, `Counted in chapter ${chapter}, `,
          element("a", { href: address }, title), "."),
      );
    }
  }

  define("quiz", Quiz);
})();
