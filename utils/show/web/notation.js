"use strict";
// How notes are written down: key signatures, spelling, note values.

const SIGNATURES = {major: [0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5], minor: [-3, 4, -1, -6, 1, -4, 3, -2, 5, 0, -5, 2]};
const KEYS = {major: ["C", "D♭", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"],
  minor: ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "G♯", "A", "B♭", "B"]};
const VALUES = [[16, "whole", 0], [12, "half", 1], [8, "half", 0], [6, "quarter", 1], [4, "quarter", 0], [3, "eighth", 1],
  [2, "eighth", 0], [1, "16th", 0]];  // sixteenths, name, dots

function spelled(pitch, signature) {  // [step, alter, octave] of a MIDI pitch under a key signature
  let fifths = signature - 3;
  while (modulo(fifths * 7, 12) !== pitch % 12) fifths++;
  const alter = Math.floor((fifths + 1) / 7), step = "FCGDAEB"[modulo(fifths + 1, 7)];
  const octave = Math.floor((pitch - alter) / 12) - 1;
  return [step, alter, octave];
}

function pieces(length) {  // a length as note values
  const found = [];
  while (length > 0) {
    const value = VALUES.find(([size]) => size <= length);
    found.push(value);
    length -= value[0];
  }
  return found;
}

const isCompound = ([beats, unit]) => unit === 8 && beats % 3 === 0;  // beats are dotted quarters, as in 6/8
const beatOf = (metre) => isCompound(metre) ? 6 : 16 / metre[1];

function writtenValues(place, length, metre, isRest) {  // a length as an engraver splits it: sizes in sixteenths
  const found = [];
  while (length > 0) {
    const size = longestValue(place, length, metre, isRest);
    found.push(size);
    place += size;
    length -= size;
  }
  return found;
}

// The longest single value that the eye can place, `place` sixteenths after a barline. A note of b, or of b and a dot, stays
// in its window of 2 b, so that an off-beat quarter does not cross the middle of a bar, unless it starts on b and b is a
// quarter at least. A rest starts on its own value and has a dot only where it fills the beat of compound time.
function longestValue(place, room, metre, isRest) {
  const triple = metre[0] === 3 && metre[1] !== 8, beat = beatOf(metre), bar = barFrames(metre);
  if (isCompound(metre)) {
    place %= 6;
    const whole = place ? undefined : (isRest ? [6] : [24, 12, 6]).find((size) => size <= room);
    if (whole) return whole;
    room = Math.min(room, 6 - place);
  }
  for (const base of [16, 8, 4, 2, 1]) {
    if (isRest && base > (triple ? beat : 8)) continue;
    for (const size of isRest || base === 1 ? [base] : [base * 1.5, base]) {
      if (size > room) continue;
      const inWindow = place % (2 * base) + size <= 2 * base || triple && base === beat && place + size <= bar;
      if (place % base === 0 && (isRest || base >= 4) || !isRest && 2 * place % base === 0 && inWindow) return size;
    }
  }
  return 1;
}

function strengthsOf([beats, unit]) {  // grid.strengths: how strong each sixteenth of a bar is, from 4, the barline, to 0
  const frames = Math.max(1, Math.round(beats * 16 / unit));
  const beat = unit >= 8 && beats % 3 === 0 && beats > 3 ? Math.floor(48 / unit) : Math.max(1, Math.floor(16 / unit));
  const part = Math.max(1, Math.floor(beat / (beat % 3 === 0 ? 3 : 2)));
  return Array.from({length: frames}, (_, place) => {
    if (place === 0) return 4;
    if (place * 2 === frames && (frames / beat) % 2 === 0) return 3;
    return place % beat === 0 ? 2 : place % part === 0 ? 1 : 0;
  });
}
