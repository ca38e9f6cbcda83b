"use strict";
// The lines of a schedule as a grid of half hours: drag with the mouse, or arrow keys and the space bar.
// The lines stay what is sent; what they say between half hours is kept until a cell of that half hour is changed.
const HALF = 30;
const CELLS = 48;
const clock = (minute) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
const minute = (text) => {
  const [hour, rest = "0"] = text.trim().split(/[:.]/);
  return Number(hour) * 60 + Number(rest);
};
const open = (line) => {
  const minutes = new Array(1440).fill(false);
  for (const part of line.split(/[,;]/)) {
    const [from, to] = part.split(/[-–]/).map(minute);
    if (from >= 0 && to <= 1440) minutes.fill(true, from, to);
  }
  return minutes;
};
const line = (minutes) => {
  const parts = [];
  let from = -1;
  for (let at = 0; at <= 1440; at += 1) {
    if (minutes[at] && from < 0) from = at;
    if (!minutes[at] && from >= 0) {
      parts.push(`${clock(from)}-${clock(at)}`);
      from = -1;
    }
  }
  return parts.join(", ");
};

for (const form of document.querySelectorAll("form[data-hours]")) {
  const place = form.querySelector("[data-grid]");
  const fields = [...form.querySelectorAll(".hours input")];
  const names = [...form.querySelectorAll(".hours label")].map((label) => label.textContent);
  if (fields.some((field) => field.disabled)) continue;
  form.querySelector("[data-grid-help]").hidden = false;
  const table = document.createElement("table");
  table.className = "grid";
  table.setAttribute("role", "grid");
  table.setAttribute("aria-label", place.dataset.grid);
  const cells = fields.map((field, row) => {
    const tr = table.insertRow();
    const th = document.createElement("th");
    th.scope = "row";
    th.textContent = names[row];
    tr.append(th);
    return Array.from({ length: CELLS }, (_, column) => {
      const td = tr.insertCell();
      td.setAttribute("role", "gridcell");
      td.tabIndex = row === 0 && column === 16 ? 0 : -1;
      td.setAttribute("aria-label", `${names[row]} ${clock(column * HALF)}`);
      Object.assign(td.dataset, { row, column });
      return td;
    });
  });
  const show = () => {
    fields.forEach((field, row) => {
      const minutes = open(field.value);
      cells[row].forEach((cell, column) => {
        const part = minutes.slice(column * HALF, (column + 1) * HALF);
        cell.setAttribute("aria-selected", String(part.every(Boolean)));
        cell.classList.toggle("some", part.some(Boolean) && !part.every(Boolean));
      });
    });
  };
  const set = (cell, value) => {
    const field = fields[cell.dataset.row];
    const minutes = open(field.value);
    const from = cell.dataset.column * HALF;
    field.value = line(minutes.fill(value, from, from + HALF));
    show();
  };
  const isOpen = (cell) => cell.getAttribute("aria-selected") === "true";
  const go = (cell, rows, columns) => {
    const next = cells[Number(cell.dataset.row) + rows]?.[Number(cell.dataset.column) + columns];
    if (!next) return null;
    cell.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    return next;
  };
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  table.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td");
    if (!cell) return;
    if (event.key === " ") {
      set(cell, !isOpen(cell));
    } else if (steps[event.key]) {
      const next = go(cell, ...steps[event.key]);
      // With Shift the state goes along.
      if (next && event.shiftKey) set(next, isOpen(cell));
    } else {
      return;
    }
    event.preventDefault();
  });
  let drawing = null;
  table.addEventListener("pointerdown", (event) => {
    const cell = event.target.closest("td");
    if (!cell) return;
    // Else a finger keeps hold of the first cell.
    cell.releasePointerCapture?.(event.pointerId);
    drawing = !isOpen(cell);
    set(cell, drawing);
    event.preventDefault();
    cell.focus();
  });
  table.addEventListener("pointerover", (event) => {
    const cell = event.target.closest("td");
    if (cell && drawing !== null) set(cell, drawing);
  });
  addEventListener("pointerup", () => {
    drawing = null;
  });
  form.addEventListener("input", show);
  place.append(table);
  show();
}
