"use strict";
// A score of four voices on two staves, drawn as SVG. bars.js says what stands in each bar, glyphs.js how a sign looks; here
// bars are shared out among systems, all gets its place, and is drawn. Unit: a space of the staff, `gap` pixels.

const LEFT_MARGIN = 1.6, RIGHT_MARGIN = 0.5, INK_BIN = 2;  // ink is looked at in stretches of that many spaces
const SHARP_STEPS = [[38, 35, 39, 36, 33, 37, 34], [24, 21, 25, 22, 19, 23, 20]];  // where a signature's signs stand, by staff
const FLAT_STEPS = [[34, 37, 33, 36, 32, 35, 31], [20, 23, 19, 22, 18, 21, 17]];
const STAFF_CLEARANCE = 1.2, STAVES_APART = 9.6;  // between the ink of two staves; from the top of one to that of the other
const ROOM_ABOVE = 3.4, ROOM_BELOW = 2.6;  // of a system, at least

// {svg, systems: [{first, end, y, top, bottom, edges, xs}], system}: frames `edges` of a system stand at pixels `xs`; it begins
// `y` pixels down, a cursor goes from `top` to `bottom`; `system` is the height of the lowest one. options: gap, title.
function drawScore(score, width, marks = [], options = {}) {
  const frames = score.cells.length, page = standingIn(score, barsOf(score).filter(([first, end]) => end > first));
  const bars = page.bars.map((bar, k) => measuredBar(bar, k === page.bars.length - 1));
  const marked = VOICES.map((_, voice) => countsBefore(frames, marks.filter(({voices}) => voices.includes(voice)).map(({frame}) => frame)));
  const heads = [true, false].map((isFirst) => systemHeadWide(page.signature, score.metre, isFirst));
  const gap = gapFor(bars, heads, width, options.gap || 9), wide = width / gap - LEFT_MARGIN - RIGHT_MARGIN;
  const room = {...page, score, marked, gap, heads, held: countsBefore(frames, score.fermatas || [])}, parts = [], systems = [];
  let y = options.title ? 4 * gap : 0;
  if (options.title) parts.push(drawText("title", width / 2, 2.9 * gap, titleSize(options.title, gap, width), options.title, "middle"));
  const lines = bars.length ? sharedAmongSystems(bars, heads, wide) : [[]];
  lines.forEach((line, number) => {
    const {svg, place, height} = drawSystem(room, line, wide, y, number === 0, number === lines.length - 1);
    parts.push(svg);
    systems.push(place);
    y += height;
  });
  const size = `width="${width}" height="${Math.ceil(y)}" viewBox="0 0 ${width} ${Math.ceil(y)}"`;
  return {svg: `<svg class="score" role="img" aria-label="${safeInSvg(spokenScore(score, bars.length))}" ${size}>${parts.join("")}</svg>`,
    systems, system: Math.min(...systems.map(({height}) => height))};
}

function gapFor(bars, heads, width, asked) {  // less than asked for where a bar is longer than the page; whole, so that lines are sharp
  const longest = bars.reduce((most, {least}, k) => Math.max(most, heads[k ? 1 : 0] + least), 0) + LEFT_MARGIN + RIGHT_MARGIN;
  const fits = width / longest;
  return fits >= asked ? asked : fits > 5 ? Math.floor(fits) : Math.max(fits, 1);
}

const titleSize = (title, gap, width) => Math.min(2.3 * gap, 1.8 * width / title.length);  // a letter is half as wide as high

