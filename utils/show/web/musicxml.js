"use strict";
// The text of a MusicXML score -> its notes and what is written beside them, as `readMidi` gives them. What cannot be read
// is refused with a sentence that says what to do.

const MOST_TEXT = 2e7;  // characters, unpacked
const STEPS = {C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11};

function readMusicXml(text) {
  if (text.length > MOST_TEXT) throw new Error("The score is too large: choose a single piece.");
  if (/<!DOCTYPE[^>[]*\[|<!ENTITY/i.test(text))
    throw new Error("The file defines its own XML entities, which this page does not read: export the score again as MusicXML.");
  const score = new DOMParser().parseFromString(text, "application/xml"), root = score.documentElement;
  if (score.getElementsByTagName("parsererror").length)
    throw new Error("The file is damaged, it is not XML: export the score again as MusicXML.");
  if (root.nodeName === "score-timewise")
    throw new Error("The score is written bar by bar (timewise): export it as partwise MusicXML, as notation programs do.");
  if (root.nodeName !== "score-partwise") throw new Error("This is not a score: choose a MusicXML or MIDI file.");
  const titles = new Map([...root.getElementsByTagName("score-part")].map((each) => [each.getAttribute("id"), wordsIn(each, "part-name")]));
  const parts = childrenNamed(root, "part").map((part) => readPart(part, titles.get(part.getAttribute("id")) || ""));
  const starts = measureStarts(parts), voices = parts.flatMap((part) => voicesOf(part, starts)).filter((voice) => voice.notes.length);
  if (!voices.length) throw new Error("There are no notes in this score: choose another file.");
  const first = parts.find((part) => part.sharps !== null && !part.semitones) || parts.find((part) => part.sharps !== null);
  const signed = wordsIn(root, "software") === SIGNED_BY, signature = first ? signatureOf(soundingSharps(first), first.minor ? 1 : 0) : {};
  return {parts: voices.map((voice) => voice.notes), names: voices.map((voice) => voice.name),
    metres: metresOf(parts[0], starts), metre: parts[0].metres[0]?.slice(1) || null, sharps: null, tonic: null, mode: null, ...signature,
    tempo: parts.map((part) => part.tempo).find(Boolean) || null,
    fermatas: [...new Set(voices.flatMap((voice) => voice.fermatas))].sort((a, b) => a - b),
    title: wordsIn(root, "work-title") || wordsIn(root, "movement-title"), exact: signed, sure: signed && Boolean(first)};
}

const childrenNamed = (node, name) => [...node.children].filter((each) => each.nodeName === name);
const childNamed = (node, name) => childrenNamed(node, name)[0];
const wordsIn = (node, name) => node.getElementsByTagName(name)[0]?.textContent.trim() || "";
const numberIn = (node, name, otherwise = 0) => { const words = wordsIn(node, name); return words && Number.isFinite(+words) ? +words : otherwise; };

function soundingSharps({sharps, semitones}) {  // the signature of what sounds, where an instrument transposes
  const found = sharps + modulo(7 * semitones, 12);
  return semitones ? modulo(found + 5, 12) - 5 : sharps;
}

function readPart(part, name) {  // measures of notes, with places in quarter notes from the measure's beginning
  const found = {name, measures: [], metres: [], divisions: 1, semitones: 0, sharps: null, minor: false, tempo: 0};
  for (const node of childrenNamed(part, "measure")) {
    const measure = {notes: [], length: 0}, clock = {at: 0, last: 0};
    for (const each of node.children) {
      if (each.nodeName === "attributes") readAttributes(each, found);
      else if (each.nodeName === "note") readNote(each, found, measure, clock);
      else if (each.nodeName === "backup") clock.at = Math.max(0, clock.at - quartersOf(each, found));
      else if (each.nodeName === "forward") clock.at += quartersOf(each, found);
      const sound = each.nodeName === "sound" ? each : each.nodeName === "direction" ? each.getElementsByTagName("sound")[0] : null;
      found.tempo = found.tempo || Math.max(0, Number(sound?.getAttribute("tempo")) || 0);
      measure.length = Math.max(measure.length, clock.at);
    }
    found.measures.push(measure);
  }
  return found;
}

function readAttributes(node, found) {
  const divisions = numberIn(node, "divisions", found.divisions), key = childNamed(node, "key"), time = childNamed(node, "time");
  if (divisions > 0) found.divisions = divisions;
  const transpose = childNamed(node, "transpose");
  if (transpose) found.semitones = Math.round(numberIn(transpose, "chromatic") + 12 * numberIn(transpose, "octave-change"));
  if (key && found.sharps === null && wordsIn(key, "fifths"))
    Object.assign(found, {sharps: Math.round(numberIn(key, "fifths")), minor: wordsIn(key, "mode") === "minor"});
  if (!time) return;
  const beats = sumOf(wordsIn(time, "beats").split("+").map(Number)), unit = numberIn(time, "beat-type");
  if (Number.isInteger(beats) && beats > 0 && beats <= 64 && [1, 2, 4, 8, 16, 32].includes(unit))
    found.metres.push([found.measures.length, beats, unit]);
}

const quartersOf = (node, found) => Math.max(0, numberIn(node, "duration")) / found.divisions;

function readNote(node, found, measure, clock) {
  if (childNamed(node, "grace")) return;
  const length = quartersOf(node, found), pitch = childNamed(node, "pitch"), start = childNamed(node, "chord") ? clock.last : clock.at;
  clock.last = start;
  clock.at = Math.max(clock.at, start + length);
  if (!pitch || childNamed(node, "cue") || !length) return;
  const step = STEPS[wordsIn(pitch, "step")] + Math.round(numberIn(pitch, "alter"));
  const midi = 12 * (Math.round(numberIn(pitch, "octave", 4)) + 1) + step + found.semitones;
  if (!(midi >= 0 && midi < HELD)) return;
  const ties = childrenNamed(node, "tie").map((tie) => tie.getAttribute("type")), staff = wordsIn(node, "staff");
  measure.notes.push({start, length, pitch: midi, voice: wordsIn(node, "voice") || `staff ${staff}`, begins: !ties.includes("stop"),
    ends: !ties.includes("start"), fermata: node.getElementsByTagName("fermata").length > 0});
}

function measureStarts(parts) {  // in quarter notes; a measure is as long as its longest part, or full where nothing is in it
  const lengths = [], metres = new Map((parts[0]?.metres || []).map(([measure, ...metre]) => [measure, metre])), starts = [0];
  for (const {measures} of parts) measures.forEach(({length}, number) => { lengths[number] = Math.max(lengths[number] || 0, length); });
  let full = 4;
  lengths.forEach((length, number) => {
    const [beats, unit] = metres.get(number) || [];
    if (beats) full = 4 * beats / unit;
    starts.push(starts[number] + (length || full));
  });
  if (starts.at(-1) * 4 > MOST_FRAMES) throw new Error("The piece has more than 400 bars: choose a shorter one.");
  return starts;
}

function voicesOf(part, starts) {  // the voices of a part, ties joined: [{name, notes, fermatas}]
  const voices = new Map();
  part.measures.forEach((measure, number) => {
    for (const note of measure.notes) {
      if (!voices.has(note.voice)) voices.set(note.voice, {notes: [], fermatas: [], tied: new Map()});
      const voice = voices.get(note.voice), start = starts[number] + note.start, end = start + note.length;
      const open = voice.tied.get(note.pitch), goesOn = !note.begins && open && Math.abs(open.end - start) < 1e-6;
      const mine = goesOn ? open : {start, end, pitch: note.pitch};
      mine.end = end;
      if (!goesOn) voice.notes.push(mine);
      if (note.fermata) voice.fermatas.push(start);
      note.ends ? voice.tied.delete(note.pitch) : voice.tied.set(note.pitch, mine);
    }
  });
  const nameOf = (number) => voices.size > 1 ? `${part.name} voice ${number + 1}`.trim() : part.name;
  return [...voices.values()].map(({notes, fermatas}, number) =>
    ({name: nameOf(number), notes: notes.sort((a, b) => a.start - b.start || a.pitch - b.pitch), fermatas}));
}

function metresOf(part, starts) {  // [[quarter, beats, unit]]; an upbeat is a bar of its own, as MIDI files write it
  const metres = part.metres.map(([measure, beats, unit]) => [starts[measure], beats, unit]);
  const first = metres[0], upbeat = starts[1];
  if (!first || first[0] > 0 || upbeat >= 4 * first[1] / first[2] || (upbeat * 8) % 1) return metres;
  const unit = [4, 8, 16, 32].find((each) => (upbeat * each / 4) % 1 === 0);
  return [[0, upbeat * unit / 4, unit], [upbeat, first[1], first[2]], ...metres.slice(1)];
}
