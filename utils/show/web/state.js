"use strict";
// The piece that is on the page, what the reader has done to it, and how it is kept: undone, stored, written as text.

const MIDDLE_OF_SOPRANO = 67, STORE = "four voices", MOST_STEPS = 200, METRES = ["4/4", "3/4", "2/4", "2/2", "3/2", "6/8", "9/8", "12/8", "3/8"];
const SHARP_NAMES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
const FLAT_NAMES = ["C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B"];
const LENGTHS = {1: "sixteenth", 2: "eighth", 4: "quarter", 8: "half", 16: "whole"};

let score = null;
const state = {voice: 0, at: 0, pitch: MIDDLE_OF_SOPRANO, length: 4, selected: null, past: [], future: [], ways: [], chosen: -1};

// ---------------------------------------------------------------------------------------------- asking about the piece

const copyOf = (value) => JSON.parse(JSON.stringify(value));
const barLength = (piece = score) => barFrames(piece.metre);
const barAt = (frame) => barNumber(frame, score);
const noteAt = (voice, frame) => notesOf(score.cells, voice).find((note) => note.start <= frame && frame < note.start + note.length) || null;
const isSilent = (cells, voice) => cells.every((row) => row[voice] < 0);
const noteKey = (voice, note) => `${voice}:${note.start}`;

const withOctave = (names, pitch) => `${names[pitch % 12]}${Math.floor(pitch / 12) - 1}`;
const namesInKey = () => SIGNATURES[score.mode][score.tonic] < 0 ? FLAT_NAMES : SHARP_NAMES;
const nameOf = (pitch) => withOctave(namesInKey(), pitch);  // "F♯4"

function whereOf(frame) {  // "bar 3, beat 2", with the sixteenth where it is off the beat
  const place = modulo(frame - score.upbeat, barLength()), beat = beatOf(score.metre), off = place % beat;
  return `${barAt(frame) ? `bar ${barAt(frame)}` : "upbeat"}, beat ${Math.floor(place / beat) + 1}${off ? ` and ${off} sixteenth${off > 1 ? "s" : ""}` : ""}`;
}

function soundingAt(frame) {  // what sounds, in words
  const row = score.cells[frame], chord = chordOf(row);
  const heard = VOICES.map((name, voice) => row[voice] < 0 ? "" : `${name.toLowerCase()} ${nameOf(pitchOf(row[voice]))}`).filter(Boolean);
  return heard.join(", ") + (heard.length > 2 && chord.root !== null ? `; chord ${namesInKey()[chord.root]}${chord.quality}` : "") || "silence";
}

// ---------------------------------------------------------------------------------------------- changing it

const emptyLocks = () => ({voices: [true, false, false, false], bars: [], notes: []});

function blank(bars = 8, metre = [4, 4], upbeat = 0) {
  return {title: "My tune", cells: Array.from({length: bars * barFrames(metre)}, () => [-1, -1, -1, -1]), metre, upbeat, tonic: 0, mode: "major",
    fermatas: [], tempo: 84, locks: emptyLocks(), keyGiven: false, endsGiven: false};
}

function change(edit) {  // all that changes the piece goes through here: it can be undone, and is kept
  const before = copyOf(score);
  edit(score);
  if (JSON.stringify(before) === JSON.stringify(score)) return;
  if (writing) edit(writing.before);  // a new title, tempo or lock stays, however the network ends
  else remember(before);
  if (before.cells.length !== score.cells.length) forgetWays();
  show();
}

function mayWrite() {  // notes change by hand or by the network, not by both at once
  if (writing) say("The network is writing. Press Stop to change notes.");
  return !writing;
}

function remember(before) {  // a step that undo takes back
  state.past.push(before);
  state.past.splice(0, state.past.length - MOST_STEPS);
  state.future = [];
}

function travel(from, to) {  // undo and redo
  if (writing || !from.length) return;
  to.push(copyOf(score));
  score = from.pop();
  state.selected = null;
  state.at = clip(state.at, 0, score.cells.length - 1);
  forgetWays();
  show();
}

function start(piece) {  // another piece; the one before can be had back by undo
  stopWriting();
  stopPlaying();
  if (score) remember(copyOf(score));
  score = {...blank(1), ...copyOf(piece)};
  score.cells = mended(score.cells);
  Object.assign(state, {at: 0, selected: null, voice: 0, pitch: notesOf(score.cells, 0)[0]?.pitch ?? MIDDLE_OF_SOPRANO});
  forgetWays();
  show();
}

