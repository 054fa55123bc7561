"use strict";
// Draws every panel, one after the other so that the page never hangs; the one in sight goes first.
(() => {
  const page = JSON.parse(document.getElementById("figure-data").textContent);
  const chips = [...document.querySelectorAll(".chip")];
  const pending = [...document.querySelectorAll("[data-spec]")];
  const views = [];
  let running = false;

  const isShown = (box) => box.offsetParent !== null;
  const isInSight = (box) => {
    const { top, bottom } = box.getBoundingClientRect();
    return isShown(box) && bottom > 0 && top < window.innerHeight;
  };
  const hidden = () =>
    chips.filter((chip) => chip.getAttribute("aria-pressed") === "false")
      .map((chip) => chip.dataset.entrant);

  function filledIn(spec) {  // with what all views share: tables and the entrants' scales
    const filled = { ...spec };
    if (spec.encoding) {
      filled.encoding = Object.fromEntries(Object.entries(spec.encoding).map(([channel, one]) =>
        [channel, typeof one.scale === "string" ? { ...one, scale: page.scales[one.scale] } : one]));
    }
    if (spec.data) filled.data = { ...spec.data, values: page.tables[spec.data.name] };
    if (spec.layer) filled.layer = spec.layer.map(filledIn);
    return filled;
  }

  async function draw(box) {
    const spec = { ...filledIn(page.specs[box.dataset.spec]), config: page.config };
    spec.params = spec.params.map((one) =>
      one.name === "hidden" ? { ...one, value: hidden() } : one);
    const { view } = await vegaEmbed(box, spec, {
      mode: "vega-lite", renderer: "svg", actions: false, defaultStyle: false,
      tooltip: { theme: "page" },
    });
    view.addEventListener("click", (_, item) => {  // a dot that is a trial leads to its row
      if (item?.datum?.trial) location.hash = `trial-${item.datum.trial}`;
    });
    const picture = box.querySelector("svg");
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", page.specs[box.dataset.spec].description);
    views.push(view);
  }

  async function drawAll() {
    if (running) return;
    running = true;
    for (;;) {
      const box = pending.find(isInSight) ?? pending.find(isShown);
      if (!box) break;
      pending.splice(pending.indexOf(box), 1);
      await draw(box);
      await new Promise((resume) => setTimeout(resume));
    }
    running = false;
    document.getElementById("figures").dataset.drawn = views.length;
  }

  function toggle() {
    const names = hidden();
    for (const view of views) view.signal("hidden", names).runAsync();
  }
  const press = (chip, on) => chip.setAttribute("aria-pressed", String(on));

  for (const chip of chips) {
    chip.addEventListener("click", (event) => {
      if (event.shiftKey) {  // this one alone; again: all
        const alone = chips.every((one) => (one.getAttribute("aria-pressed") === "true") === (one === chip));
        for (const one of chips) press(one, alone || one === chip);
      } else {
        press(chip, chip.getAttribute("aria-pressed") === "false");
      }
      toggle();
    });
  }
  document.getElementById("all-chips")?.addEventListener("click", () => {
    const on = hidden().length > 0;
    for (const chip of chips) press(chip, on);
    toggle();
  });

  for (const choice of document.querySelectorAll("select[data-figure]")) {
    const panels = document.querySelectorAll(`#${choice.dataset.figure} [data-variant]`);
    choice.addEventListener("change", () => {
      for (const panel of panels) panel.hidden = panel.dataset.variant !== choice.value;
      window.dispatchEvent(new Event("resize"));
      drawAll();
    });
  }
  drawAll();
})();
