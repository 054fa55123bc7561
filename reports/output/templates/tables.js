// Tables that sort by a click on a heading and filter by a word in a column; nothing else.
"use strict";
(() => {
  const number = (text) => {
    const plain = text.replace(/−/g, "-").replace("∞", "Infinity");
    return plain === "" ? NaN : Number(plain);
  };
  const order = (a, b) => {
    const [x, y] = [number(a), number(b)];
    if (Number.isNaN(x) && Number.isNaN(y)) return a.localeCompare(b);
    return Number.isNaN(x) - Number.isNaN(y) || x - y || 0;
  };
  const text = (row, at) => row.cells[at].textContent.trim();

  function sort(table, heading) {
    const at = heading.cellIndex;
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows].sort((a, b) => order(text(a, at), text(b, at)));
    body.append(...(down ? rows.reverse() : rows));
  }

  function filter(table, fields, count) {
    const wanted = fields.filter((field) => field.value);
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const keep = wanted.every((field) => text(row, Number(field.dataset.column)) === field.value);
      row.hidden = !keep;
      shown += keep;
    }
    count.textContent = `${shown} shown`;
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    for (const heading of table.tHead.rows[0].cells) {
      heading.querySelector("button").addEventListener("click", () => sort(table, heading));
    }
    const fields = [...document.querySelectorAll(`[data-filters="${table.id}"]`)];
    const count = document.querySelector(`[data-counts="${table.id}"]`);
    for (const field of fields) {
      field.addEventListener("change", () => filter(table, fields, count));
    }
    // a link to a row that a filter hides shows it again
    window.addEventListener("hashchange", () => {
      const row = document.getElementById(location.hash.slice(1));
      if (!row || !row.hidden || row.closest("table") !== table) return;
      for (const field of fields) field.value = "";
      filter(table, fields, count);
      row.scrollIntoView();
    });
  }
})();
