// One box that ticks all rows of the page.
const all = document.querySelector("[data-check-all]");
const boxes = [...document.querySelectorAll("input.action-select")];
all?.addEventListener("change", () => {
  for (const box of boxes) box.checked = all.checked;
});
