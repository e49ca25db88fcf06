"use strict";
// What a teacher would mark in four voices, as utils/music/harmony.py has it. For cells see cells.js.

const QUALITIES = {"0,4,7": "", "0,3,7": "m", "0,4,7,10": "7", "0,4,10": "7", "0,3,7,10": "m7", "0,4,7,11": "maj7",
  "0,3,6,10": "ø7", "0,3,6,9": "o7", "0,3,6": "o", "0,4": "", "0,3": "m"};

function chordOf(row) {  // {root, quality, bass} of a frame's cells; root null where it is no chord
  const sounding = row.map(pitchOf).filter((pitch) => pitch >= 0).sort((a, b) => a - b);
  if (!sounding.length) return {root: null, quality: "", bass: null};
  const bass = sounding[0] % 12;
  for (const root of [bass, ...sounding.map((pitch) => pitch % 12)]) {
    const classes = [...new Set(sounding.map((pitch) => modulo(pitch - root, 12)))].sort((a, b) => a - b);
    if (String(classes) in QUALITIES) return {root, quality: QUALITIES[String(classes)], bass};
  }
  return {root: null, quality: "", bass};
}

function settled(cells, frame) {  // the last frame of the note that the highest voice has here
  const voice = Math.max(0, cells[frame].findIndex((cell) => cell >= 0));
  let last = frame;
  while (last + 1 < cells.length && cells[last + 1][voice] >= HELD) last++;
  return last;
}

function cadenceAt(cells, frame, tonic) {  // how a phrase ends: {atRest, closes}
  const {root, quality, bass} = chordOf(cells[settled(cells, frame)]);
  let before = null;
  for (let at = frame - 1; at >= Math.max(frame - 4, 0) && before === null; at--) before = chordOf(cells[at]).root;
  const degree = (value) => value === null ? null : modulo(value - tonic, 12);
  const atRest = root !== null && bass === root && (quality === "" || quality === "m");
  return {atRest, closes: degree(root) === 0 && bass === root && [7, 11, 5].includes(degree(before))};
}

function endsOnTonic(cells, tonic) {
  for (let now = cells.length - 1; now >= 0; now--) {
    const sounding = cells[now].map(pitchOf).filter((pitch) => pitch >= 0);
    if (sounding.length) return Math.min(...sounding) % 12 === tonic;
  }
  return false;
}

function parallelsIn(cells, from = 0) {  // [{frame, upper, lower, interval}]
  const found = [];
  for (let now = from + 1; now < cells.length; now++)
    for (let upper = 0; upper < 4; upper++)
      for (let lower = upper + 1; lower < 4; lower++) {
        const [a, b] = [cells[now - 1][upper], cells[now - 1][lower]].map(pitchOf);
        const [c, d] = [cells[now][upper], cells[now][lower]].map(pitchOf);
        if (Math.min(a, b, c, d) < 0 || Math.sign(c - a) * Math.sign(d - b) <= 0) continue;
        const was = Math.abs(a - b) % 12, is = Math.abs(c - d) % 12;
        if (was === is && (is === 0 || is === 7)) found.push({frame: now, upper, lower, interval: is ? "fifths" : "octaves"});
      }
  return found;
}

function marksIn(cells) {  // what a teacher would mark: [{frame, voices, text}]
  const found = parallelsIn(cells).map(({frame, upper, lower, interval}) =>
    ({frame, voices: [upper, lower], text: `parallel ${interval}, ${VOICES[upper]} and ${VOICES[lower]}`}));
  const struck = (now, voice) => cells[now][voice] >= 0 && cells[now][voice] < HELD;
  for (let now = 0; now < cells.length; now++)
    for (let voice = 0; voice < 4; voice++) {
      const pitch = pitchOf(cells[now][voice]);
      if (pitch < 0) continue;
      if (struck(now, voice) && (pitch < RANGES[voice][0] || pitch > RANGES[voice][1]))
        found.push({frame: now, voices: [voice], text: `${VOICES[voice]} out of its range`});
      const below = voice < 3 ? pitchOf(cells[now][voice + 1]) : -1;
      if (below > pitch && (struck(now, voice) || struck(now, voice + 1)))
        found.push({frame: now, voices: [voice, voice + 1], text: `${VOICES[voice + 1]} above ${VOICES[voice]}`});
    }
  return found.sort((a, b) => a.frame - b.frame);
}

