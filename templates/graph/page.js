// The page: its state, which the address has too, so that a view can be shared; the list; what is shown beside it.

const model = makeModel(JSON.parse(document.getElementById("data").textContent));
const noun = model.nodes_are === "modules" ? "module" : "package";
const byId = (id) => document.getElementById(id);

const DEFAULTS = { q: "", module: "", view: "", sort: "path", tab: "package", node: "", from: "", to: "", depth: "1" };
const state = { ...DEFAULTS };

/** `1 file`, `2 files`. */
function count(number, what) {
  return `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;
}

/** Bytes as people read them. */
function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB"];
  let value = bytes;
  let unit = -1;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** An element with children; text is never taken for HTML. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const view = () => model.views.findIndex((one) => one.name === state.view);
const chosen = () => model.index.get(state.node);

/** Changes the state; the address follows, and `replace` keeps the way back free of every letter that is typed. */
function go(change, replace = false) {
  Object.assign(state, change);
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) if (value !== DEFAULTS[key]) parameters.set(key, value);
  const address = `#${parameters}`;
  if (address !== (location.hash || "#")) history[replace ? "replaceState" : "pushState"](null, "", address);
  show();
}

function readAddress() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  for (const key of Object.keys(DEFAULTS)) state[key] = parameters.get(key) ?? DEFAULTS[key];
}

const choose = (node) => go({ node: model.nodes[node].path, tab: "package" });

/** A link to a node. */
function link(node) {
  const path = model.nodes[node].path;
  const click = (event) => {
    event.preventDefault();
    choose(node);
  };
  return element("a", { href: `#node=${encodeURIComponent(path)}`, class: "path", "data-path": path, onclick: click }, path);
}

// ---- lists

const ROW = 24;

/**
 * Fills a list with as many rows as can be seen, however many there are. `columns` gives the texts at the right of a node; `pick`
 * is called for the node that is chosen with mouse, arrow keys or Enter. Gives a function that shows other nodes.
 */
function makeList(list, columns, pick) {
  let nodes = [];
  const space = element("div", { class: "space" });
  list.replaceChildren(space);
  const render = () => {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 10);
    const last = Math.min(nodes.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 10);
    const rows = [];
    for (let i = first; i < last; i++) {
      const node = model.nodes[nodes[i]];
      const selected = node.path === state.node;
      const path = element("span", { class: "path", title: node.path }, element("bdi", {}, node.path));
      const numbers = columns(node).map((text) => element("span", { class: "number" }, text));
      const attributes = { class: "row", role: "option", id: `${list.id}-${i}`, "data-index": i, "data-path": node.path };
      const row = element("div", { ...attributes, "aria-selected": selected, "aria-setsize": nodes.length, "aria-posinset": i + 1 }, path, ...numbers);
      row.style.top = `${i * ROW}px`;
      rows.push(row);
    }
    space.replaceChildren(...rows);
    const active = nodes.findIndex((node) => model.nodes[node].path === state.node);
    if (active >= first && active < last) list.setAttribute("aria-activedescendant", `${list.id}-${active}`);
    else list.removeAttribute("aria-activedescendant");
  };
  const reveal = (i) => {
    if (i * ROW < list.scrollTop) list.scrollTop = i * ROW;
    else if ((i + 1) * ROW > list.scrollTop + list.clientHeight) list.scrollTop = (i + 1) * ROW - list.clientHeight;
  };
  list.addEventListener("scroll", render);
  list.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (row) pick(nodes[Number(row.dataset.index)]);
  });
  list.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(list.clientHeight / ROW) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || !nodes.length) return;
    event.preventDefault();
    const now = nodes.findIndex((node) => model.nodes[node].path === state.node);
    const next = Math.min(nodes.length - 1, Math.max(0, now + steps[event.key]));
    reveal(next);
    pick(nodes[next]);
  });
  return (others) => {
    const same = others.length === nodes.length && others.every((node, i) => node === nodes[i]);
    nodes = others;
    space.style.height = `${nodes.length * ROW}px`;
    if (!same) list.scrollTop = 0;
    const now = nodes.findIndex((node) => model.nodes[node].path === state.node);
    if (now >= 0) reveal(now);
    render();
  };
}

const facts = (node) => {
  const number = {
    bytes: node.bytes === undefined ? "–" : size(node.bytes),
    needed: `needed by ${neededBy(node, view())}`,
  }[state.sort];
  return [number ?? count(node.files, "file")];
};
const showList = makeList(byId("list"), facts, choose);

