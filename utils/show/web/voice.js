"use strict";
// One voice of a system, drawn: heads, stems, beams, flags, dots, ties, rests; and fermatas. See score.js. Unit: a space;
// y = 0 on the staff's top line.

const BEAM_WIDE = 0.5, BEAM_STEP = 0.75, STUB = 1.1, WHOLE_SHIFT = 0.26;  // a whole note is wider: its left edge stands with the others'

function drawVoice(room, line, voice, staff, head, right) {
  const symbols = line.flatMap((bar) => bar.voices[voice].map((symbol) => {
    symbol.bar = bar;
    symbol.place = bar.xs.get(symbol.at) + (symbol.head === "whole" && symbol.note ? WHOLE_SHIFT : 0);
    symbol.x = symbol.wholeBar ? (bar.x + bar.endX) / 2 : symbol.place + symbol.dx;
    return symbol;
  }));
  for (const symbol of symbols) if (symbol.note && symbol.group?.[0] === symbol) layBeam(symbol.group);
  symbols.forEach((symbol, k) => {
    if (symbol.note) staff.parts.push(drawNote(room, symbol, symbols[k - 1], symbols[k + 1], staff, head, right));
    else if (!symbol.unseen) staff.parts.push(drawRest(symbol, voice, staff));
    if (symbol.group?.at(-1) === symbol) staff.parts.push(drawBeams(symbol.group, voice));
  });
}

function drawNote(room, symbol, before, after, staff, head, right) {
  const {x, y, voice, at, size, sign} = symbol, isMarked = hasAnyIn(room.marked[voice], at, at + size), wide = HEAD_WIDE[symbol.head] / 2;
  const out = [`<g class="note voice${voice}${isMarked ? " marked" : ""}" data-voice="${voice}" data-frame="${at}" data-size="${size}">`];
  out.push(drawLedgers(x, y, wide));
  if (sign) out.push(drawSign(sign, symbol.place + symbol.signX, y, " accidental"));
  out.push(drawGlyph(`head ${symbol.head}`, HEAD_SHAPES[symbol.head], x, y));
  if (symbol.dotted) out.push(drawGlyph("dot", DOT_SHAPE, symbol.place + symbol.dotX, symbol.dotY));
  const tip = drawStem(symbol, out);
  drawTies(symbol, before, after, out, head, right);
  if (isMarked) out.push(`<circle class="ring" cx="${neat(x)}" cy="${neat(y)}" r="${symbol.dotted ? 1.45 : 1.15}"/>`);
  out.push("</g>");
  const reach = isMarked ? 1.6 : 0.5;
  addInk(staff, x - wide - 0.4, x + wide + 0.4, Math.min(y - reach, tip), Math.max(y + reach, tip));
  if (sign) addInk(staff, x - 1.6, x, y - sign.above, y + sign.below);
  if (symbol.group && symbol.group.at(-1) !== symbol) addInk(staff, x, after.x, Math.min(tip, after.tip), Math.max(tip, after.tip));
  return out.join("");
}

function drawLedgers(x, y, wide) {
  const lines = [];
  for (let each = -1; each >= y - 0.01; each--) lines.push(each);
  for (let each = 5; each <= y + 0.01; each++) lines.push(each);
  const path = lines.map((each) => `M${neat(x - wide - 0.35)} ${each}h${neat(2 * wide + 0.7)}`).join("");
  return path && `<path class="line" d="${path}"/>`;
}

// ---------------------------------------------------------------------------------------------- stems, flags and beams

const stemX = (symbol) => symbol.x - symbol.turn * (HEAD_WIDE[symbol.head] - STEM_WIDE) / 2;

function stemLong(symbol) {  // an octave, to the middle line from ledger lines; shorter where it leaves the staff
  const inwards = symbol.turn < 0 ? symbol.y - 2 : 2 - symbol.y, long = STEM_LONG + symbol.lift + (symbol.flags > 1 ? 0.3 : 0);
  if (inwards > long) return inwards;
  return inwards < 0 && !symbol.flags ? Math.max(2.6, long + inwards * 0.25) : long;
}

function drawStem(symbol, out) {  // and flags; where it ends
  const {y, turn} = symbol;
  if (symbol.head === "whole") return y;
  const tip = symbol.group ? symbol.tip : y + turn * stemLong(symbol), x = stemX(symbol) - STEM_WIDE / 2, from = y + turn * 0.16;
  out.push(`<path class="stem" d="${barPath(x, Math.min(from, tip), STEM_WIDE, Math.abs(tip - from))}"/>`);
  if (!symbol.group) for (let flag = 0; flag < symbol.flags; flag++)
    out.push(drawGlyph("flag", symbol.flags > 1 ? LITTLE_FLAG_SHAPE : FLAG_SHAPE, x, tip - turn * 0.85 * flag, turn > 0));
  return tip;
}