const safeInSvg = (words) => String(words).replace(/[&<>"]/g, (sign) => ({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})[sign]);
const drawText = (name, x, y, size, words, anchor) =>  // in pixels, since browsers keep small letters at a least size
  `<text class="${name}" x="${neat(x)}" y="${neat(y)}" font-size="${neat(size)}" text-anchor="${anchor}">${safeInSvg(words)}</text>`;

function spokenScore(score, count) {
  const full = score.upbeat ? Math.max(count - 1, 1) : count, mode = score.mode || "major";
  const name = KEYS[mode][score.tonic ?? 0].replace("♯", " sharp").replace("♭", " flat");
  return `Score, ${full} ${full === 1 ? "bar" : "bars"} in ${name} ${mode}, ${score.metre.join("/")}`;
}

function countsBefore(frames, found) {  // how many of the found frames come before each frame: whether a span has one is a difference
  const before = new Uint32Array(frames + 1);
  for (const frame of found) if (frame >= 0 && frame < frames) before[Math.floor(frame) + 1]++;
  for (let k = 1; k <= frames; k++) before[k] += before[k - 1];
  return before;
}
const hasAnyIn = (before, from, to) => before[Math.min(to, before.length - 1)] > before[from];

// ---------------------------------------------------------------------------------------------- room across

const signStep = (signature) => signature > 0 ? 1.05 : 0.95;
const figuresWide = (metre) => Math.max(...metre.map((each) => String(each).length));

function systemHeadWide(signature, metre, isFirst) {  // of clef, signature and, at the beginning, metre
  return 3.7 + Math.abs(signature) * signStep(signature) + (signature ? 0.5 : 0) + (isFirst ? 1.6 + 0.9 * figuresWide(metre) : 0);
}

function measuredBar(bar, isFinal) {  // adds `steps` from a bar's line over its moments to the next line: [least, ideal]; and their sums
  const {columns} = bar, last = columns.length - 1, ideal = (long) => 1.85 * Math.sqrt(long);
  const steps = [[Math.max(1.3, ...columns[0].left.map((left) => left + 0.65)), 0]];
  columns.forEach(({right, long}, k) => {
    const next = columns[k + 1], least = right.map((reach, staff) => reach + (next ? next.left[staff] + 0.3 : isFinal ? 1.6 : 0.6));
    steps.push([Math.max(1.5, ...least), ideal(long) * (k === last ? 0.9 : 1)]);
  });
  const least = steps.reduce((sum, [low]) => sum + low, 0), natural = steps.reduce((sum, [low, good]) => sum + Math.max(low, good), 0);
  return {...bar, steps, least, natural};
}

function sharedAmongSystems(bars, heads, wide) {  // arrays of bars, with the least sum of how badly each is stretched or pressed
  const best = [{cost: 0, from: 0}];
  for (let end = 1; end <= bars.length; end++) {
    let least = 0, natural = 0;
    best[end] = {cost: Infinity, from: end - 1};
    for (let from = end - 1; from >= 0; from--) {
      const room = wide - heads[from ? 1 : 0];
      least += bars[from].least;
      natural += bars[from].natural;
      if (least > room && from < end - 1) break;
      const cost = best[from].cost + badnessOf(room / natural, end === bars.length && from > 0);
      if (cost < best[end].cost) best[end] = {cost, from};
    }
  }
  const lines = [];
  for (let end = bars.length; end > 0; end = best[end].from) lines.unshift(bars.slice(best[end].from, end));
  return lines;
}

function badnessOf(ratio, isLast) {  // of room that is given to what is wanted
  if (isLast && ratio > 1 / 0.6) return 0.4 + (ratio > 3 ? 0.5 : 0);  // left short
  return 0.02 + (ratio > 1 ? (ratio - 1) ** 2 : (2 / ratio - 2) ** 2);
}

function stretchOf(line, room) {  // by what all ideal steps of a system are to be multiplied so that it fills the room
  const steps = line.flatMap((bar) => bar.steps);
  const total = (by) => steps.reduce((sum, [least, ideal]) => sum + Math.max(least, by * ideal), 0);
  let [low, high] = [0, 1];
  while (total(high) < room && high < 64) high *= 2;
  for (let turn = 0; turn < 24; turn++) {
    const middle = (low + high) / 2;
    if (total(middle) < room) low = middle; else high = middle;
  }
  return low;
}

function spreadBars(line, head, wide, isLast) {  // gives each bar `x`, `endX` and `xs` of its moments; where the last one ends
  const natural = line.reduce((sum, bar) => sum + bar.natural, 0), room = wide - head;
  const by = isLast && natural < 0.6 * room ? 1 : stretchOf(line, room);
  let x = head;
  for (const bar of line) {
    bar.x = x;
    bar.xs = new Map();
    bar.steps.forEach(([low, ideal], k) => {
      x += Math.max(low, by * ideal);
      if (k < bar.columns.length) bar.xs.set(bar.columns[k].at, x);
    });
    bar.endX = x;
  }
  return line.length ? x : wide;
}

// ---------------------------------------------------------------------------------------------- a system

function emptyStaff() {  // what is drawn of it, and how high and low its ink reaches along it
  return {parts: [], high: [], low: []};
}

function addInk(staff, from, to, top, bottom) {
  for (let bin = Math.max(0, Math.floor(from / INK_BIN)); bin <= to / INK_BIN; bin++) {
    staff.high[bin] = Math.min(staff.high[bin] ?? 0, top);
    staff.low[bin] = Math.max(staff.low[bin] ?? 4, bottom);
  }
}

function drawSystem(room, line, wide, y, isFirst, isLast) {  // {svg, place, height}
  const {gap, staves} = room, head = room.heads[isFirst ? 0 : 1], right = spreadBars(line, head, wide, isLast);
  const drawn = [emptyStaff(), emptyStaff()];
  addInk(drawn[0], 0, 3.4, -1.7, 5.8);  // the clef
  staves.forEach((voices, staff) => {
    for (const voice of [...voices].reverse()) drawVoice(room, line, voice, drawn[staff], head, right);
    if (!voices.length) for (const bar of line) drawn[staff].parts.push(drawRestShape(16, "", (bar.x + bar.endX) / 2, 2));
  });
  drawFermatas(room, line, drawn[0]);
  const {apart, above, height} = stacked(drawn, gap), top = y + above * gap, left = LEFT_MARGIN * gap;
  const origin = [left, top].map((each) => Math.round(each) + 0.5);  // in the middle of a pixel, where a thin line is sharp
  const svg = [`<g class="system" transform="translate(${origin}) scale(${neat(gap)})">`, drawFrame(line, right, apart, isLast)];
  drawn.forEach(({parts}, staff) => svg.push(`<g class="staff" transform="translate(0 ${neat(staff * apart)})">`,
    drawSystemHead(room, staff, isFirst), ...parts, "</g>"));
  svg.push("</g>");
  if (!isFirst && line[0].number > 1) svg.push(drawText("bar-number", left, top - 2 * gap, 1.35 * gap, line[0].number, "start"));
  const columns = line.flatMap((bar) => bar.columns.map(({at}) => [at, bar.xs.get(at)]));
  const first = line[0]?.first ?? 0, end = line.at(-1)?.end ?? 0;
  const place = {first, end, y, height, top: top - 2 * gap, bottom: top + (apart + 6) * gap,
    edges: [...columns.map(([at]) => at), end], xs: [...columns.map(([, x]) => x), right].map((x) => left + x * gap)};
  return {svg: svg.join(""), place, height};
}

function stacked(drawn, gap) {  // how far the staves are apart, the room above them, and the height in pixels: as the ink needs it
  const whole = (units) => Math.ceil(units * gap - 0.001) / gap;  // in whole pixels, so that the lines of a staff stay sharp
  let apart = STAVES_APART, above = ROOM_ABOVE, below = ROOM_BELOW;
  drawn[0].low.forEach((low, bin) => { apart = Math.max(apart, low - (drawn[1].high[bin] ?? 0) + STAFF_CLEARANCE); });
  drawn[0].high.forEach((high) => { above = Math.max(above, 1 - high); });
  drawn[1].low.forEach((low) => { below = Math.max(below, low - 4 + 1); });
  [apart, above] = [apart, above].map(whole);
  return {apart, above, height: Math.ceil((above + apart + 4 + below) * gap - 0.001)};
}

function drawFrame(line, right, apart, isLast) {  // staff lines, brace and barlines
  const high = apart + 4, out = [], lines = [];
  for (const top of [0, apart]) for (let k = 0; k < 5; k++) lines.push(`M0 ${neat(top + k)}H${neat(right)}`);
  out.push(`<path class="line" d="${lines.join("")}"/>`, drawGlyph("ink", bracePath(high), -0.35, 0));
  const upright = (x, wide) => barPath(x, -0.05, wide, high + 0.1), bars = [upright(-0.06, 0.14)];
  line.forEach((bar, k) => {
    if (isLast && k === line.length - 1) bars.push(upright(right - 1.05, 0.14), upright(right - 0.5, 0.5));
    else bars.push(upright(bar.endX - 0.14, 0.14));
  });
  out.push(`<path class="barline" d="${bars.join("")}"/>`);
  return out.join("");
}

function drawSystemHead(room, staff, isFirst) {  // clef, signature, metre
  const {signature, score} = room, out = [drawGlyph("ink", staff ? BASS_CLEF : TREBLE_CLEF, 0.6, staff ? 1 : 3)];
  const sign = SIGN_SHAPES[signature > 0 ? 1 : -1], steps = (signature > 0 ? SHARP_STEPS : FLAT_STEPS)[staff];
  for (let k = 0; k < Math.abs(signature); k++) out.push(drawSign(sign, 4.2 + k * signStep(signature), (TOP_STEPS[staff] - steps[k]) / 2));
  if (isFirst) {
    const x = systemHeadWide(signature, score.metre, true) - 0.95 - 0.45 * figuresWide(score.metre);
    score.metre.forEach((figure, k) => out.push(`<g transform="translate(${neat(x)} ${2 * k + 2}) scale(${neat(1 / room.gap)})">`
      + drawText("figure", 0, -0.03 * room.gap, 2.9 * room.gap, figure, "middle") + "</g>"));
  }
  return out.join("");
}
