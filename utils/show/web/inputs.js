"use strict";
// The outline and the cells of a piece -> the numbers that the network reads, as utils/nets/infill_inputs.py has it.

const LOW = -36, SPAN = 72, VOCAB = 2 + SPAN, HOLD = 0, NO_NOTE = 1, HOMES = 54, MIDDLE = 60;
const ORDER = [0, 3, 1, 2], NEAR = 49, FAR = 97, CENTRE = 24, SOON = 8, BAR_PLACES = 24, FERMATA = 26, SINCE = 13;
const LEFT = 34, OCTAVE = 12, NEVER = -1e9, EACH = SPAN + 12 + 3;
const DISTANCES = [1, 2, 3, 4, 5, 7, 9, 13, 17, 33], NOTE_AGES = [1, 2, 3, 4, 6, 8, 12, 16];
const MOTIONS = [0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5];
const OUTLINE = [BAR_PLACES + 1, BAR_PLACES + 1, 6, FERMATA + 1, SINCE + 1, LEFT + 1, MOTIONS.length + 2, 3, 14];
const PAIRS = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]];
const SEEN = 4 * EACH + 12 * PAIRS.length + 4;
const LINE_PARTS = [NEAR, NOTE_AGES.length + 1, DISTANCES.length + 1, NEAR, 12, DISTANCES.length + 1, NEAR, 12];
const LINES = 4 * LINE_PARTS.reduce((a, b) => a + b);

function classOf(edges, value) {  // numpy.searchsorted(edges, value, "right")
  let found = 0;
  while (found < edges.length && edges[found] <= value) found++;
  return found;
}

const homeOf = (form) => form.tonic === null ? MIDDLE : HOMES + modulo(form.tonic - HOMES, 12);

function planOf(form, frames) {  // infill_inputs.plan: for each frame nine numbers
  const rows = [], marks = form.fermatas === null ? [] : [...form.fermatas].sort((a, b) => a - b);
  for (let now = 0; now < frames; now++) {
    const row = OUTLINE.map((size) => size - 1);
    if (form.upbeat !== null) {
      const bar = form.bar, place = modulo(now - form.upbeat, bar);
      const halves = place * 2 === bar && Math.floor(bar / form.beat) % 2 === 0;
      row[0] = Math.min(place, BAR_PLACES - 1);
      row[1] = Math.min(bar - place, BAR_PLACES) - 1;
      row[2] = place === 0 ? 0 : halves ? 1 : place % form.beat === 0 ? 2 : place % 2 === 0 ? 3 : 4;
    }
    if (form.fermatas !== null) {
      const next = marks.find((mark) => mark >= now), last = marks.filter((mark) => mark <= now).pop();
      row[3] = next === undefined ? FERMATA - 1 : Math.min((next - now + 1) >> 1, FERMATA - 1);
      row[4] = last === undefined ? SINCE - 1 : Math.min((now - last) >> 1, SINCE - 1);
    }
    if (form.length !== null) row[5] = clip((form.length - 1 - now) >> 1, 0, LEFT - 1);
    if (form.motion !== null) row[6] = MOTIONS.filter((motion) => motion < form.motion).length;
    if (form.mode !== null) row[7] = form.mode === "minor" ? 1 : 0;
    if (form.tonic !== null) row[8] = homeOf(form) - HOMES;
    rows.push(row);
  }
  return rows;
}

function read(cells, known, form) {  // infill_inputs.read of one piece: cells and known, arrays of frames of four
  const frames = cells.length, home = homeOf(form), four = () => new Int32Array(4 * frames);
  const piece = {frames, home, plan: planOf(form, frames), pitch: four(), struck: four(), given: four(), must: four(),
    soon: four(), soonFar: four(), nextPitch: four(), nextFar: four(), thenPitch: four(), thenFar: four()};
  for (let voice = 0; voice < 4; voice++) {
    let before = 0;
    for (let now = 0; now < frames; now++) {
      const cell = cells[now][voice], at = 4 * now + voice;
      const pitch = cell < 0 ? 0 : clip(cell % HELD - home - LOW + 1, 1, SPAN);
      piece.pitch[at] = pitch;
      piece.given[at] = known[now][voice] ? 1 : 0;
      piece.struck[at] = pitch > 0 && !(cell >= HELD && before === pitch) ? 1 : 0;
      before = pitch;
    }
    let one = 0, farOne = 0, two = 0, farTwo = 0;
    for (let now = frames - 1; now >= 0; now--) {
      const at = 4 * now + voice;
      if (one && farOne <= SOON) { piece.soon[at] = one; piece.soonFar[at] = farOne; }
      piece.nextPitch[at] = one; piece.nextFar[at] = classOf(DISTANCES, farOne);
      piece.thenPitch[at] = two; piece.thenFar[at] = classOf(DISTANCES, farTwo);
      if (piece.struck[at] && piece.given[at]) { two = one; farTwo = farOne; one = piece.pitch[at]; farOne = 0; }
      if (one) farOne++;
      if (two) farTwo++;
      const held = now + 1 < frames && piece.given[at + 4] && piece.pitch[at + 4] && !piece.struck[at + 4];
      if (held && !piece.given[at]) piece.must[at] = piece.pitch[at + 4];
    }
  }
  return piece;
}

// Names the ones among the numbers that spell a frame, as infill_numpy.see: into `rows`, returns how many. `at` is the
// place of the frame's first voice in pitch and struck; seen says of each voice whether it is to be read.
function see(rows, pitch, struck, seen, at) {
  let count = 0;
  for (let voice = 0; voice < 4; voice++) {
    const mine = pitch[at + voice], start = EACH * voice;
    rows[count++] = SEEN - 4 + voice;
    if (!seen[voice]) continue;
    rows[count++] = start + SPAN + 13;
    if (mine > 0) {
      rows[count++] = start + mine - 1;
      rows[count++] = start + SPAN + modulo(mine - 1 + LOW, 12);
    } else rows[count++] = start + SPAN + 14;
    if (struck[at + voice]) rows[count++] = start + SPAN + 12;
  }
  for (let number = 0; number < PAIRS.length; number++) {
    const [a, b] = PAIRS[number], high = pitch[at + a], low = pitch[at + b];
    if (high > 0 && low > 0 && seen[a] && seen[b]) rows[count++] = 4 * EACH + 12 * number + modulo(high - low, 12);
  }
  return count;
}

function blankHidden(cells, known) {  // infill_numpy._prepare: hidden cells are silent, a given note may begin in one
  const blank = cells.map((row, now) => row.map((cell, voice) => known[now][voice] ? cell : -1));
  for (let now = 0; now + 1 < cells.length; now++)
    for (let voice = 0; voice < 4; voice++)
      if (!known[now][voice] && known[now + 1][voice] && blank[now + 1][voice] >= HELD) blank[now][voice] = blank[now + 1][voice];
  return blank;
}
