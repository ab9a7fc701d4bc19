// The live picture of the page "Smooth ranks of five numbers": drag a number, move epsilon, and see plan, ranks,
// sorted values and gradient change. Without JavaScript the page is whole: this file fills an empty element.
"use strict";

const FiveNumbers = (() => {
  const EXACT = 1e-9; // marginal error of a plan
  const MOST_SWEEPS = 20000;

  // The squash: the logistic function of the number of standard deviations from the mean.
  function squash(x) {
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const deviation = Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length);
    return x.map((value) => (deviation > 0 ? 1 / (1 + Math.exp(-(value - mean) / deviation)) : 0.5));
  }

  function logSumExp(terms) {
    const top = Math.max(...terms);
    return top + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - top), 0));
  }

  // The shares of each number at each place, by Sinkhorn's iterations on logarithms while epsilon falls to its value.
  function shares(x, epsilon) {
    const n = x.length;
    const positions = squash(x);
    const cost = positions.map((position) => x.map((_, j) => (position - j / (n - 1)) ** 2));
    let f = x.map(() => 0);
    let plan = [];
    for (let at = Math.max(1, epsilon); ; at = Math.max(at / 2, epsilon)) {
      for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
        plan = cost.map((row) => {
          const terms = row.map((c, j) => (f[j] - c) / at);
          const total = logSumExp(terms);
          return terms.map((term) => term - total);
        });
        const columns = x.map((_, j) => logSumExp(plan.map((row) => row[j])));
        if (columns.reduce((sum, column) => sum + Math.abs(Math.exp(column) - 1), 0) / n < EXACT) break;
        f = f.map((value, j) => value - at * columns[j]);
      }
      if (at === epsilon) return plan.map((row) => row.map(Math.exp));
    }
  }

  const ranks = (plan) => plan.map((row) => row.reduce((sum, share, j) => sum + share * (j + 1), 0));
  const sorted = (plan, x) => x.map((_, j) => plan.reduce((sum, row, i) => sum + row[j] * x[i], 0));

  // The derivatives of all ranks in one number, by central differences.
  function gradient(x, epsilon, moved) {
    const step = 1e-4 * (Math.max(...x) - Math.min(...x) || 1);
    const at = (sign) => ranks(shares(x.map((v, i) => (i === moved ? v + sign * step : v)), epsilon));
    const [above, below] = [at(1), at(-1)];
    return above.map((rank, i) => (rank - below[i]) / (2 * step));
  }

  const SVG = "http://www.w3.org/2000/svg";
  const [WIDTH, LEFT, TOP, BOTTOM, MOST] = [640, 40, 60, 220, 13];
  const across = (value) => LEFT + ((WIDTH - 2 * LEFT) * value) / MOST;
  const place = (j, n) => across(0.5 + ((MOST - 1) * j) / (n - 1));

  function element(parent, name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }

  function draw(box) {
    const x = [1, 5, 4, 8, 12];
    let moved = 1;
    const svg = element(box, "svg", {
      viewBox: `0 0 ${WIDTH} 270`, width: "100%", role: "img", fill: "currentColor", "font-size": 13,
      "aria-label": "Five numbers, the places that they are sent to, their ranks and the sorted values",
    });
    svg.style.touchAction = "none";
    const label = document.createElement("label");
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: -3, max: 0, step: 0.05, value: -2 });
    const said = document.createElement("output");
    const slope = document.createElement("p");
    label.append("epsilon ", slider, " ", said);
    box.append(label, slope);

    function update() {
      const epsilon = 10 ** Number(slider.value);
      const plan = shares(x, epsilon);
      const rank = ranks(plan);
      const order = sorted(plan, x);
      svg.replaceChildren();
      element(svg, "text", { x: 0, y: 15 }, "numbers, with their smooth ranks: drag them, or choose one and use the arrow keys");
      element(svg, "text", { x: 0, y: 262 }, "places, with the smooth sorted values");
      plan.forEach((row, i) => row.forEach((share, j) => {
        const ends = { x1: across(x[i]), y1: TOP, x2: place(j, x.length), y2: BOTTOM };
        element(svg, "line", { ...ends, stroke: "currentColor", "stroke-width": 6 * share, opacity: share });
      }));
      x.forEach((value, i) => {
        const style = { cx: across(value), cy: TOP, r: 9, fill: i === moved ? "#d62728" : "#1f77b4", cursor: "grab" };
        const circle = element(svg, "circle", { ...style, tabindex: 0, "aria-label": `number ${value.toFixed(1)}` });
        circle.addEventListener("pointerdown", () => { moved = i; svg.dataset.drags = "yes"; update(); });
        circle.addEventListener("focus", () => { if (moved !== i) { moved = i; update(); focus(); } });
        element(svg, "text", { x: across(value), y: TOP - 18, "text-anchor": "middle" }, rank[i].toFixed(2));
        element(svg, "rect", { x: place(i, x.length) - 5, y: BOTTOM - 5, width: 10, height: 10 });
        element(svg, "text", { x: place(i, x.length), y: BOTTOM + 22, "text-anchor": "middle" }, order[i].toFixed(2));
      });
      said.textContent = epsilon.toPrecision(2);
      const changes = gradient(x, epsilon, moved).map((change) => change.toFixed(2)).join(", ");
      slope.textContent = `Derivatives of the five ranks in the red number, ${x[moved].toFixed(1)}: ${changes}`;
    }

    // The picture is drawn anew at each change, so the chosen number takes the focus again.
    const focus = () => svg.querySelectorAll("circle")[moved].focus();

    function move(value) {
      x[moved] = Math.min(MOST, Math.max(0, value));
      update();
    }
    svg.addEventListener("pointermove", (event) => {
      if (svg.dataset.drags !== "yes") return;
      const bounds = svg.getBoundingClientRect();
      const at = ((event.clientX - bounds.left) / bounds.width) * WIDTH;
      move(((at - LEFT) / (WIDTH - 2 * LEFT)) * MOST);
    });
    for (const end of ["pointerup", "pointerleave"]) svg.addEventListener(end, () => { svg.dataset.drags = "no"; });
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.1, ArrowRight: 0.1 }[event.key];
      if (step) { event.preventDefault(); move(x[moved] + step); focus(); }
    });
    slider.addEventListener("input", update);
    update();
  }

  document.addEventListener("DOMContentLoaded", () => {
    const box = document.getElementById("five-numbers");
    if (box) draw(box);
  });
  return { shares, ranks, sorted, gradient };
})();