// ---- panes

/** What is shown before anything is chosen: where to begin. */
function emptyPane() {
  const text = element("p", {}, `Choose a ${noun} in the list, or in the drawing of another.`);
  const commands = model.nodes.flatMap((node, i) => (node.name === "main" && isOwn(node) && isIn(node.views, view()) ? [i] : []));
  const links = commands.slice(0, 100).map((i) => element("li", {}, link(i)));
  return links.length ? [text, element("h2", {}, "Commands"), element("ul", {}, ...links)] : [text];
}

/** A list of arrows' other ends, with a heading. */
function neighbours(title, arrows) {
  const here = arrows.filter((arrow) => isIn(arrow.views, view()));
  const list = element("div", { class: "list", role: "listbox", tabindex: 0, id: `list-${title}`, "aria-label": title });
  const notes = new Map(here.map((arrow) => [arrow.to, note(arrow)]));
  const fill = makeList(list, (node) => [notes.get(model.index.get(node.path))].filter(Boolean), choose);
  const nodes = [...new Set(here.map((arrow) => arrow.to))].sort((a, b) => a - b);
  list.style.height = `${Math.min(10, Math.max(1, nodes.length)) * ROW + 2}px`;
  requestAnimationFrame(() => fill(nodes));
  return element("div", {}, element("h2", {}, `${title} (${nodes.length})`), list);
}

/** Why an arrow is there, and on which platforms, unless on all. */
function note(arrow) {
  const names = arrow.views.size < model.views.length && view() < 0 ? [...arrow.views].map((i) => model.views[i].name) : [];
  return [arrow.kind === "source" ? "" : arrow.kind, ...names].filter(Boolean).join(", ");
}

function description(node) {
  const { module, files, bytes, name } = node;
  const parts = [`module ${moduleName(module)}`];
  if (module.replace) parts.push(`replaced by ${module.replace}`);
  if (name) parts.push(`package ${name}`);
  parts.push(bytes === undefined ? count(files, "file") : `${count(files, "file")}, ${size(bytes)} of source`);
  if (module.zip_size !== undefined) parts.push(`the module's zip has ${size(module.zip_size)}`);
  if (node.test_files) parts.push(count(node.test_files, "test file"));
  parts.push(`${neededBy(node, view())} need it`);
  if (node.views.size < model.views.length) parts.push(`only for ${[...node.views].map((i) => model.views[i].name).join(", ")}`);
  return parts.join(" · ");
}

/** What the colours and lines of a drawing mean. */
function legend() {
  const line = (kind) => svg("svg", { width: 28, height: 8, "aria-hidden": true }, svg("path", { d: "M0,4 L28,4", class: kind }));
  const box = svg("svg", { width: 16, height: 12, "aria-hidden": true }, svg("rect", { width: 15, height: 11, rx: 2 }));
  box.setAttribute("class", "own");
  const parts = [box, " the repository's own"];
  if (model.views.length > 1) parts.push(line("partial"), " on some platforms");
  if (model.nodes.some((node) => node.test_files)) parts.push(line("test"), " by tests only");
  return element("p", { class: "legend" }, ...parts);
}

function packagePane() {
  const index = chosen();
  if (index === undefined) return emptyPane();
  const node = model.nodes[index];
  const depth = Number(state.depth);
  const layers = new Map();
  for (const [other, steps] of distances(model, index, "importers", view(), depth)) layers.set(other, -steps);
  // What imports it and is imported by it, on different platforms, stands with the imports.
  for (const [other, steps] of distances(model, index, "imports", view(), depth)) layers.set(other, steps);
  const select = element("select", { id: "depth", onchange: (event) => go({ depth: event.target.value }) });
  for (const steps of ["1", "2", "3"]) select.append(element("option", { value: steps }, steps));
  select.value = state.depth;
  const ends = (key) => () => go({ tab: "path", [key]: node.path });
  return [
    element("p", { class: "path", id: "chosen" }, node.path),
    element("p", { class: "facts" }, description(node)),
    element(
      "p",
      {},
      element("label", {}, "Steps ", select),
      " ",
      element("button", { type: "button", onclick: ends("from") }, "Path from here"),
      " ",
      element("button", { type: "button", onclick: ends("to") }, "Path to here"),
    ),
    draw(model, { layers, centres: new Set([index]), view: view(), start: index, choose }),
    legend(),
    element("div", { class: "columns" }, neighbours("Imported by", node.importers), neighbours("Imports", node.imports)),
  ];
}

