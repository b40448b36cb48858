"use strict";
// Sorts a table by the column whose head is pressed. Without scripts, tables keep the order of the page.
const FACTORS = { kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, PB: 1e15, EB: 1e18 };

function number(text) {
  const [, digits, unit] = text.trim().match(/^(?:< )?([\d,]+(?:\.\d+)?)\s*(kB|MB|GB|TB|PB|EB)?/) ?? [];
  return digits === undefined ? -1 : Number(digits.replaceAll(",", "")) * (FACTORS[unit] ?? 1);
}

function sort(body, column, sign) {
  const rows = [...body.rows].map((row) => {
    const text = row.cells[column].textContent;
    return [column === 0 ? text : number(text), text, row];
  });
  rows.sort(([one, text], [other, otherText]) =>
    sign * (column === 0 || one === other ? text.localeCompare(otherText) : one - other));
  body.append(...rows.map(([, , row]) => row));
}

for (const { tHead, tBodies: [body] } of document.querySelectorAll("table")) {
  if (!tHead || !body || body.rows.length < 2) continue;
  const heads = [...tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      // Names begin with A, numbers with the largest.
      const first = column === 0 ? "ascending" : "descending";
      const second = column === 0 ? "descending" : "ascending";
      const order = head.getAttribute("aria-sort") === first ? second : first;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      sort(body, column, order === "ascending" ? 1 : -1);
    });
  });
}
