"use strict";
// Cells, as utils/music/voices.py has them: -1 is a rest, a MIDI pitch is struck, a pitch + HELD goes on. A piece's cells are
// frames of four. A score is {cells, metre: [4, 4], upbeat, tonic, mode, fermatas, tempo, title}: upbeat and fermatas in
// frames, which are sixteenths, tempo in quarter notes per minute.

const HELD = 128, MOST_FRAMES = 16 * 400;
const RANGES = [[57, 81], [53, 74], [48, 69], [36, 64]];
const VOICES = ["Soprano", "Alto", "Tenor", "Bass"];

const modulo = (a, b) => ((a % b) + b) % b;
const clip = (x, low, high) => x < low ? low : x > high ? high : x;
const pitchOf = (cell) => cell < 0 ? -1 : cell % HELD;

function random(seed) {  // mulberry32: numbers from 0 to 1, the same for the same seed
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6D2B79F5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function notesOf(cells, voice) {  // [{start, length, pitch}] of a voice, in sixteenths
  const found = [];
  cells.forEach((row, now) => {
    const cell = row[voice];
    if (cell < 0) return;
    if (cell < HELD || !found.length || found.at(-1).start + found.at(-1).length !== now) found.push({start: now, length: 1, pitch: cell % HELD});
    else found.at(-1).length++;
  });
  return found;
}

const barFrames = ([beats, unit]) => beats * 16 / unit;
const barNumber = (frame, {upbeat, metre}) => Math.floor((frame - upbeat) / barFrames(metre)) + 1;  // 0 is the upbeat

function barsOf(score) {  // [[first frame, end]] of each bar
  const bar = barFrames(score.metre), found = [];
  for (let start = score.upbeat ? score.upbeat - bar : 0; start < score.cells.length; start += bar)
    found.push([Math.max(start, 0), Math.min(start + bar, score.cells.length)]);
  return found;
}

function spansIn(notes, first, end, next = 0) {  // what a voice does in a bar, from its note number `next`: [[from, to, note]], null for a rest
  const found = [];
  let now = first;
  for (let k = next; k < notes.length && notes[k].start < end; k++) {
    const from = Math.max(notes[k].start, first), to = Math.min(notes[k].start + notes[k].length, end);
    if (from > now) found.push([now, from, null]);
    found.push([from, to, notes[k]]);
    now = to;
  }
  if (now < end) found.push([now, end, null]);
  return found;
}

function passed(notes, next, first) {  // the number of the first note, from `next` on, that has not ended before a frame
  while (next < notes.length && notes[next].start + notes[next].length <= first) next++;
  return next;
}

function interpolated(x, from, to) {  // as numpy.interp
  if (x >= from.at(-1)) return to.at(-1);
  let low = 0, high = from.length - 1;
  while (high - low > 1) { const middle = (low + high) >> 1; if (from[middle] <= x) low = middle; else high = middle; }
  return to[low] + (to[high] - to[low]) * clip((x - from[low]) / (from[high] - from[low]), 0, 1);
}