function pathPane() {
  const input = (key, title) => {
    const field = element("input", { id: key, value: state[key], list: "paths", spellcheck: "false", autocomplete: "off" });
    field.addEventListener("change", () => go({ [key]: field.value.trim() }));
    return element("label", {}, `${title} `, field);
  };
  const options = element("datalist", { id: "paths" });
  // A browser looks through all options for each letter, so that thousands of them are for the list at the left.
  for (const node of search(model, { query: "", module: state.module, view: view(), sort: "needed" }).slice(0, 500)) {
    options.append(element("option", { value: model.nodes[node].path }));
  }
  const swap = () => go({ from: state.to, to: state.from });
  const form = element(
    "div",
    { class: "ends" },
    input("from", "From"),
    input("to", "To"),
    element("button", { type: "button", id: "swap", onclick: swap }, "Swap"),
    options,
  );
  return [form, ...pathShown()];
}

function pathShown() {
  const [from, to] = [model.index.get(state.from), model.index.get(state.to)];
  const missing = [state.from, state.to].find((path) => path && !model.index.has(path));
  if (missing) return [element("p", { role: "status" }, `There is no ${noun} ${missing}.`)];
  if (from === undefined || to === undefined) {
    return [element("p", {}, `Name two ${noun}s, or press “Path from here” at one and “Path to here” at another.`)];
  }
  const found = paths(model, from, to, view());
  if (!found) {
    const back = paths(model, to, from, view());
    const hint = back ? " The other way round there is a path." : "";
    return [element("p", { role: "status" }, `${state.from} doesn't need ${state.to}.${hint}`)];
  }
  const others = found.between.size - found.nodes.length;
  const where = found.everywhere ? "" : ` (for ${model.views[found.view].name})`;
  const items = found.nodes.map((node, i) => {
    const arrows = model.nodes[found.nodes[i - 1]]?.imports.filter((arrow) => arrow.to === node && isIn(arrow.views, found.view)) ?? [];
    const kinds = arrows.map((arrow) => arrow.kind).filter((kind) => kind !== "source");
    return element("li", {}, link(node), kinds.length ? ` (${kinds.join(", ")})` : "");
  });
  const chain = element("ol", { id: "chain" }, ...items);
  const title = `All between: ${count(found.between.size, noun)}, ${others} besides the shortest path`;
  return [
    element("h2", {}, `Shortest path: ${count(found.nodes.length - 1, "import")}${where}`),
    chain,
    element("h2", {}, title),
    draw(model, { layers: found.between, centres: new Set(found.nodes), view: found.view, start: from, all: true, choose }),
    legend(),
  ];
}

/** A table; cells are texts or elements. */
function table(heads, rows) {
  const cell = (content) => {
    const number = typeof content === "number";
    return element("td", number ? { class: "number" } : {}, number ? content.toLocaleString("en") : content);
  };
  const kind = (i) => (typeof rows[0]?.[i] === "number" ? "number" : undefined);
  const head = element("tr", {}, ...heads.map((text, i) => element("th", { scope: "col", class: kind(i) }, text)));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell)))));
}

function waitsPane() {
  const found = search(model, { query: state.q, module: state.module, view: view(), sort: "path" });
  const weight = (i) => neededBy(model.nodes[i], view()) * model.nodes[i].files;
  const worst = found.filter((i) => weight(i) > 0).sort((a, b) => weight(b) - weight(a) || a - b).slice(0, 100);
  const rows = worst.map((i) => {
    const node = model.nodes[i];
    return [link(i), neededBy(node, view()), node.files, node.bytes === undefined ? "–" : size(node.bytes), weight(i)];
  });
  return [
    element("p", {}, `A change of such a ${noun} makes many others be built again: how many need it, directly or not, times its files. The first 100 of those that fit search and filters.`),
    table([noun, "needed by", "files", "source", "product"], rows),
    element("p", { class: "facts" }, "The bytes of source are known of what is in the repository; of other modules the lock only has the files' names."),
  ];
}

