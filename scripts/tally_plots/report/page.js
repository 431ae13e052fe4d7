"use strict";
(() => {
  const filter = document.getElementById("filter"), tip = document.getElementById("tip");
  filter.hidden = false;
  filter.addEventListener("change", (event) => {
    document.documentElement.classList.toggle("hide-" + event.target.dataset.strategy, !event.target.checked);
  });

  // What a point says, where it has the focus: a mouse has the title.
  document.addEventListener("focusin", (event) => {
    const title = event.target.closest("svg") && event.target.querySelector(":scope > title");
    tip.hidden = !title;
    if (title) tip.textContent = title.textContent;
  });
  document.addEventListener("focusout", () => { tip.hidden = true; });

  // One stop of the tabulator key per figure; arrows go from point to point of those that are shown.
  document.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key], svg = event.target.closest("svg");
    if (event.key === "Escape") tip.hidden = true;
    if (!step || !svg) return;
    const points = [...svg.querySelectorAll("[tabindex]")].filter((point) => point.getClientRects().length > 0);
    const next = points[points.indexOf(event.target) + step];
    event.preventDefault();
    if (!next) return;
    event.target.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  });

  // On paper nothing can be opened. The tables behind pictures say in figures what these show: they stay folded.
  const opened = [];
  window.addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("#found details:not([open])")) { folded.open = true; opened.push(folded); }
  });
  window.addEventListener("afterprint", () => { for (const folded of opened.splice(0)) folded.open = false; });
})();
