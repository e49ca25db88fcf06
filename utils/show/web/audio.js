"use strict";
// A performance by the rules of utils/sound/expression.py, its asynchrony left out, and the additive piano of
// utils/sound/tones.py. Seconds and quarter notes; a sixteenth is a quarter of a quarter note.

const CLOCK_STEP = 1 / 8, HELD_LONGER = 0.5, BREATH_SECONDS = 0.22, ARC_TEMPO = 0.06, ARC_VELOCITY = 12, SLOWING = 0.12;
const SLOWING_QUARTERS = 2, LAST_SLOWING = 0.5, LAST_QUARTERS = 6, ACCENTS = [-3, -1, 1, 3, 5], BALANCE = [7, -6, -6, 0];
const DETACHED = 0.2, DETACHED_SECONDS = 0.08, LEAD_SECONDS = 0.012, VELOCITY = 90, LOWEST_TONE = 33, NUM_TONES = 51;

function performed(score, depth = 1) {  // {notes: [{start, end, pitch, velocity, voice}], edges, seconds}, all in seconds
  const all = VOICES.flatMap((_, voice) => notesOf(score.cells, voice).map(({start, length, pitch}) =>
    ({from: start / 4, to: (start + length) / 4, pitch, voice})));
  if (!all.length) return {notes: [], edges: [0], seconds: [0]};
  const end = Math.max(...all.map((note) => note.to)), top = all.filter((note) => note.voice === 0);
  const phrases = phrasesOf(top.length ? top : all, end, score.fermatas.map((frame) => frame / 4));
  const [edges, seconds] = clockOf(phrases, depth, score.tempo);
  const at = (quarter) => interpolated(quarter, edges, seconds), bar = score.metre[0] * 4 / score.metre[1];
  const strengths = strengthsOf(score.metre);
  const notes = all.map((note) => {
    const place = modulo(Math.round((note.from - score.upbeat / 4) * 4), Math.round(bar * 4));
    const loud = ACCENTS[strengths[place]] + BALANCE[note.voice] + ARC_VELOCITY * (1 / 3 - arcOf(note.from, phrases));
    const breath = phrases.slice(0, -1).some((phrase) => phrase.held && Math.abs(note.to - phrase.stop) < 1e-6);
    return {start: at(note.from) + depth * (note.voice ? LEAD_SECONDS : 0), end: at(note.to) - depth * BREATH_SECONDS * breath,
      pitch: note.pitch, voice: note.voice, from: note.from, to: note.to, velocity: clip(Math.round(VELOCITY + depth * loud), 35, 112)};
  });
  for (const note of notes)
    if (notes.some((next) => next.voice === note.voice && next.pitch === note.pitch && Math.abs(next.from - note.to) < 1e-6))
      note.end -= depth * Math.min(DETACHED * (note.end - note.start), DETACHED_SECONDS);
  return {notes: notes.sort((a, b) => a.start - b.start), edges, seconds};
}

function phrasesOf(top, end, fermatas) {
  const found = [];
  let start = 0;
  for (const mark of fermatas.sort((a, b) => a - b)) {
    const under = top.filter((note) => note.from <= mark + 1e-6 && note.to > mark + 1e-6).pop();
    if (under && under.to > start) {
      found.push({start, last: under.from, stop: under.to, held: 1});
      start = under.to;
    }
  }
  if (start < end - 1e-6) found.push({start, last: Math.max(start, ...top.map((note) => note.from)), stop: end, held: 0});
  return found;
}

function arcOf(quarter, phrases) {
  const phrase = phrases.find((each) => quarter < each.stop) || phrases.at(-1);
  return (2 * clip((quarter - phrase.start) / (phrase.stop - phrase.start), 0, 1) - 1) ** 2;
}

function clockOf(phrases, depth, tempo) {
  const end = phrases.at(-1).stop, edges = [];
  for (let at = 0; at < end - 1e-9; at += CLOCK_STEP) edges.push(at);
  edges.push(end);
  const lengths = edges.slice(1).map((edge, k) => {
    const middle = (edge + edges[k]) / 2;
    let slow = 1 + depth * ARC_TEMPO * (arcOf(middle, phrases) - 1 / 3);
    for (const {last, stop, held} of phrases) {
      if (middle > last - SLOWING_QUARTERS && middle < stop)
        slow *= 1 + depth * SLOWING * Math.min((middle - last) / SLOWING_QUARTERS + 1, 1);
      if (middle > last && middle < stop) slow *= 1 + depth * HELD_LONGER * held;
    }
    const {last, held} = phrases.at(-1);
    slow *= 1 + depth * LAST_SLOWING * clip((middle - last) / LAST_QUARTERS + 1, 0, held && middle > last ? 0 : 1) ** 2;
    return (edge - edges[k]) * 60 / tempo * slow;
  });
  for (const {stop, held} of phrases.slice(0, -1))
    lengths[Math.max(0, edges.findIndex((edge) => edge >= stop - 1e-6) - 1)] += depth * BREATH_SECONDS * held;
  const seconds = [0];
  for (const length of lengths) seconds.push(seconds.at(-1) + length);
  return [edges, seconds];
}

function toneOf(piano, pitch, rate, seconds = 4) {  // Float32Array: a held note of the additive piano
  while (pitch < LOWEST_TONE) pitch += 12;
  while (pitch >= LOWEST_TONE + NUM_TONES) pitch -= 12;
  const row = pitch - LOWEST_TONE, decays = piano.decays, partials = piano.hz.length / NUM_TONES, wave = new Float32Array(Math.round(seconds * rate));
  for (let partial = 0; partial < partials; partial++) {
    const hz = piano.hz[row * partials + partial];
    if (!hz) continue;
    const turn = 2 * Math.PI * hz / rate, cos = Math.cos(turn), sin = Math.sin(turn);
    const at = (row * partials + partial) * decays.length, fades = decays.map((decay) => Math.exp(-1 / (decay * rate)));
    const sines = Float64Array.from(decays, (_, k) => piano.sines[at + k]), cosines = Float64Array.from(decays, (_, k) => piano.cosines[at + k]);
    let s = 0, c = 1;
    for (let k = 0; k < wave.length; k++) {
      let a = 0, b = 0;
      for (let d = 0; d < decays.length; d++) { a += sines[d]; b += cosines[d]; sines[d] *= fades[d]; cosines[d] *= fades[d]; }
      wave[k] += a * s + b * c;
      const next = s * cos + c * sin;
      c = c * cos - s * sin;
      s = next;
    }
  }
  return wave;
}
