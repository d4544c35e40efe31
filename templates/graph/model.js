// The graph: nodes with what they import and what imports them, search, and paths. Knows nothing of the page.

/** @typedef {{to: number, kind: string, views: Set<number>}} Arrow */

/** Makes the graph of the document in the page. */
function makeModel(data) {
  const viewIndex = new Map(data.views.map((view, i) => [view.name, i]));
  const index = new Map(data.nodes.map((node, i) => [node.path, i]));
  const modules = new Map(data.modules.map((module) => [module.path, module]));
  const nodes = data.nodes.map((node) => {
    const names = Object.keys(node.needed_by);
    return {
      ...node,
      module: modules.get(node.module),
      views: new Set(names.map((name) => viewIndex.get(name))),
      neededBy: data.views.map((view) => node.needed_by[view.name] ?? 0),
      search: node.path.toLowerCase(),
      imports: [],
      importers: [],
    };
  });
  data.nodes.forEach((node, from) => {
    for (const written of node.imports) {
      const to = index.get(written.path);
      const views = written.views ? new Set(written.views.map((name) => viewIndex.get(name))) : nodes[from].views;
      const kind = written.kind ?? "source";
      nodes[from].imports.push({ to, kind, views });
      nodes[to].importers.push({ to: from, kind, views });
    }
  });
  return { ...data, nodes, index };
}

/** Whether something that is in `views` is there when one view (or all, for -1) is looked at. */
const isIn = (views, view) => view < 0 || views.has(view);

/** How many others need a node; in the view where they are most, if none is chosen. */
const neededBy = (node, view) => (view < 0 ? Math.max(0, ...node.neededBy) : node.neededBy[view]);

/** A module with its version. */
const moduleName = (module) => (module.version && module.origin !== "std" ? `${module.path}@${module.version}` : module.path);

/** Whether the source is the repository's own. */
const isOwn = (node) => node.module.origin === "main" || node.module.origin === "local";

/**
 * How well a path fits a word: the lower the better, or Infinity. The last element counts most; letters that only follow each
 * other with gaps count least.
 */
function fit(path, word) {
  const at = path.lastIndexOf(word);
  if (at >= 0) {
    const last = path.lastIndexOf("/") + 1;
    if (at === last && path.length === last + word.length) return 0;
    if (at === last) return 1;
    if (at === 0 || path[at - 1] === "/") return 2;
    return 3;
  }
  let from = 0;
  let gaps = 0;
  for (const letter of word) {
    const found = path.indexOf(letter, from);
    if (found < 0) return Infinity;
    gaps += found - from;
    from = found + 1;
  }
  return 10 + gaps;
}

/** How well a path fits all words of a query. */
function score(path, words) {
  let sum = 0;
  for (const word of words) {
    sum += fit(path, word);
    if (sum === Infinity) break;
  }
  return sum;
}

/** The nodes that fit, as indices: in the order of `sort`, or those that fit best first. */
function search(model, { query, module, view, sort }) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  model.nodes.forEach((node, i) => {
    if (!isIn(node.views, view) || (module && node.module.path !== module)) return;
    const fits = score(node.search, words);
    if (fits < Infinity) found.push([i, fits]);
  });
  // Where words are found as they are, letters with gaps between them are noise.
  const good = found.some(([, fits]) => fits < 10) ? found.filter(([, fits]) => fits < 10) : found;
  const number = {
    path: () => 0,
    files: (node) => -node.files,
    bytes: (node) => -(node.bytes ?? 0),
    needed: (node) => -neededBy(node, view),
  }[sort];
  const key = sort === "path" ? ([, fits]) => fits : ([i]) => number(model.nodes[i]);
  return good.map((entry) => [entry[0], key(entry)]).sort((a, b) => a[1] - b[1] || a[0] - b[0]).map(([i]) => i);
}

/**
 * Distances from a node along `imports` or `importers`, breadth first, up to `limit` steps. Tests only count for the start: nobody
 * needs what the tests of his dependencies import.
 */
