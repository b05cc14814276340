// Finds in the book's records, which are [page, title, address, text]. Loaded when the
// reader opens the search, after MiniSearch and the records.
(() => {
  const ROOT = document.documentElement.dataset.content_root;
  const AT_MOST = 40, IN_DIALOG = 8;

  // Words that say nothing of what is sought.
  const COMMON = new Set(("a an and are as at be by can do does for from has have how i in " +
    "is it its many much of on or that the this to was what when where which who why with " +
    "you your s").split(" "));
  const GREEK = { α: "alpha", β: "beta", γ: "gamma", ε: "epsilon", λ: "lambda", σ: "sigma" };

  // Words that are written as one are found as one: "fully connected" is also "dense".
  const PHRASES = [
    [/skip[\s-]connections?/g, "shortcut"], [/fully[\s-]connected/g, "dense"],
    [/batch[\s-]?norm\w*/g, "batchnorm"], [/multiply[\s-](?:accumulates?|adds?)/g, "mac"],
    [/global average pooling/g, "gap average"], [/learning rate/g, "learningrate"],
    [/(?:several )?small (?:filters|kernels|ones)/g, "$& 3x3"],
  ];
  // What else a word may be called. Each word of a row stands for the others.
  const SYNONYMS = [
    "shortcut skip residual identity", "flop mac operation", "dense linear fc",
    "backprop backpropagation gradient derivative", "parameter weight", "rate learningrate lr",
    "gap average", "cam class-map", "batchnorm bn", "error accuracy", "picture image photograph",
    "subsampling downsampling pooling", "invariance invariant", "equivariance equivariant",
    "human person people", "rbf radial", "initialisation init", "depth deep deeper layer",
    "dropout drop", "overfit overfitting", "speed fast time latency", "memory ram",
    "filter kernel", "why reason", "train training", "cost price", "softmax crossentropy",
  ].map((row) => row.split(" ").map(stem));

  /** Split a text into words, the same way for records and for what is sought. */
  function words(text) {
    let plain = text.toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
    plain = plain.replace(/(?<=\d),(?=\d{3})/g, "").replace(/×/g, "x").replace(/-(?=\w)/g, " ");
    plain = plain.replace(/(\d) ?x ?(?=\d)/g, "$1x").replace(/(?<=[a-z]{3})(?=\d)/g, " ");
    plain = plain.replace(/[αβγελσ]/g, (letter) => ` ${GREEK[letter]} `);
    for (const [phrase, word] of PHRASES) plain = plain.replace(phrase, ` ${word} `);
    return plain.split(/[^\p{L}\p{N}.]+|\.(?!\d)/u).filter(Boolean).map(stem);
  }

  // British and American, singular and plural, verb and noun: the ends that differ are cut.
  function stem(word) {
    return word.replace(/yz(?=[ei])/, "ys").replace(/iz(?=(e|ed|es|ing|ation|ations)$)/, "is")
      .replace(/our$/, "or").replace(/(?<=\w{2}[^s])s$/, "")
      .replace(/(?<=\w{4})(ation|ing|ion|ed|ant|ance)$/, "").replace(/(?<=\w{3})e$/, "");
  }

  const index = new MiniSearch({
    fields: ["title", "page", "text"],
    tokenize: words,
    processTerm: (word) => (COMMON.has(word) ? null : word),
  });
  const records = globalThis.cnnbookRecords.map(([page, title, address, text], id) =>
    ({ id, page, title, address, text }));
  index.addAll(records);
  const titles = records.map(({ title }) => words(title).filter((word) => !COMMON.has(word)));

  /** The records that hold all that is sought, or else some of it, the best first. */
  function find(sought) {
    const wanted = words(sought).filter((word) => !COMMON.has(word));
    const each = wanted.map((word, place) => {
      const others = SYNONYMS.filter((row) => row.includes(word)).flat();
      const isTyped = place === wanted.length - 1;
      return {
        combineWith: "OR",
        queries: [
          { queries: [word], prefix: isTyped && word.length > 1,
            fuzzy: word.length > 5 && !/\d/.test(word) ? 0.15 : false },
          ...others.filter((other) => other !== word).map((other) =>
            ({ queries: [other], boost: { title: 1.5, page: 0.5, text: 0.3 } })),
        ],
      };
    });
    const boost = { title: 5, page: 1.2, text: 1 };
    for (const combineWith of ["AND", "OR"]) {
      const found = index.search({ combineWith, queries: each }, { boost });
      if (found.length) return byTitle(found, wanted);
    }
    return [];
  }

  /** Put what is called as it is sought first, and single published figures late. */
  function byTitle(found, wanted) {
    const worth = ({ id, score }) => {
      const title = titles[id];
      if (records[id].page === "Published") score *= 0.5;
      if (!wanted.every((word) => title.includes(word))) return score;
      return score * (title.length === wanted.length ? 4 : 1.5);
    };
    return [...found].sort((a, b) => worth(b) - worth(a))
      .map(({ id, terms }) => ({ ...records[id], terms }));
  }

  /** Some words around the place where most of what is sought stands together. */
  function excerpt({ text, terms }) {
    const pieces = text.split(/(?<=[.?!:;]) /);
    const hits = (piece) => new Set(words(piece).filter((word) => terms.includes(word))).size;
    let best = 0;
    pieces.forEach((piece, i) => {
      if (hits(piece) > hits(pieces[best])) best = i;
    });
    let said = pieces.slice(best).join(" ");
    if (said.length > 240) said = said.slice(0, said.lastIndexOf(" ", 240)) + " …";
    return (best ? "… " : "") + said;
  }

  /** Mark in a text the words that were found. */
  function marked(text, terms) {
    return text.split(/(\s+)/).map((part) => {
      if (!words(part).some((word) => terms.includes(word))) return part;
      const mark = document.createElement("mark");
      mark.textContent = part;
      return mark;
    });
  }

  function entry(record) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = ROOT + record.address;
    link.append(...marked(record.title, record.terms));
    const place = document.createElement("span");
    place.textContent = record.page === record.title ? "" : record.page;
    const said = document.createElement("p");
    said.append(...marked(excerpt(record), record.terms));
    item.append(link, place, said);
    return item;
  }

  /** Show what is found below a field of the search. */
  function show(field, list, most) {
    const sought = field.value.trim();
    const found = sought ? find(sought) : [];
    list.replaceChildren(...found.slice(0, most).map(entry));
    if (!sought) return;
    const said = document.createElement("li");
    said.setAttribute("role", "status");
    said.textContent = found.length
      ? `${found.length} ${found.length === 1 ? "section" : "sections"}, the best first` +
        (found.length > most ? `; Enter shows more than these ${most}` : "")
      : `Nothing is found for “${sought}”. Try another word, or the glossary.`;
    list.prepend(said);
  }

  const field = document.querySelector(".bd-search-container input");
  const page = document.getElementById("search-results");
  if (field && page) {
    const list = page.appendChild(document.createElement("ul"));
    const update = () => show(field, list, AT_MOST);
    field.value = new URLSearchParams(location.search).get("q") ?? "";
    field.addEventListener("input", update);
    update();
  }
  const dialog = document.querySelector("#pst-search-dialog");
  const typed = dialog?.querySelector("input");
  if (typed) {
    const list = document.createElement("ul");
    dialog.append(list);
    typed.addEventListener("input", () => show(typed, list, IN_DIALOG));
    show(typed, list, IN_DIALOG);
  }

  globalThis.cnnbookSearch = { find, excerpt, words };
})();
