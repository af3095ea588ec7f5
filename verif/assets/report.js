// SPDX-License-Identifier: MIT
// Filter and order of the table; the page says everything without it.
"use strict";
const table = document.querySelector("table.matrix");
const rows = [...table.querySelectorAll("tbody tr")];
const tools = document.querySelector(".tools");
const search = tools.querySelector("input[type=search]");
const failing = tools.querySelector("input[type=checkbox]");

function filter() {
	const word = search.value.trim().toLowerCase();
	for (const row of rows) {
		const fits = row.dataset.name !== undefined
			? row.dataset.name.includes(word)
				&& (!failing.checked || row.dataset.failed === "1")
			: word === "" && !failing.checked && !table.classList.contains("sorted");
		row.hidden = !fits;
	}
}

function value(row, column) {
	const text = row.children[column].dataset.value;
	return column === 0 ? text : Number(text);
}

function sort(header, column) {
	const down = header.getAttribute("aria-sort") === "ascending";
	for (const other of table.querySelectorAll("th[aria-sort]"))
		other.removeAttribute("aria-sort");
	header.setAttribute("aria-sort", down ? "descending" : "ascending");
	table.classList.add("sorted");
	const named = rows.filter(row => row.dataset.name !== undefined);
	named.sort((a, b) => {
		const x = value(a, column), y = value(b, column);
		return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
	});
	table.tBodies[0].append(...named);
	filter();
}

table.querySelectorAll("thead th").forEach((header, column) => {
	if (column === table.querySelectorAll("thead th").length - 1)
		return;
	const button = document.createElement("button");
	button.append(...header.childNodes);
	header.append(button);
	button.addEventListener("click", () => sort(header, column));
});

function open_target() {
	const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
	if (found instanceof HTMLDetailsElement)
		found.open = true;
}

search.addEventListener("input", filter);
failing.addEventListener("change", filter);
addEventListener("hashchange", open_target);
tools.hidden = false;
open_target();