function distances(model, start, direction, view, limit = Infinity) {
  const distance = new Map([[start, 0]]);
  let round = [start];
  for (let step = 1; round.length && step <= limit; step++) {
    const next = [];
    for (const node of round) {
      for (const arrow of model.nodes[node][direction]) {
        const isTest = arrow.kind === "test";
        if ((isTest && node !== start) || !isIn(arrow.views, view) || distance.has(arrow.to)) continue;
        distance.set(arrow.to, step);
        if (!isTest || direction === "imports") next.push(arrow.to);
      }
    }
    round = next;
  }
  return distance;
}

/** The shortest path between two nodes in one view, or null. */
function shortestIn(model, from, to, view) {
  const distance = distances(model, from, "imports", view);
  if (!distance.has(to)) return null;
  const path = [to];
  while (path[0] !== from) {
    const steps = distance.get(path[0]) - 1;
    const before = model.nodes[path[0]].importers.filter(
      (arrow) =>
        isIn(arrow.views, view) && distance.get(arrow.to) === steps && (arrow.kind !== "test" || arrow.to === from),
    );
    // What tests import is the longer way, if there is another.
    before.sort((a, b) => (a.kind === "test") - (b.kind === "test") || a.to - b.to);
    path.unshift(before[0].to);
  }
  return path;
}

/** Whether each of some nodes imports the next in a view. */
function holds(model, nodes, view) {
  const step = (from, to, first) =>
    model.nodes[from].imports.some((arrow) => arrow.to === to && isIn(arrow.views, view) && (first || arrow.kind !== "test"));
  return nodes.every((node, i) => i === 0 || step(nodes[i - 1], node, i === 1));
}

/** The nodes on any way between two in one view, with their distance from the first. */
function betweenIn(model, from, to, view) {
  const forward = distances(model, from, "imports", view);
  const found = new Map();
  if (!forward.has(to)) return found;
  const back = new Set([to]);
  const open = [to];
  while (open.length) {
    const node = open.pop();
    for (const arrow of model.nodes[node].importers) {
      const counts = isIn(arrow.views, view) && (arrow.kind !== "test" || arrow.to === from);
      if (counts && forward.has(arrow.to) && !back.has(arrow.to)) {
        back.add(arrow.to);
        open.push(arrow.to);
      }
    }
  }
  for (const node of back) found.set(node, forward.get(node));
  return found;
}

/**
 * A layer for each of some nodes, so that arrows lead to higher ones: the longest way from `from`. Where that makes more than
 * `most` layers, they stay at their distance.
 */
function layered(model, from, nodes, view, most) {
  const follow = (node) =>
    model.nodes[node].imports
      .filter((arrow) => nodes.has(arrow.to) && isIn(arrow.views, view) && (arrow.kind !== "test" || node === from))
      .map((arrow) => arrow.to);
  // Depth first, with a stack of its own: chains can be longer than that of the browser.
  const done = [];
  const seen = new Set([from]);
  const stack = [{ node: from, rest: follow(from) }];
  while (stack.length) {
    const top = stack[stack.length - 1];
    const next = top.rest.pop();
    if (next === undefined) done.push(stack.pop().node);
    else if (!seen.has(next)) {
      seen.add(next);
      stack.push({ node: next, rest: follow(next) });
    }
  }
  const order = done.reverse();
  const place = new Map(order.map((node, i) => [node, i]));
  const layers = new Map(order.map((node) => [node, 0]));
  for (const node of order) {
    // Modules can need each other: what leads back has no layer to say.
    for (const next of follow(node)) {
      if (place.get(next) > place.get(node)) layers.set(next, Math.max(layers.get(next), layers.get(node) + 1));
    }
  }
  return Math.max(...layers.values()) < most ? layers : nodes;
}

/**
 * The shortest path and all nodes between, in the chosen view, or in the first one where the path is shortest: imports of different
 * platforms make no path.
 */
function paths(model, from, to, view) {
  const views = view < 0 ? model.views.map((_, i) => i) : [view];
  let best = null;
  for (const one of views) {
    const nodes = shortestIn(model, from, to, one);
    if (nodes && (!best || nodes.length < best.nodes.length)) best = { nodes, view: one };
  }
  if (!best) return null;
  const between = betweenIn(model, from, to, best.view);
  const layers = layered(model, from, between, best.view, 40);
  return { ...best, between: layers, everywhere: views.every((one) => holds(model, best.nodes, one)) };
}