function modulesPane() {
  const sums = new Map(model.modules.map((module) => [module.path, { packages: 0, files: 0 }]));
  for (const node of model.nodes) {
    if (!isIn(node.views, view())) continue;
    const sum = sums.get(node.module.path);
    sum.packages += 1;
    sum.files += node.files;
  }
  const single = model.single_imports.map((one) => [one.module, link(model.index.get(one.importer)), link(model.index.get(one.imported))]);
  const rows = model.modules
    .filter((module) => sums.get(module.path).packages)
    .sort((a, b) => (b.zip_size ?? 0) - (a.zip_size ?? 0) || sums.get(b.path).files - sums.get(a.path).files)
    .map((module) => {
      const { packages, files } = sums.get(module.path);
      const zip = module.zip_size === undefined ? "–" : size(module.zip_size);
      const filter = element("button", { type: "button", onclick: () => go({ module: module.path, q: "" }) }, "show");
      return [moduleName(module), packages, files, zip, module.origin, filter];
    });
  return [
    element("h2", {}, `There for a single import (${single.length})`),
    element("p", {}, "Only one package of another module imports anything of these:"),
    table(["module", "imported by", "imports"], single),
    element("h2", {}, `All modules (${rows.length})`),
    table(["module", "packages", "files", "zip", "from", ""], rows),
  ];
}

function unneededPane() {
  const rows = (certain) =>
    model.unneeded
      .filter((line) => line.certain === certain)
      .map((line) => [`${line.file}: ${line.directive} ${line.module}`, line.reason, element("code", {}, line.remove)]);
  const part = (title, list) => (list.length ? [element("h2", {}, title), table(["line", "why", "what removes it"], list)] : []);
  const parts = [...part("Not needed", rows(true)), ...part("Perhaps not needed", rows(false))];
  return parts.length ? parts : [element("p", {}, "go.mod and go.work have no line that nothing needs.")];
}

const PANES = { package: packagePane, path: pathPane, waits: waitsPane, modules: modulesPane, unneeded: unneededPane };

// ---- all together

function show() {
  byId("search").value = state.q;
  byId("module").value = state.module;
  byId("view").value = state.view;
  byId("sort").value = state.sort;
  const found = search(model, { query: state.q, module: state.module, view: view(), sort: state.sort });
  byId("count").textContent = `${count(found.length, noun)} of ${model.nodes.length.toLocaleString("en")}`;
  showList(found);
  for (const tab of Object.keys(PANES)) {
    const button = byId(`tab-${tab}`);
    button.setAttribute("aria-selected", tab === state.tab);
    button.tabIndex = tab === state.tab ? 0 : -1;
  }
  showPane();
}

/** Shows the pane of the chosen tab; what had the focus in the one before has it again, or else the pane. */
function showPane() {
  const pane = byId("pane");
  const active = pane.contains(document.activeElement) ? document.activeElement.id : undefined;
  pane.replaceChildren(...(PANES[state.tab] ?? packagePane)());
  if (active !== undefined) (byId(active) ?? pane).focus();
}

function option(value, text) {
  return element("option", { value }, text);
}

function start() {
  byId("module").append(option("", "all"), ...model.modules.map((module) => option(module.path, moduleName(module))));
  byId("view").append(option("", "all"), ...model.views.map((one) => option(one.name, one.name)));
  const modules = `${count(model.modules.filter((module) => module.origin !== "std").length, "module")}`;
  const left = model.std_left_out ? `; std's ${model.std_left_out} packages are left out` : "";
  byId("about").textContent = `${count(model.nodes.length, noun)}, ${modules}${left}`;
  byId("search").addEventListener("input", (event) => go({ q: event.target.value }, true));
  byId("search").addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      byId("list").focus();
      byId("list").dispatchEvent(new KeyboardEvent("keydown", { key: "Home" }));
    }
  });
  for (const key of ["module", "view", "sort"]) byId(key).addEventListener("change", (event) => go({ [key]: event.target.value }));
  const tabs = Object.keys(PANES);
  for (const tab of tabs) {
    byId(`tab-${tab}`).addEventListener("click", () => go({ tab }));
    byId(`tab-${tab}`).addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
      go({ tab: next });
      byId(`tab-${next}`).focus();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT)$/.test(event.target.tagName)) {
      event.preventDefault();
      byId("search").focus();
      byId("search").select();
    }
  });
  addEventListener("popstate", () => {
    readAddress();
    show();
  });
  addEventListener("resize", () => byId("list").dispatchEvent(new Event("scroll")));
  readAddress();
  show();
}

start();
