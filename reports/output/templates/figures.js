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

  const sliderOf = (box) => box.closest("section").querySelector(".player input");
  // Of the way's square, for trajectories go far in their first steps
  const until = (slider) => Math.round(slider.dataset.last * slider.value ** 2);

  async function draw(box) {
    const spec = { ...filledIn(page.specs[box.dataset.spec]), config: page.config };
    const now = { hidden: hidden, until: () => until(sliderOf(box)) };
    spec.params = spec.params.map((one) =>
      now[one.name] ? { ...one, value: now[one.name]() } : one);
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
  const SECONDS = 8;  // of an animation
  const FRAME = 25;  // ms
  for (const player of document.querySelectorAll(".player")) {
    const button = player.querySelector("button");
    const slider = player.querySelector("input");
    const shown = player.querySelector("output");
    let playing = false;

    function show() {
      const step = until(slider);
      shown.value = step;
      slider.setAttribute("aria-valuetext", `step ${step}`);
      const own = views.map((view) => [view, view.container()]).filter(([, box]) =>
        sliderOf(box) === slider && (!playing || isInSight(box)));
      return Promise.all(own.map(([view]) => view.signal("until", step).runAsync()));
    }
    function stop() {
      playing = false;
      button.textContent = "play";
      return show();  // those out of sight too
    }
    async function play() {
      playing = true;
      button.textContent = "pause";
      const from = Number(slider.value) < 1 ? Number(slider.value) : 0;
      const start = performance.now();
      while (playing) {
        slider.value = Math.min(1, from + (performance.now() - start) / (1000 * SECONDS));
        await show();
        if (Number(slider.value) >= 1) await stop();
        await new Promise((resume) => setTimeout(resume, FRAME));
      }
    }
    button.addEventListener("click", () => (playing ? stop() : play()));
    slider.addEventListener("input", stop);
  }
  drawAll();
})();
