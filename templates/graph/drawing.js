// Drawings of a few dozen nodes: columns of boxes, and arrows between them.

const SVG = "http://www.w3.org/2000/svg";
const LETTER = 7.3;
const BOX = { height: 24, gap: 8, between: 64, margin: 16 };

/** How many nodes a column shows; the rest are counted. */
const COLUMN = 30;

function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A path with as many of its last elements as fit: they say more than the first ones. */
function label(path) {
  const most = 36;
  if (path.length <= most) return path;
  const at = path.indexOf("/", path.length - most + 1);
  return `…${at < 0 ? path.slice(path.length - most + 1) : path.slice(at)}`;
}

/**
 * Columns of nodes by number (negative to the left), each with at most COLUMN entries: the centres, the repository's own, and then
 * what most others need.
 */
function columns(model, layers, view, centres) {
  const shown = new Map();
  for (const [node, layer] of layers) {
    if (!shown.has(layer)) shown.set(layer, []);
    shown.get(layer).push(node);
  }
  const weight = (node) => neededBy(model.nodes[node], view) + (isOwn(model.nodes[node]) ? 1e6 : 0) + (centres.has(node) ? 1e9 : 0);
  return [...shown.entries()]
    .sort(([a], [b]) => a - b)
    .map(([layer, nodes]) => {
      nodes.sort((a, b) => weight(b) - weight(a) || a - b);
      return { layer, nodes: nodes.slice(0, COLUMN), left: Math.max(0, nodes.length - COLUMN) };
    });
}

/** The arrows among nodes of a drawing: all of them, or those from one layer to the next. Tests' imports are those of `start` alone. */
function arrowsAmong(model, nodes, { layers, view, start, all }) {
  const arrows = [];
  for (const from of nodes) {
    for (const arrow of model.nodes[from].imports) {
      if (!nodes.has(arrow.to) || !isIn(arrow.views, view)) continue;
      const [left, right] = [layers.get(from), layers.get(arrow.to)];
      // Among importers, who imports the start in a test is at its side.
      const counts = arrow.kind !== "test" || from === start || arrow.to === start;
      if (counts && (all || right === left + 1)) arrows.push({ from, ...arrow });
    }
  }
  return arrows;
}

/** Puts each node near the middle of those that it is connected with in the column before; two sweeps are enough to read it. */
function order(table, arrows) {
  const near = new Map();
  const note = (a, b) => (near.has(a) ? near.get(a).push(b) : near.set(a, [b]));
  for (const { from, to } of arrows) {
    note(from, to);
    note(to, from);
  }
  const place = new Map();
  const number = (column) => column.nodes.forEach((node, i) => place.set(node, i - column.nodes.length / 2));
  table.forEach(number);
  const sweep = (list) => {
    for (let i = 1; i < list.length; i++) {
      const before = new Set(list[i - 1].nodes);
      const middle = (node) => {
        const others = (near.get(node) ?? []).filter((other) => before.has(other)).map((other) => place.get(other));
        return others.length ? others.reduce((a, b) => a + b) / others.length : place.get(node);
      };
      const wanted = new Map(list[i].nodes.map((node) => [node, middle(node)]));
      list[i].nodes.sort((a, b) => wanted.get(a) - wanted.get(b) || a - b);
      number(list[i]);
    }
  };
  sweep(table);
  sweep([...table].reverse());
}

/** The box of each node, columns in the middle of the height. */
function place(model, table) {
  const boxes = new Map();
  const rows = Math.max(...table.map((column) => column.nodes.length + (column.left ? 1 : 0)));
  const height = rows * (BOX.height + BOX.gap) + 2 * BOX.margin;
  let x = BOX.margin;
  for (const column of table) {
    const widest = Math.max(...column.nodes.map((node) => label(model.nodes[node].path).length), 14);
    const width = widest * LETTER + 16;
    const count = column.nodes.length + (column.left ? 1 : 0);
    let y = (height - count * (BOX.height + BOX.gap)) / 2;
    for (const node of column.nodes) {
      boxes.set(node, { x, y, width, layer: column.layer });
      y += BOX.height + BOX.gap;
    }
    column.box = { x, y, width };
    x += width + BOX.between;
  }
  return { boxes, width: x - BOX.between + BOX.margin, height };
}

