"use strict";
// What stands in the bars of a score before anything has its place across: each voice's notes and rests, cut into written
// values, with their heights, signs, stems and beams, and how much room each moment needs. Unit: a space of the staff,
// y = 0 on its top line. For what a score is see cells.js.

const STAFF_OF = [0, 0, 1, 1], TOP_STEPS = [38, 26];  // of each voice its staff; F5 and A3 on the top lines, C4 = 28
const STEM_LONG = 3.5, HEAD_ASIDE = 1.1, SIGN_GAP = 0.24, STEM_WIDE = 0.12;

const stepOf = ([step, , octave]) => 7 * octave + "CDEFGAB".indexOf(step);
const headKind = (size) => size >= 16 ? "whole" : size >= 8 ? "half" : "black";
const isDotted = (size) => size % 3 === 0;
const flagsOf = (size) => size >= 4 ? 0 : size >= 2 ? 1 : 2;
const hasFlag = (symbol, turn) => symbol.flags > 0 && !symbol.group && symbol.turn === turn;
const restValue = (rest) => rest.wholeBar ? 16 : 2 ** Math.floor(Math.log2(rest.size));
const isOnLine = (y) => Math.abs(y - Math.round(y)) < 0.01;

function standingIn(score, bars) {  // {voices: which sound at all, staves: of each the voices drawn, bars: of each what stands in it}
  const signature = SIGNATURES[score.mode || "major"][score.tonic ?? 0];
  const notes = [0, 1, 2, 3].map((voice) => notesOf(score.cells, voice)), next = [0, 0, 0, 0];
  const staves = [0, 1].map((staff) => [0, 1, 2, 3].filter((voice) => STAFF_OF[voice] === staff && notes[voice].length));
  const found = bars.map(([first, end], number) => {
    const voices = notes.map((line, voice) => {
      if (!line.length) return [];
      next[voice] = passed(line, next[voice], first);
      return symbolsIn(score, line, next[voice], voice, first, end);
    });
    staves.forEach((drawn, staff) => {
      const solo = drawn.length < 2, symbols = drawn.flatMap((voice) => voices[voice]);
      addHeights(symbols, staff, signature);
      addSigns(symbols, signature);
      drawn.forEach((voice) => addStems(voices[voice], solo ? 0 : voice % 2 ? 1 : -1));
      if (solo) symbols.forEach((symbol) => { symbol.solo = true; });
      else placeRests(voices[drawn[0]], voices[drawn[1]]);
    });
    return {first, end, number: score.upbeat ? number : number + 1, voices, columns: columnsOf(voices, staves, first, end)};
  });
  return {signature, staves, bars: found};
}

function symbolsIn(score, line, from, voice, first, end) {  // a voice's notes and rests in a bar, of one written value each
  const bar = barFrames(score.metre), beam = score.metre[1] === 2 ? 8 : beatOf(score.metre), found = [];
  for (const [start, stop, note] of spansIn(line, first, end, from)) {
    let at = start;
    const place = modulo(start - score.upbeat, bar), isWhole = !note && stop - start === bar;
    for (const size of isWhole ? [bar] : writtenValues(place, stop - start, score.metre, !note)) {
      found.push({at, size, note, voice, head: headKind(size), dotted: isDotted(size) && !isWhole, flags: flagsOf(size), wholeBar: isWhole,
        dx: 0, tied: Boolean(note) && at + size < note.start + note.length, heldOver: Boolean(note) && at > note.start,
        endsEighth: modulo(at + size - score.upbeat, 2) === 0, beat: Math.floor(modulo(at - score.upbeat, bar) / beam)});
      at += size;
    }
  }
  return found;
}

function addHeights(symbols, staff, signature) {
  for (const symbol of symbols) {
    if (!symbol.note) { symbol.y = 2; continue; }
    symbol.spelled = spelled(symbol.note.pitch, signature);
    symbol.y = (TOP_STEPS[staff] - stepOf(symbol.spelled)) / 2;
  }
}

function addSigns(symbols, signature) {  // which notes of a staff's bar need an accidental: once in a bar, and not where a tie comes in
  const heard = new Map(), carried = new Map();
  const inKey = (step) => {
    const fifth = "FCGDAEB".indexOf(step);
    return signature > fifth ? 1 : signature < 0 && 6 - fifth < -signature ? -1 : 0;
  };
  for (const symbol of [...symbols].sort((a, b) => a.at - b.at || a.voice - b.voice)) {
    if (!symbol.note) continue;
    const [step, alter, octave] = symbol.spelled, place = step + octave;
    if (symbol.heldOver) { if (!heard.has(place)) carried.set(place, alter); continue; }
    const usual = heard.has(place) ? heard.get(place) : inKey(step);
    if (alter !== usual || !heard.has(place) && carried.has(place) && carried.get(place) !== alter) symbol.sign = SIGN_SHAPES[alter];
    heard.set(place, alter);
  }
}

function addStems(symbols, way) {  // way: -1 all up, 1 all down, 0 by height; joins what is shorter than a quarter within a beat
  let group = [];
  const close = () => {
    if (!group.length) return;
    const low = Math.max(...group.map(({y}) => y)), high = Math.min(...group.map(({y}) => y));
    const turn = way || (low - 2 > 2 - high ? -1 : 1);
    for (const symbol of group) symbol.turn = turn;
    if (group.length > 1) for (const symbol of group) symbol.group = group;
    group = [];
  };
  for (const symbol of symbols) {
    if (!symbol.note) { close(); continue; }
    if (!symbol.flags || group.length && group[0].beat !== symbol.beat) close();
    group.push(symbol);
    if (!symbol.flags) close();
  }
  close();
}

