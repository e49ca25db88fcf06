"use strict";
// What a musician hears in a tune alone, as utils/music/ear.py has it: its key, its metre and upbeat, and where its phrases
// end. `learned` is what data/ear.json holds. A line is {start, end, pitch, frames}: arrays with a number for each note, in
// frames, and where the music ends. For cells see cells.js.

const KEY_PROFILES = [  // how much a major and a minor key expects of each semitone above its tonic, as keys.PROFILES
  [17.7661, 0.145624, 14.9265, 0.160186, 19.8049, 11.3587, 0.291248, 22.062, 0.145624, 8.15494, 0.232998, 4.95122],
  [18.2648, 0.737619, 14.0499, 16.8599, 0.702494, 14.4362, 0.702494, 18.6161, 4.56621, 1.93186, 7.37619, 1.75623]];
const HEARD_METRES = [[4, 4], [3, 4], [6, 8]], UPBEAT_STEP = 2, LISTEN = 400;  // frames
const LONGEST_PHRASE = 40, TRUST = 0.7, MORE_ENDS = 1.5, SINGS_FROM = 60, SINGS_TO = 79;

const sumOf = (values) => values.reduce((a, b) => a + b, 0);
const meanOf = (values) => values.length ? sumOf(values) / values.length : 0;
const spreadOf = (values) => { const middle = meanOf(values); return Math.sqrt(meanOf(values.map((value) => (value - middle) ** 2))); };
const dotOf = (values, weights) => values.reduce((sum, value, k) => sum + value * weights[k], 0);
const mostOf = (values) => values.reduce((best, value, k) => value > values[best] ? k : best, 0);  // the place of the first largest
const rounded = (x) => Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);  // halves to the even number, as numpy.rint

function lineOf(cells, voice = 0) {  // one voice of a piece
  const line = {start: [], end: [], pitch: [], frames: cells.length};
  cells.forEach((row, now) => {
    const cell = row[voice], open = line.end.length < line.start.length;
    if (open && cell < HELD) line.end.push(now);
    if (cell >= 0 && cell < HELD) {
      line.start.push(now);
      line.pitch.push(cell);
    }
  });
  if (line.end.length < line.start.length) line.end.push(cells.length);
  if (!line.start.length) throw new Error("There is no note in this tune: choose a file or a part with notes.");
  return line;
}

// ---------------------------------------------------------------------------------------------- key

function agreementOf(sounding) {  // how long each pitch class sounds -> how well each key agrees: twelve major, twelve minor
  const middle = meanOf(sounding), found = [];
  for (const profile of KEY_PROFILES)
    for (let tonic = 0; tonic < 12; tonic++)
      found.push(sumOf(sounding.map((time, note) => (time - middle) * profile[modulo(note - tonic, 12)])) / spreadOf(profile));
  return found;
}

// The key: how long each pitch class sounds, and above all how the tune ends -> {tonic, mode}. sharps: of the signature in a
// file, which then counts as much as a last note on the tonic; null where there is none, or the empty one.
function keyOf(line, learned, sharps = null) {
  const sounding = Array(12).fill(0);
  line.pitch.forEach((pitch, note) => { sounding[pitch % 12] += line.end[note] - line.start[note]; });
  const scale = 12 * Math.max(spreadOf(sounding), 1e-9);
  const odds = agreementOf(sounding).map((agreement, key) => {
    const major = key < 12, third = major ? 4 : 3;
    const stands = [line.pitch.at(-1), line.pitch[0]].map((pitch) => modulo(pitch - key, 12));
    const degrees = stands.flatMap((degree) => [degree === 0, degree === third, degree === 7]);
    return dotOf([agreement / scale, ...degrees, major], learned.key);
  });
  if (sharps !== null) for (const key of signedKeys(sharps)) odds[key] += learned.key[1];
  return keyNumbered(mostOf(odds));
}

const signedKeys = (sharps) => [modulo(7 * sharps, 12), 12 + modulo(7 * sharps + 9, 12)];  // the major and the minor key
const keyNumbered = (key) => ({tonic: key % 12, mode: key < 12 ? "major" : "minor"});

function keyOfAll(cells) {  // of several voices, by all of their notes: keys.find
  const sounding = Array(12).fill(0);
  for (const row of cells) for (const cell of row) if (cell >= 0) sounding[pitchOf(cell) % 12]++;
  return keyNumbered(mostOf(agreementOf(sounding)));
}

// ---------------------------------------------------------------------------------------------- metre

const phraseBeat = ([beats, unit]) => unit === 8 && beats % 3 === 0 && beats > 3 ? 6 : 4;  // frames of what is counted as a beat

function metreOf(line, learned, metres = HEARD_METRES) {  // metre and upbeat, where a file says nothing of them
  const upbeats = ([beats, unit]) => Array.from({length: beats * 16 / unit / UPBEAT_STEP}, (_, k) => k * UPBEAT_STEP);
  const ways = metres.flatMap((metre) => upbeats(metre).map((upbeat) => ({metre, upbeat}))), heard = rhythmOf(line);
  return ways[mostOf(ways.map((way) => dotOf(metreFeatures(heard, way), learned.metre)))];
}

