"use strict";
(() => {
  const one = (selector) => document.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const root = document.documentElement;
  const form = one("#filters"), search = one("#search"), theme = one("#theme");
  const heads = new Map(all(".block").map((block) => [block, block.querySelector(".head").textContent]));
  const entries = all(".item, .box").map((element) => ({
    element,
    facets: Object.fromEntries(
      ["stack", "action", "type", "severity"].map((name) => [name, element.dataset[name].split(" ")])
    ),
    text: `${heads.get(element.closest(".block")) ?? ""} ${element.textContent}`.toLowerCase(),
  }));
  const items = entries.filter(({ element }) => element.matches(".item"));
  const boxes = entries.filter(({ element }) => element.matches(".box"));
  const opened = new Set();

  function chosen() {
    const values = { stack: [], action: [], type: [], severity: [] };
    for (const button of all("button[aria-pressed=true]", form)) values[button.dataset.facet].push(button.dataset.value);
    for (const select of all("select", form)) if (select.value) values[select.dataset.facet].push(select.value);
    return Object.entries(values).filter(([, wanted]) => wanted.length);
  }

  function apply() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean), facets = chosen();
    const active = words.length + facets.length > 0;
    const fits = ({ facets: own }) => facets.every(([name, wanted]) => wanted.some((value) => own[name].includes(value)));
    const holds = ({ text }) => words.every((word) => text.includes(word));
    for (const item of items) item.element.hidden = !(fits(item) && holds(item));
    for (const box of boxes) {
      const shown = (id) => id && !document.getElementById(id).hidden;
      const found = holds(box) || box.element.dataset.changes.split(" ").some(shown);
      box.element.classList.toggle("dim", !(fits(box) && found));
    }
    const count = items.filter(({ element }) => !element.hidden).length;
    for (const block of heads.keys()) block.hidden = !block.querySelector(".item:not([hidden])");
    for (const section of all("main > section")) {
      section.hidden = active && !section.matches("#summary, #picture") && !section.querySelector(".item:not([hidden])");
    }
    for (const fold of opened) fold.open = false;
    opened.clear();
    if (words.length) {
      for (const fold of all("details:not([open])")) {
        if (fold.closest("[hidden]")) continue;
        fold.open = true;
        opened.add(fold);
      }
    }
    one("#nothing").hidden = !active || count > 0;
    one("#count").value = active ? `${count} of ${items.length} entries` : "";
    highlight(words);
  }

  function highlight(words) {
    if (!CSS.highlights) return;
    CSS.highlights.delete("found");
    if (!words.length) return;
    const ranges = [];
    for (const { element } of items) {
      if (element.hidden) continue;
      const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      while (texts.nextNode() && ranges.length < 2000) {
        const text = texts.currentNode.data.toLowerCase();
        for (const word of words) {
          for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
            if (at + word.length > texts.currentNode.length) break;
            const range = new Range();
            range.setStart(texts.currentNode, at);
            range.setEnd(texts.currentNode, at + word.length);
            ranges.push(range);
          }
        }
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  }

  function clear() {
    form.reset();
    for (const button of all("button[aria-pressed]", form)) button.ariaPressed = "false";
    apply();
  }

  function show() {
    const target = /^#c\d+$/.test(location.hash) && one(location.hash);
    if (!target) return;
    if (target.hidden) clear();
    target.closest("details").open = true;
    target.scrollIntoView();
  }

  function dark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function label() {
    theme.textContent = dark() ? "Light" : "Dark";
  }

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    for (const fold of folded) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of folded) fold.open = false;
  });
  addEventListener("hashchange", show);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.matches("input, select")) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape") {
      clear();
    }
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", apply);
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.ariaPressed) {
      button.ariaPressed = button.ariaPressed === "true" ? "false" : "true";
      apply();
    } else if (button?.type === "reset") {
      event.preventDefault();
      clear();
    }
  });
  one("#all").addEventListener("click", clear);
  theme.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    label();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", label);
  form.hidden = theme.hidden = false;
  label();
  apply();
  show();
})();