function layBeam(group) {  // sets `tip` of each stem: all on a line that leans with the notes, no more than a space
  const [first, last] = [group[0], group.at(-1)], {turn} = first, pick = turn < 0 ? Math.min : Math.max;
  const rise = last.y - first.y, from = stemX(first), wide = stemX(last) - from, nearest = pick(first.y, last.y);
  const isHollow = group.slice(1, -1).some(({y}) => turn < 0 ? y <= nearest : y >= nearest);  // an inner note sticks out
  const lean = isHollow ? 0 : Math.sign(rise) * Math.min(Math.abs(rise) / 2, 1, wide / 4), slope = lean / wide;
  const least = group.some(({flags}) => flags > 1) ? 3.4 : 3.1, isInwards = turn < 0 ? nearest > 2 : nearest < 2;
  let start = (first.y + last.y) / 2 + turn * STEM_LONG - lean / 2;
  for (const symbol of group) start = pick(start, symbol.y + turn * least - slope * (stemX(symbol) - from));
  if (first.solo || isInwards) start = pick(start, 2, 2 - lean);
  for (const symbol of group) symbol.tip = start + slope * (stemX(symbol) - from);
}

function drawBeams(group, voice) {
  const [first, last] = [group[0], group.at(-1)], {turn} = first, half = STEM_WIDE / 2, left = stemX(first), right = stemX(last);
  const slope = (last.tip - first.tip) / (right - left), deep = neat(-turn * BEAM_WIDE);
  const beam = (from, to, depth) => {
    const [a, b] = [from, to].map((x) => neat(first.tip + slope * (x - left) - turn * depth));
    return `M${neat(from)} ${a}L${neat(to)} ${b}v${deep}L${neat(from)} ${neat(a + deep)}Z`;
  };
  let path = beam(left - half, right + half, 0);
  group.forEach((symbol, k) => {
    if (symbol.flags < 2) return;
    const x = stemX(symbol), before = group[k - 1], after = group[k + 1];
    if (after?.flags > 1) path += beam(x - half, stemX(after) + half, BEAM_STEP);
    else if (!(before?.flags > 1))  // alone: a stub, back to what it completes, or on to what completes it
      path += before && (!after || symbol.endsEighth) ? beam(x - STUB, x + half, BEAM_STEP) : beam(x - half, x + STUB, BEAM_STEP);
  });
  return `<path class="beam voice${voice}" d="${path}"/>`;
}

// ---------------------------------------------------------------------------------------------- ties, rests and fermatas

function drawTies(symbol, before, after, out, head, right) {  // to the next value or the system's end, and from its beginning
  const bend = symbol.solo ? -symbol.turn : symbol.turn, isWithStem = bend === symbol.turn && symbol.head !== "whole";
  const byStem = (side) => isWithStem && bend === side ? 0.78 : 0.45;  // where it leaves room for a stem on that side
  const y = symbol.y + bend * (isWithStem && bend < 0 ? 0.45 : 0.62);
  if (symbol.tied) {
    const aside = hasFlag(symbol, -1) && bend < 0 ? 1.55 : byStem(-1), to = after ? after.x - byStem(1) : right - 0.1;
    const from = Math.max(symbol.dotted ? symbol.place + symbol.dotX + 0.35 : 0, symbol.x + aside);
    out.push(`<path class="tie" d="${tiePath(from, Math.max(to, from + 0.8), y, bend)}"/>`);
  }
  if (symbol.heldOver && !before)
    out.push(`<path class="tie" d="${tiePath(Math.min(head - 0.3, symbol.x - 1.8), symbol.x - 0.45, y, bend)}"/>`);
}

function drawRest(symbol, voice, staff) {
  const name = symbol.shared ? "" : ` voice${voice}`, {x, y} = symbol, value = restValue(symbol), [above, below] = REST_REACH[value];
  addInk(staff, x - 1, x + 1, y - above, y + below);
  return drawRestShape(value, name, x, y) + (symbol.dotted ? drawGlyph(`dot${name}`, DOT_SHAPE, x + 0.95, y - 0.5) : "");
}

function drawRestShape(value, name, x, y) {  // those that hang on a line bring one where there is none
  const line = value === 16 ? y - 1 : y, isOutside = value > 4 && (line < 0 || line > 4);
  return drawGlyph(`rest${name}`, REST_SHAPES[value], x, y) + (isOutside ? `<path class="line" d="M${neat(x - 1)} ${line}h2"/>` : "");
}

function drawFermatas(room, line, staff) {  // above all that the upper staff has there
  const voice = room.staves[0][0];
  for (const bar of line) {
    if (!hasAnyIn(room.held, bar.first, bar.end)) continue;
    const found = (bar.voices[voice] || []).filter(({at, size}) => hasAnyIn(room.held, at, at + size));
    for (const x of found.length ? found.map((symbol) => symbol.x) : [(bar.x + bar.endX) / 2]) {
      let y = -0.3;
      for (let bin = Math.floor((x - 1.4) / INK_BIN); bin <= (x + 1.4) / INK_BIN; bin++) y = Math.min(y, staff.high[bin] ?? 0);
      staff.parts.push(drawGlyph("fermata", FERMATA_SHAPE, x, y - 0.55));
      addInk(staff, x - 1.4, x + 1.4, y - 2.05, y);
    }
  }
}