/** An arrow from the right side of a box to the left of another; within a column or backwards, it leaves and arrives at the sides. */
function drawArrow(boxes, views, arrow) {
  const [from, to] = [boxes.get(arrow.from), boxes.get(arrow.to)];
  const [y1, y2] = [from.y + BOX.height / 2, to.y + BOX.height / 2];
  let d;
  if (to.x > from.x) {
    const [x1, x2] = [from.x + from.width, to.x];
    const bend = Math.min(60, (x2 - x1) / 2);
    d = `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`;
  } else {
    const [x1, x2] = [from.x + from.width, to.x + to.width];
    const bend = 24 + Math.abs(y2 - y1) / 8;
    d = `M${x1},${y1} C${x1 + bend},${y1} ${x2 + bend},${y2} ${x2},${y2}`;
  }
  const kind = arrow.kind === "test" ? "test" : arrow.views.size < views ? "partial" : "";
  const path = svg("path", { d, class: kind, "marker-end": "url(#tip)" });
  return { ...arrow, path };
}

/** The box of a node; `choose` is called when it is clicked, or gets Enter. */
function drawNode(model, node, box, centre, choose) {
  const { path, files, bytes } = model.nodes[node];
  const title = svg("title", {});
  title.textContent = `${path}\n${count(files, "file")}${bytes === undefined ? "" : `, ${size(bytes)}`}`;
  const text = svg("text", { x: box.x + 8, y: box.y + 16 });
  text.textContent = label(path);
  const rect = svg("rect", { x: box.x, y: box.y, width: box.width, height: BOX.height, rx: 4 });
  const kind = [isOwn(model.nodes[node]) ? "own" : "", centre ? "centre" : ""].filter(Boolean).join(" ");
  const group = svg("g", { class: kind, role: "link", tabindex: 0, "data-path": path, "aria-label": path }, title, rect, text);
  group.addEventListener("click", () => choose(node));
  group.addEventListener("keydown", (event) => {
    if (event.key === "Enter") choose(node);
  });
  return group;
}

/** Lets the arrows of a node stand out while the mouse or the focus is on it. */
function highlight(group, node, arrows) {
  const own = arrows.filter((arrow) => arrow.from === node || arrow.to === node);
  const mark = (on) => () => own.forEach(({ path }) => path.classList.toggle("near", on));
  for (const event of ["mouseenter", "focus"]) group.addEventListener(event, mark(true));
  for (const event of ["mouseleave", "blur"]) group.addEventListener(event, mark(false));
}

/** What doesn't fit into a column is counted below it. */
function drawRest({ left, box }) {
  const text = svg("text", { x: box.x + 8, y: box.y + 16 });
  text.textContent = `… and ${left} more`;
  const rect = svg("rect", { x: box.x, y: box.y, width: box.width, height: BOX.height, rx: 4 });
  return svg("g", { class: "more" }, rect, text);
}

/**
 * A drawing of nodes in layers (a number for each). `centres` are marked. With `all`, arrows between any two nodes are drawn, and
 * else those from one layer to the next. `choose` is called for a node that is clicked.
 */
function draw(model, { layers, centres, view, start, all, choose }) {
  const table = columns(model, layers, view, centres);
  const nodes = new Set(table.flatMap((column) => column.nodes));
  const wanted = arrowsAmong(model, nodes, { layers, view, start, all });
  order(table, wanted);
  const { boxes, width, height } = place(model, table);
  const tip = svg(
    "marker",
    { id: "tip", viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto" },
    svg("path", { d: "M0,0 L8,4 L0,8 z" }),
  );
  const picture = svg(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Drawing of imports" },
    svg("defs", {}, tip),
  );
  const views = view < 0 ? model.views.length : 1;
  const arrows = wanted.map((arrow) => drawArrow(boxes, Math.min(views, model.nodes[arrow.from].views.size), arrow));
  picture.append(...arrows.map(({ path }) => path));
  for (const [node, box] of boxes) {
    const group = drawNode(model, node, box, centres.has(node), choose);
    highlight(group, node, arrows);
    picture.append(group);
  }
  picture.append(...table.filter((column) => column.left).map(drawRest));
  const frame = document.createElement("div");
  frame.className = "drawing";
  frame.append(picture);
  // The node in the middle of attention is in view, whatever stands to its left.
  requestAnimationFrame(() => {
    const box = boxes.get([...centres][0]);
    if (!box) return;
    frame.scrollLeft = box.x + box.width / 2 - frame.clientWidth / 2;
    frame.scrollTop = box.y - frame.clientHeight / 2;
  });
  return frame;
}
