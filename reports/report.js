// What the page does beyond being read: the heat tables are sorted, filtered and walked through by keys, a cell's pairs
// are drawn, texts are copied. Without it everything but the pairs is there. Nothing is loaded, nothing evaluated.
"use strict";
(() => {
  const $ = (query, from = document) => from.querySelector(query);
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const make = (name, attributes = {}, text = "") => {
    const svg = /^(svg|g|path|text|line|circle)$/.test(name);
    const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  };

  // The packed data: JSON, compressed, in base 64. Unpacked when it is first asked for.
  let unpacked = null;
  const data = () => {
    unpacked ??= (async () => {
      const bytes = Uint8Array.from(atob($("#pairs-data").content.textContent.trim()), (c) => c.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      return JSON.parse(await new Response(stream).text());
    })();
    return unpacked;
  };

  const copy = async (text, button) => {
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = make("textarea", {}, text);
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    button.dataset.said ??= button.textContent;
    button.textContent = done ? "Copied" : "Not allowed: select it by hand";
    setTimeout(() => (button.textContent = button.dataset.said), 2000);
  };
  for (const button of all("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy($(button.dataset.copy).textContent, button));
  }

  // One panel over time: dots, or a line where it is a reading.
  const LEFT = 76;
  let W = 640;
  const panel = (svg, top, height, title, times, values, options = {}) => {
    const known = values.filter((value) => value !== null);
    let [low, high] = [Math.min(...known), Math.max(...known)];
    const mark = options.mark;
    if (mark < low && mark > low - (high - low)) low = mark;
    if (mark > high && mark < high + (high - low)) high = mark;
    if (low === high) [low, high] = [low - Math.abs(low) * 0.01 - 0.01, high + Math.abs(high) * 0.01 + 0.01];
    const [first, last] = [times[0], times[times.length - 1]];
    const x = (t) => LEFT + (last > first ? ((t - first) / (last - first)) * (W - LEFT - 12) : 0) + 4;
    const y = (v) => top + height - ((v - low) / (high - low)) * height;
    svg.append(make("text", { x: 0, y: top + 10, class: "title" }, title));
    for (const [value, at] of [[high, top + 22], [low, top + height]])
      svg.append(make("text", { x: LEFT - 6, y: at, class: "end" }, options.show ? options.show(value) : value.toPrecision(4)));
    svg.append(make("path", { class: "grid", d: `M${LEFT},${top + height}H${W}M${LEFT},${top}V${top + height}` }));
    if (mark >= low && mark <= high) svg.append(make("path", { class: "one", d: `M${LEFT},${y(mark)}H${W}` }));
    for (let n = 1; n < times.length; n++)
      if (options.launch[n] !== options.launch[n - 1]) {
        const at = (x(times[n]) + x(times[n - 1])) / 2;
        svg.append(make("path", { class: "launch", d: `M${at},${top}V${top + height}` }));
      }
    values.forEach((value, n) => {
      if (value === null) return;
      const tainted = options.tainted?.[n];
      const dot = make("circle", { cx: x(times[n]), cy: y(value), r: 2.6, class: tainted ? "tainted" : options.kind });
      svg.append(dot);
    });
  };

  const drawn = (pairs) => {
    const times = pairs.t.map((t) => t / 10);
    const rows = [["Ratio", 90, pairs.r.map((r) => r / 1000), { mark: 0, show: (v) => `${Math.exp(v).toFixed(3)}x` }]];
    if (pairs.c) rows.push(["Clock", 44, pairs.c, { show: (v) => `${v.toFixed(0)} MHz` }]);
    if (pairs.k) rows.push(["Temp.", 44, pairs.k.map((k) => k && k / 10), { show: (v) => `${v.toFixed(1)} °C` }]);
    if (pairs.p) rows.push(["Probe", 44, pairs.p.map((p) => p && p / 10), { show: (v) => `${v.toFixed(1)} GF/s` }]);
    const height = rows.reduce((sum, row) => sum + row[1] + 18, 22);
    const label = `${times.length} pairs in time order over ${rows.slice(1).map((row) => row[0]).join(", ") || "nothing"}`;
    const svg = make("svg", { viewBox: `0 0 ${W} ${height}`, class: "chart pairs", role: "img", "aria-label": label });
    let top = 4;
    for (const [title, size, values, options] of rows) {
      const tainted = title === "Ratio" ? pairs.x : null;
      panel(svg, top, size, title, times, values, { ...options, tainted, launch: pairs.l, kind: title === "Ratio" ? "pair" : "read" });
      top += size + 18;
    }
    const span = times[times.length - 1] - times[0];
    svg.append(make("text", { x: LEFT, y: top + 4 }, `0 s`), make("text", { x: W, y: top + 4, class: "end" }, `${span.toFixed(0)} s; lines part launches`));
    return svg;
  };

  for (const table of all("table.heat")) {
    const body = $("tbody", table), lines = all("tr", body), box = table.closest(".heatbox");
    const detail = $(".cell", box), columns = all("thead th[data-column]", table);
    const cells = (line) => all("td:not(.what)", line);
    let shown = null;

    const show = async (cell) => {
      shown?.removeAttribute("aria-selected");
      shown = cell;
      cell.setAttribute("aria-selected", "true");
      const line = cell.parentElement, place = columns[cells(line).indexOf(cell)].dataset.column;
      const heading = make("h4", {}, `${line.dataset.layer} on ${place}`);
      const close = make("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
      close.addEventListener("click", () => ((detail.hidden = true), cell.focus()));
      detail.replaceChildren(close, heading, make("p", {}, `${line.dataset.what}: ${cell.title}.`));
      detail.hidden = false;
      const key = cell.dataset.k;
      let pairs, again;
      try {
        if (key || cell.dataset.a) ({ pairs, again } = await data());
      } catch {
        detail.append(make("p", { class: "soft" }, "This browser cannot unpack the pairs."));
      }
      if (shown !== cell) return;
      const found = pairs?.[key];
      if (found) {
        W = Math.max(300, Math.min(640, detail.clientWidth - 28));
        detail.append(drawn(found));
        const note = [];
        if (found.x) note.push("Hollow: a sample of the pair is tainted, and the pair is left out.");
        if (found.every) note.push(`Every ${found.every}th pair is drawn.`);
        if (note.length) detail.append(make("p", { class: "soft" }, note.join(" ")));
      }
      const command = again?.[cell.dataset.a];
      if (command) {
        const button = make("button", { type: "button" }, "Copy the command");
        button.addEventListener("click", () => copy(command, button));
        detail.append(make("p", { class: "soft" }, "Measures it again:"), make("code", {}, command), button);
      }
    };

    table.setAttribute("role", "grid");
    let stop = null;
    const enter = (cell) => {
      stop?.setAttribute("tabindex", "-1");
      stop = cell;
      cell.setAttribute("tabindex", "0");
    };
    for (const line of lines) for (const cell of cells(line)) cell.setAttribute("tabindex", "-1");
    if (lines.length) enter(cells(lines[0])[0]);
    body.addEventListener("click", (event) => {
      const cell = event.target.closest("td:not(.what)");
      if (cell) (enter(cell), show(cell));
    });
    body.addEventListener("focusin", (event) => event.target.matches("td") && enter(event.target));
    body.addEventListener("keydown", (event) => {
      const cell = event.target.closest("td:not(.what)");
      if (!cell) return;
      const seen = all("tr:not([hidden])", body), row = seen.indexOf(cell.parentElement), column = cells(cell.parentElement).indexOf(cell);
      const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (event.key === "Enter" || event.key === " ") show(cell);
      else if (event.key === "Escape") detail.hidden = true;
      else if (move) cells(seen[row + move[0]] ?? cell.parentElement)[column + move[1]]?.focus();
      else return;
      event.preventDefault();
    });

    const value = (line, column) => parseFloat(cells(line)[column].textContent);
    columns.forEach((head, column) => {
      const button = make("button", { type: "button", title: "Sort by this column" });
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const order = { none: "descending", descending: "ascending", ascending: "none" }[head.ariaSort ?? "none"];
        for (const other of columns) other.ariaSort = "none";
        head.ariaSort = order;
        const sign = order === "ascending" ? 1 : -1;
        const rank = (line) => (Number.isNaN(value(line, column)) ? Infinity : sign * value(line, column));
        body.append(...(order === "none" ? lines : [...lines].sort((a, b) => rank(a) - rank(b))));
      });
    });

    const tools = $(".tools", box), name = $("input[type=search]", tools), category = $("select", tools), count = $("output", tools);
    const what = all("input[type=checkbox]", tools);
    tools.hidden = false;
    const filter = () => {
      const classes = what.filter((each) => each.checked).map((each) => each.value);
      const hits = (line) =>
        line.dataset.layer.toLowerCase().includes(name.value.trim().toLowerCase()) &&
        (!category.value || line.dataset.category === category.value) &&
        (!classes.length || cells(line).some((cell) => classes.some((each) => cell.className.startsWith(each))));
      for (const line of lines) line.hidden = !hits(line);
      const left = lines.filter((line) => !line.hidden).length;
      count.textContent = left === lines.length ? `${left} layers` : `${left} of ${lines.length} layers`;
    };
    tools.addEventListener("input", filter);
    filter();
  }
})();