function rhythmOf(line) {  // what is the same for every way of barring a tune
  const count = line.start.filter((start) => start < LISTEN).length, start = line.start.slice(0, count);
  const end = line.end.slice(0, count).map((frame) => Math.min(frame, LISTEN));
  const length = start.map((frame, note) => Math.min((note + 1 < count ? start[note + 1] : end.at(-1)) - frame, 8));
  const rhythm = Array(Math.min(line.frames, LISTEN) + 1).fill(0), total = sumOf(length);
  start.forEach((frame, note) => { rhythm[frame] = length[note]; });
  const middle = meanOf(rhythm), level = rhythm.map((value) => value - middle), power = dotOf(level, level);
  const again = (lag) => lag < level.length ? sumOf(level.slice(lag).map((value, k) => value * level[k])) / power : 0;
  return {start, end, length, share: length.map((each) => each / total), again};
}

function metreFeatures({start, end, length, share, again}, {metre, upbeat}) {  // ear.OF_METRE
  const strength = strengthsOf(metre), bar = strength.length, stands = start.map((frame) => strength[modulo(frame - upbeat, bar)]);
  const number = (frame) => Math.floor((frame - upbeat) / bar), long = stands.filter((_, note) => length[note] >= 6);
  const across = start.map((frame, note) => number(frame) !== number(Math.min(frame + length[note], end[note]) - 1));
  return [...[4, 3, 2, 1].map((each) => sumOf(share.map((value, note) => stands[note] === each ? value : 0))),
    ...[4, 3, 2, 1].map((each) => stands.filter((value) => value === each).length / stands.length),
    across.filter(Boolean).length / across.length, stands.at(-1) === 4, stands.at(-1) === 3, upbeat > 0, upbeat === 4,
    String(metre) === "3,4", long.length ? meanOf(long) : 2, again(bar), again(2 * bar), again(4 * bar)];
}

// ---------------------------------------------------------------------------------------------- phrases

function endFeatures(line, upbeat, bar, beat) {  // of each note as the end of a phrase: ear.OF_END
  const {start, end, pitch} = line, count = start.length, own = [0];
  for (let note = 0; note < count; note++) own.push(own[note] + end[note] - start[note]);
  return start.map((frame, note) => {
    const next = note + 1 < count ? start[note + 1] : line.frames + beat, length = next - frame, first = Math.max(note - 4, 0);
    const before = note ? (own[note] - own[first]) / Math.max(note - first, 1) : beat, place = modulo(frame - upbeat, bar);
    const leap = note + 1 < count ? Math.abs(pitch[note + 1] - pitch[note]) : 0, step = note ? pitch[note] - pitch[note - 1] : 0;
    return [1, Math.min(length / beat, 4), Math.min(length / Math.max(before, 1), 4), next > end[note], note === count - 1,
      place % beat === 0, modulo(next - start[0], bar) === 0, place === 0, place === Math.floor(bar / 2), leap > 4,
      [-2, -1, 1].includes(step)];
  });
}

// The frames on which the last notes of phrases begin: the likeliest division of a tune, from its notes and from phrases'
// lengths. upbeat, bar, beat: frames; beat as `phraseBeat`. The last note is always one.
function phraseEndsOf(line, upbeat, bar, beat, learned) {
  const odds = endFeatures(line, upbeat, bar, beat).map((found) => dotOf(found, learned.end)), count = odds.length;
  const usual = learned.lengths.map((length) => TRUST * length + MORE_ENDS), after = [...line.start.slice(1), line.frames];
  const best = new Float64Array(count), back = new Int32Array(count), chosen = [];
  for (let last = 0; last < count; last++) {
    let most = -Infinity;
    for (let before = 0; before <= last; before++) {  // of so many notes the phrases before this one
      if (before === last && last) break;  // one note alone is no phrase
      const from = before ? after[before - 1] : line.start[0];
      const beats = Math.min(rounded((after[last] - from) / beat), LONGEST_PHRASE);
      const total = last ? (before ? best[before - 1] : 0) + usual[beats] : 0;
      if (total > most + 1e-9) { most = total; back[last] = before - 1; }
    }
    best[last] = odds[last] + most;
  }
  for (let note = count - 1; note >= 0; note = back[note]) chosen.unshift(line.start[note]);
  return chosen;
}

// ---------------------------------------------------------------------------------------------- range

function intoRange(cells) {  // the top voice moved by octaves to where a soprano sings: {cells, octaves}
  const {pitch} = lineOf(cells), low = Math.min(...pitch), high = Math.max(...pitch);
  const outside = (shift) => sumOf(pitch.map((each) => Math.max(0, SINGS_FROM - each - shift) + Math.max(0, each + shift - SINGS_TO)));
  const there = [0, 12, -12, 24, -24, 36, -36, 48, -48].filter((shift) => low + shift >= 0 && high + shift < HELD);
  const shift = there.reduce((best, each) => outside(each) < outside(best) ? each : best);
  return {cells: cells.map(([cell, ...others]) => [cell < 0 ? cell : cell + shift, ...others]), octaves: shift / 12};
}
