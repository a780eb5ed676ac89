// Draws the charts from the figures in the page, shows times in the reader's zone, and opens
// the tables for print. The page is complete without it.
(() => {
  "use strict";
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const figures = read("figures");
  const charts = read("charts");
  document.documentElement.classList.add("scripted");

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  // ?store=<id>: the page of one store, with its own part and transfers only.
  const store = new URLSearchParams(location.search).get("store");
  if (store) {
    const row = figures.pickup.find((each) => each.store_id === store);
    document.documentElement.classList.add("store");
    document.title = document.querySelector("h1").textContent = `Pickup in ${row?.store_name || store}`;
    for (const line of document.querySelectorAll("tr[data-store]")) line.hidden = line.dataset.store !== store;
    for (const table of document.querySelectorAll("#pickup .card")) table.hidden = !table.querySelector("tr[data-store]:not([hidden])");
    for (const text of document.querySelectorAll(".one-store")) text.hidden = text.id === "no-pickup" && row !== undefined;
    const name = document.querySelector("#no-pickup bdi");
    if (name) name.textContent = store;
  }

  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const local = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", ...clock });
  const utc = new Intl.DateTimeFormat("en-GB", { ...clock, timeZone: "UTC" });
  for (const time of document.querySelectorAll("time")) {
    const moment = new Date(time.dateTime);
    time.title = time.textContent;
    time.textContent = local.format(moment);
    const beside = document.createElement("span");
    beside.className = "utc";
    beside.textContent = ` (${utc.format(moment)} UTC)`;
    time.append(beside);
  }

  for (const table of document.querySelectorAll("details.rows")) table.open = Boolean(store);
  const opened = [];
  addEventListener("beforeprint", () => {
    for (const closed of document.querySelectorAll("details:not(.definition):not([open])")) {
      closed.open = true;
      opened.push(closed);
    }
  });
  addEventListener("afterprint", () => opened.splice(0).forEach((table) => (table.open = false)));
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const open of document.querySelectorAll("details.definition[open]")) open.open = false;
  });
  addEventListener("click", (event) => {
    for (const open of document.querySelectorAll("details.definition[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });

  const reload = document.getElementById("reload");
  reload.addEventListener("click", () => location.reload());
  const seconds = () => (Date.now() - new Date(figures.generated_at)) / 1000;
  const look = () => (reload.hidden = seconds() < 120);
  look();
  setInterval(look, 15000);

  const percent = (rate) => (rate === null ? "unknown" : `${(rate * 100).toFixed(1)}%`);
  const named = (row) => row.member_name || "not in the catalog";
  const shaped = {
    hours: (row) => ({ ...row, hour_utc: `${utc.format(new Date(row.view_hour))} ${zone === "UTC" ? "" : "UTC"}` }),
    breakdown: (row) => ({ ...row, label: named(row), rate_text: percent(row.twist_rate) }),
    lost_skus: (row) => ({ ...row, label: [row.style_id || row.sku_id, row.size].filter(Boolean).join(" · ") }),
  };

  const painted = (spec, colour) =>
    JSON.parse(JSON.stringify(spec), (_, value) =>
      typeof value === "string" && value.startsWith("--") ? colour(value) : value);

  async function draw() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const font = getComputedStyle(document.body).fontFamily;
    for (const place of document.querySelectorAll(".chart")) {
      const { chart, only } = place.dataset;
      const rows = figures[chart].filter((row) => !only || row.breakdown === only).map(shaped[chart]);
      const { row_height, ...spec } = painted(charts[chart], colour);
      // A layer without a single value would have no scale.
      const has = ({ x, y }) => [x, y].every((place) => !place?.field || rows.some((row) => row[place.field] !== null));
      spec.layer = spec.layer.filter((layer) => has(layer.encoding));
      place.hidden = !spec.layer.length;
      if (place.hidden) continue;
      const height = row_height ? row_height * rows.length : spec.height;
      // Vega calls all that it draws "Vega visualization"; the element around it has the description.
      const drawing = document.createElement("div");
      drawing.setAttribute("aria-hidden", "true");
      place.replaceChildren(drawing);
      await vegaEmbed(
        drawing,
        {
          $schema: "https://vega.github.io/schema/vega-lite/v6.json",
          width: "container",
          background: null,
          data: { values: rows },
          config: {
            font,
            view: { stroke: null },
            axis: {
              labelColor: colour("--muted"), titleColor: colour("--muted"), gridColor: colour("--line"),
              domainColor: colour("--line"), tickColor: colour("--line"), labelFontSize: 12, titleFontSize: 12,
              titleFontWeight: 400,
            },
            axisY: { labelColor: colour("--ink") },
            text: { fontSize: 12 },
          },
          ...spec,
          height,
        },
        { actions: false, ast: true, defaultStyle: false, renderer: "svg", mode: "vega-lite", tooltip: { theme: "custom" } },
      );
    }
    document.documentElement.dataset.drawn = "yes";
  }

  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
