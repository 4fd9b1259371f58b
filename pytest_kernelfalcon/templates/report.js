"use strict";
for (const head of document.querySelectorAll("thead th")) {
  const sort = () => {
    const body = head.closest("table").tBodies[0];
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => row.cells[head.cellIndex].textContent.trim();
    const order = new Intl.Collator(undefined, { numeric: true }).compare;
    const rows = [...body.rows].sort((one, two) => order(key(one), key(two)));
    body.append(...(down ? rows.reverse() : rows));
  };
  head.tabIndex = 0;
  head.addEventListener("click", sort);
  head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
}
const unfold = () => {
  for (let place = document.getElementById(location.hash.slice(1)); place; place = place.parentElement) {
    if (place.tagName === "DETAILS") place.open = true;
  }
};
addEventListener("hashchange", unfold);
unfold();