function placeRests(upper, lower) {  // rests of two voices in a staff: one for both, else each on its side of the other's notes
  const twin = new Map(lower.filter(({note}) => !note).map((rest) => [`${rest.at} ${rest.size}`, rest]));
  for (const rest of upper) {
    const other = rest.note ? null : twin.get(`${rest.at} ${rest.size}`);
    if (!other) continue;
    rest.shared = true;
    other.unseen = true;
  }
  [[upper, lower, -1], [lower, upper, 1]].forEach(([mine, others, side]) => {
    for (const rest of mine) {
      if (rest.note || rest.shared || rest.unseen) continue;
      const [above, below] = REST_REACH[restValue(rest)];
      rest.y = 2 + side * 2;
      for (const other of others) {
        if (!other.note || other.at >= rest.at + rest.size || other.at + other.size <= rest.at) continue;
        const sign = other.at === rest.at && other.sign, clear = side < 0 ? below + (sign?.above ?? 1) : above + (sign?.below ?? 1);
        const edge = other.y + side * clear;
        rest.y = side < 0 ? Math.min(rest.y, Math.floor(edge)) : Math.max(rest.y, Math.ceil(edge));
      }
    }
  });
}

function columnsOf(voices, staves, first, end) {  // [{at, left, right}] of each moment: room to each side of its place, by staff
  const moments = new Map([[first, [[], []]]]);
  for (const symbol of voices.flat()) {
    if (!moments.has(symbol.at)) moments.set(symbol.at, [[], []]);
    moments.get(symbol.at)[STAFF_OF[symbol.voice]].push(symbol);
  }
  const ordered = [...moments].sort((a, b) => a[0] - b[0]);
  return ordered.map(([at, both], k) => {
    const reaches = both.map(arrangeMoment);
    return {at, long: (ordered[k + 1]?.[0] ?? end) - at, left: reaches.map(([left]) => left), right: reaches.map(([, right]) => right)};
  });
}

function arrangeMoment(symbols) {  // what begins together in a staff: sets dx, signX, dotX and dotY; [room to the left, to the right]
  const notes = symbols.filter(({note}) => note), rests = symbols.filter((each) => !each.note && !each.unseen && !each.wholeBar);
  if (notes.length === 2) moveApart(...notes);
  const edges = notes.map((each) => HEAD_WIDE[each.head] / 2);
  const from = Math.min(...notes.map(({dx}, k) => dx - edges[k])), to = Math.max(...notes.map(({dx}, k) => dx + edges[k]));
  let left = notes.length ? -from : 0, right = notes.length ? to : 0;
  const isNear = notes.length === 2 && Math.abs(notes[0].y - notes[1].y) <= 1;
  notes.forEach((each, k) => {
    placeDot(each, notes[1 - k], isNear ? to : each.dx + edges[k]);
    const isOver = isNear && notes[1 - k].dx > each.dx;  // a flag is lifted off a dot or a head that is under it
    each.lift = !hasFlag(each, -1) ? 0 : each.dotted ? 0.9 : isOver ? 0.6 : 0;
    const ledger = each.y < -0.9 || each.y > 4.9 ? 0.35 : 0;
    [left, right] = [Math.max(left, edges[k] - each.dx + ledger), Math.max(right, each.dx + edges[k] + ledger)];
    const tie = each.dotted || hasFlag(each, -1) ? 2.4 : 1.5;
    right = Math.max(right, each.dotted ? each.dotX + 0.2 : 0, hasFlag(each, -1) ? each.dx + 1.6 : 0, each.tied ? each.dx + tie : 0);
  });
  for (const {dotted} of rests) [left, right] = [Math.max(left, 0.6), Math.max(right, dotted ? 1.2 : 0.65)];
  return [placeSigns(notes, -left), right];
}

function moveApart(upper, lower) {  // two heads in one moment: which of them moves aside, and how far
  const apart = Math.round(2 * (lower.y - upper.y)), wide = (HEAD_WIDE[upper.head] + HEAD_WIDE[lower.head]) / 2;
  const isAlike = upper.head === lower.head && upper.dotted === lower.dotted && upper.spelled[1] === lower.spelled[1];
  const beside = hasFlag(lower, 1) ? 1.4 : 0;  // of crossed voices, the upper one's head stands clear of the other's flag
  if (apart === 1) lower.dx = HEAD_ASIDE + wide - 1.22;
  else if (apart === 0 && !isAlike) lower.dx = wide + 0.06;
  else if (apart === 0) lower.sharesHead = true;
  else if (apart === -1) upper.dx = Math.max(beside, wide + 0.06);
  else if (apart < -1) upper.dx = beside || 0.5;  // each stem passes the other's head
}

function placeDot(symbol, other, edge) {
  if (!symbol.dotted) return;
  symbol.dotX = edge + 0.42;
  const goesDown = !symbol.solo && symbol.turn > 0 && !symbol.sharesHead && other;
  symbol.dotY = symbol.y + (isOnLine(symbol.y) ? goesDown ? 0.5 : -0.5 : 0);
  if (other?.dotted && other.dotY === symbol.dotY && !symbol.sharesHead) symbol.dotY += 1;
}

function placeSigns(notes, edge) {  // accidentals from the top, each left of those it would touch; the room that is needed
  const placed = [];
  for (const note of notes.filter(({sign}) => sign).sort((a, b) => a.y - b.y)) {
    let right = edge - SIGN_GAP;
    for (const {y, sign, signX} of placed)
      if (note.y - note.sign.above < y + sign.below - 0.1) right = Math.min(right, signX - sign.wide - 0.14);
    note.signX = right - note.sign.wide;
    placed.push(note);
  }
  return -Math.min(edge, ...placed.map(({signX, sign}) => signX - sign.wide));
}