function mended(cells) {  // cells in which every held one follows its own note
  return cells.map((row, now) => row.map((cell, voice) =>
    cell >= HELD && (now === 0 || pitchOf(cells[now - 1][voice]) !== cell - HELD) ? cell - HELD : cell));
}

function putNote(cells, voice, start, end, pitch) {  // write a note, or silence where pitch is null; what it covers goes
  for (let now = start; now < Math.min(end, cells.length); now++)
    cells[now][voice] = pitch === null ? -1 : now === start ? pitch : pitch + HELD;
  for (let now = end; now < cells.length && cells[now][voice] >= HELD; now++) cells[now][voice] = -1;
}

function resize(piece, bars) {  // give the piece so many bars; an upbeat takes its time from the last one
  const frames = clip(bars * barLength(piece), barLength(piece), MOST_FRAMES);
  while (piece.cells.length < frames) piece.cells.push([-1, -1, -1, -1]);
  piece.cells.length = frames;
  piece.fermatas = piece.fermatas.filter((mark) => mark < frames);
}

// ---------------------------------------------------------------------------------------------- what is locked

function lockedCells() {  // bool of each cell: what the network leaves as it is
  const {voices, bars, notes} = score.locks, notesHeld = new Set(notes), barsHeld = new Set(bars);
  const known = score.cells.map((_, now) => VOICES.map((_, voice) => (voices[voice] && !isSilent(score.cells, voice)) || barsHeld.has(barAt(now))));
  VOICES.forEach((_, voice) => notesOf(score.cells, voice).forEach((note) => {
    if (notesHeld.has(noteKey(voice, note))) for (let now = note.start; now < note.start + note.length; now++) known[now][voice] = true;
  }));
  return known;
}

const toggled = (list, item) => list.includes(item) ? list.filter((each) => each !== item) : [...list, item];

function lockBar(frame) {
  change((piece) => { piece.locks.bars = toggled(piece.locks.bars, barAt(frame)); });
  say(`${barAt(frame) ? `Bar ${barAt(frame)}` : "The upbeat"} is ${score.locks.bars.includes(barAt(frame)) ? "locked: the network does not change it" : "free"}.`);
}

function lockNote(voice, frame) {
  const note = noteAt(voice, frame);
  if (!note) return say("There is no note here to lock.");
  change((piece) => { piece.locks.notes = toggled(piece.locks.notes, noteKey(voice, note)); });
  say(`${VOICES[voice]}, ${nameOf(note.pitch)} in ${whereOf(note.start)} is ${score.locks.notes.includes(noteKey(voice, note)) ? "locked" : "free"}.`);
}

function toggleFermata(frame) {  // a phrase ends with the note that is here
  const note = VOICES.map((_, voice) => noteAt(voice, frame)).find(Boolean);
  const inNote = (mark) => note ? mark >= note.start && mark < note.start + note.length : mark === frame;
  change((piece) => {
    const had = piece.fermatas.some(inNote);
    piece.fermatas = piece.fermatas.filter((mark) => !inNote(mark));
    if (!had) piece.fermatas.push(note ? note.start : frame);
    piece.fermatas.sort((a, b) => a - b);
    piece.endsGiven = true;
  });
}

// ---------------------------------------------------------------------------------------------- as text

function asText(piece) {  // a piece as text that a person can read and type
  const names = SHARP_NAMES.map((name) => name.replace("♯", "#"));
  const line = (voice) => {
    const words = [];
    let now = 0;
    for (const note of [...notesOf(piece.cells, voice), {start: piece.cells.length, length: 0}]) {
      if (note.start > now) words.push(`r:${note.start - now}`);
      if (note.length) words.push(`${withOctave(names, note.pitch)}:${note.length}`);
      now = note.start + note.length;
    }
    return words.join(" ");
  };
  return [`title: ${piece.title}`, `key: ${KEYS[piece.mode][piece.tonic].replace("♯", "#").replace("♭", "b")} ${piece.mode}`,
    `metre: ${piece.metre.join("/")}`, `upbeat: ${piece.upbeat}`, `tempo: ${Math.round(piece.tempo)}`,
    `phrase ends: ${piece.fermatas.join(" ")}`, ...VOICES.map((name, voice) => `${name.toLowerCase()}: ${line(voice)}`)].join("\n");
}

function pitchNamed(word) {  // "F#4" -> 66
  const found = /^([A-Ga-g])([#b♯♭]?)(-?\d)$/.exec(word);
  if (!found) return null;
  return 12 * (Number(found[3]) + 1) + [9, 11, 0, 2, 4, 5, 7]["ABCDEFG".indexOf(found[1].toUpperCase())] + {"#": 1, "♯": 1, b: -1, "♭": -1, "": 0}[found[2]];
}

function lineFrom(name, text) {  // the cells of a voice
  const cells = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const [what, length] = word.split(":"), size = Number(length ?? 4), pitch = /^r$/i.test(what) ? -1 : pitchNamed(what);
    if (pitch === null || pitch > 127 || !Number.isInteger(size) || size < 1 || size > MOST_FRAMES)
      throw new Error(`In the line of the ${name}, “${word.slice(0, 20)}” is not a note. Write a note and its length in sixteenths, such as F#4:8, or r:4 for a rest.`);
    for (let k = 0; k < size; k++) cells.push(pitch < 0 ? -1 : k ? pitch + HELD : pitch);
    if (cells.length > MOST_FRAMES) throw new Error("The piece has more than 400 bars. Paste a shorter one.");
  }
  return cells;
}

function pieceFrom(text) {  // text as asText writes it, or the notes of a tune alone -> a piece; refuses what is neither
  const lines = new Map(), bare = [];
  for (const line of text.split(/\r?\n/)) {
    const [, name, rest] = /^\s*(title|key|metre|upbeat|tempo|phrase ends|soprano|alto|tenor|bass)\s*:(.*)$/i.exec(line) || [];
    if (name) lines.set(name.toLowerCase(), rest.trim());
    else bare.push(line);
  }
  if (!lines.has("soprano")) lines.set("soprano", bare.join(" "));
  const voices = VOICES.map((name) => lineFrom(name.toLowerCase(), lines.get(name.toLowerCase()) || ""));
  const frames = Math.max(...voices.map((voice) => voice.length));
  if (!frames) throw new Error("This text is not a piece. It needs at least a line such as “soprano: C4:4 D4:4 E4:8”.");
  const metre = lines.get("metre") || "4/4", [, tonic, mode] = /^\s*([A-Ga-g][#b♯♭]?)\s*(major|minor)?/i.exec(lines.get("key") || "") || [];
  if (!METRES.includes(metre)) throw new Error(`The metre “${metre.slice(0, 20)}” is not possible here. Write one of ${METRES.join(", ")}.`);
  const number = (name, usual, low, high) => clip(Number.isFinite(Number(lines.get(name) || NaN)) ? Math.round(Number(lines.get(name))) : usual, low, high);
  const [beats, unit] = metre.split("/").map(Number);
  return {...blank(1), title: (lines.get("title") || "My tune").slice(0, 80), metre: [beats, unit], upbeat: number("upbeat", 0, 0, barFrames([beats, unit]) - 1),
    cells: mended(Array.from({length: frames}, (_, now) => voices.map((voice) => voice[now] ?? -1))),
    tonic: tonic ? modulo(pitchNamed(`${tonic}4`), 12) : 0, mode: /minor/i.test(mode || "") ? "minor" : "major", keyGiven: Boolean(tonic),
    tempo: number("tempo", 84, 40, 160), endsGiven: Boolean(lines.get("phrase ends")),
    fermatas: (lines.get("phrase ends") || "").split(/\s+/).filter(Boolean).map(Number).filter((mark) => Number.isInteger(mark) && mark >= 0 && mark < frames)};
}

const linkOf = (piece) => `${location.href.split("#")[0]}#piece=${btoa(String.fromCharCode(...new TextEncoder().encode(asText(piece)))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")}`;

function pieceOfLink(hash) {  // what a link of ours holds, or null
  const found = /#piece=([\w-]+)/.exec(hash);
  if (!found) return null;
  return pieceFrom(new TextDecoder().decode(decoded(found[1].replace(/-/g, "+").replace(/_/g, "/"))));
}

// ---------------------------------------------------------------------------------------------- kept between visits

function keep() {
  try {
    localStorage.setItem(STORE, JSON.stringify({text: asText(score), locks: score.locks, keyGiven: score.keyGiven, endsGiven: score.endsGiven, voice: state.voice}));
  } catch { /* a page from disk may not be allowed to keep anything */ }
}

function kept() {  // the piece of the last visit, or null
  try {
    const {text, locks, keyGiven, endsGiven, voice} = JSON.parse(localStorage.getItem(STORE)), piece = pieceFrom(text);
    state.voice = clip(Math.round(voice) || 0, 0, 3);
    return {...piece, keyGiven, endsGiven, locks: Array.isArray(locks?.voices) && Array.isArray(locks.bars) && Array.isArray(locks.notes) ? locks : emptyLocks()};
  } catch {
    return null;
  }
}
