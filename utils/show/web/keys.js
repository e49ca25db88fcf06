"use strict";
// Writing notes: by the keys of the computer, the keyboard on the screen, or a MIDI keyboard.

const LETTERS = {c: 0, d: 2, e: 4, f: 5, g: 7, a: 9, b: 11};

function writeNote(pitch, frame = state.at, onwards = true) {  // a note of the chosen voice and length
  if (!mayWrite()) return;
  if (frame + 1 > score.cells.length) return;
  const end = Math.min(frame + state.length, score.cells.length);
  change((piece) => putNote(piece.cells, state.voice, frame, end, pitch));
  Object.assign(state, {pitch, selected: frame, at: frame});
  if (onwards) goTo(end);
  hearPitch(pitch, state.voice);
  drawGrid();
}

function writeRest() {
  if (!mayWrite()) return;
  change((piece) => putNote(piece.cells, state.voice, state.at, state.at + state.length, null));
  goTo(state.at + state.length);
}

function goTo(frame) {  // where the next note is written; a tune may grow by a bar as it is written
  if (frame >= score.cells.length && score.cells.length + barLength() <= MOST_FRAMES && frame < score.cells.length + barLength())
    change((piece) => resize(piece, Math.ceil(piece.cells.length / barLength()) + 1));
  state.at = clip(frame, 0, score.cells.length - 1);
  state.selected = null;
  reveal(state.at, state.pitch);
  drawGrid();
}

function remove(note = noteAt(state.voice, state.at)) {
  if (!mayWrite()) return;
  if (!note) return say("There is no note here to remove.");
  change((piece) => putNote(piece.cells, state.voice, note.start, note.start + note.length, null));
  state.selected = null;
  say(`${VOICES[state.voice]}: ${nameOf(note.pitch)} removed.`);
}

function alter({by = 0, longer = 0}) {  // move the note under the cursor by semitones, or make it longer by sixteenths
  if (!mayWrite()) return;
  const note = noteAt(state.voice, state.at);
  if (!note) return say("There is no note here to change.");
  const pitch = clip(note.pitch + by, LOWEST, HIGHEST), end = clip(note.start + note.length + longer, note.start + 1, score.cells.length);
  change((piece) => {
    putNote(piece.cells, state.voice, note.start, note.start + note.length, null);
    putNote(piece.cells, state.voice, note.start, end, pitch);
  });
  Object.assign(state, {pitch, selected: note.start, at: note.start});
  if (by) hearPitch(pitch, state.voice);
  tell(`${nameOf(pitch)}, ${end - note.start} sixteenths`);
  drawGrid();
}

function chooseVoice(voice) {
  state.voice = voice;
  state.selected = null;
  const note = noteAt(voice, state.at) || notesOf(score.cells, voice)[0];
  if (note) state.pitch = note.pitch;
  else state.pitch = clip(state.pitch, ...RANGES[voice]);
  reveal(state.at, state.pitch);
  showVoices();
  drawGrid();
  keep();
}

function chooseLength(length) {
  state.length = length;
  showLengths();
  drawGrid();
}

function moveBy(frames, pitches) {  // the cursor of the grid, by arrows
  if (frames) state.at = clip(state.at + frames, 0, score.cells.length - 1);
  if (pitches) state.pitch = clip(state.pitch + pitches, LOWEST, HIGHEST);
  const note = noteAt(state.voice, state.at);
  state.selected = note && note.pitch === state.pitch ? note.start : null;
  if (frames && note) state.pitch = note.pitch;
  reveal(state.at, state.pitch);
  tell(frames ? `${whereOf(state.at)}: ${soundingAt(state.at)}` : nameOf(state.pitch));
  drawGrid();
}

const GRID_KEYS = {  // a key of the grid, and what it does
  ArrowLeft: () => moveBy(-state.length, 0), ArrowRight: () => moveBy(state.length, 0), ArrowUp: () => moveBy(0, 1), ArrowDown: () => moveBy(0, -1),
  PageUp: () => moveBy(0, 12), PageDown: () => moveBy(0, -12), Home: () => moveBy(-MOST_FRAMES, 0), End: () => moveBy(MOST_FRAMES, 0),
  Enter: () => writeNote(state.pitch), Delete: () => remove(), Backspace: () => remove(), 0: writeRest, r: writeRest,
  1: () => chooseLength(1), 2: () => chooseLength(2), 3: () => chooseLength(4), 4: () => chooseLength(8), 5: () => chooseLength(16),
  ".": () => chooseLength({2: 3, 4: 6, 8: 12, 3: 2, 6: 4, 12: 8}[state.length] || state.length),
  "+": () => alter({by: 1}), "=": () => alter({by: 1}), "-": () => alter({by: -1}), ">": () => alter({longer: 1}), "<": () => alter({longer: -1}),
  v: () => { chooseVoice((state.voice + 1) % 4); say(`You write the ${VOICES[state.voice].toLowerCase()}.`); },
  l: () => lockNote(state.voice, state.at), m: () => lockBar(state.at), t: () => toggleFermata(state.at), " ": () => play(state.at),
};

function gridKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key in LETTERS) writeNote(state.pitch + modulo(LETTERS[key] - state.pitch + 6, 12) - 6);
  else if (key in GRID_KEYS) {
    if (event.shiftKey && key.startsWith("Arrow")) moveBy((key === "ArrowRight") - (key === "ArrowLeft"), 12 * ((key === "ArrowUp") - (key === "ArrowDown")));
    else GRID_KEYS[key]();
  } else return;
  event.preventDefault();
}

function scoreKey(event) {  // left and right go from chord to chord and say it, Enter and space play from there
  const onsets = score.cells.map((row, now) => now).filter((now) => score.cells[now].some((cell) => cell >= 0 && cell < HELD));
  const next = {ArrowRight: onsets.find((now) => now > state.at), ArrowLeft: onsets.findLast((now) => now < state.at), Home: onsets[0], End: onsets.at(-1)};
  if (event.key === "Enter" || event.key === " ") play(state.at);
  else if (event.key in next) {
    if (next[event.key] !== undefined) state.at = next[event.key];
    tell(`${whereOf(state.at)}: ${soundingAt(state.at)}`);
    showCursor(state.at);
    drawGrid();
  } else return;
  event.preventDefault();
}

// ---------------------------------------------------------------------------------------------- a keyboard on the screen

function buildPiano() {  // white keys side by side, black ones between them
  const white = (pitch) => !BLACK.includes(pitch % 12);
  let place = 0;
  $("piano-keys").replaceChildren(...Array.from({length: HIGHEST - LOWEST + 1}, (_, k) => {
    const pitch = LOWEST + k, key = make("button", {type: "button", class: white(pitch) ? "white" : "black",
      "aria-label": withOctave(SHARP_NAMES, pitch)});
    key.tabIndex = -1;  // by keyboard the letters in the grid do the same
    if (pitch % 12 === 0) key.textContent = `C${pitch / 12 - 1}`;
    key.style.left = `${(white(pitch) ? place : place - 0.3) * 2.6}rem`;
    place += white(pitch);
    key.dataset.pitch = pitch;
    key.onclick = () => writeNote(pitch);
    return key;
  }));
  $("piano-keys").style.width = `${place * 2.6}rem`;
}

function showPiano() {  // scroll to where the chosen voice sings
  const middle = $("piano-keys").querySelector(`[data-pitch="${Math.round((RANGES[state.voice][0] + RANGES[state.voice][1]) / 2)}"]`);
  $("piano").scrollLeft = middle.offsetLeft - $("piano").clientWidth / 2;
}

async function connectMidi() {  // the notes of a MIDI keyboard, as if they were clicked
  try {
    const access = await navigator.requestMIDIAccess();
    const listen = () => {
      for (const input of access.inputs.values()) input.onmidimessage = ({data: [status, pitch, velocity]}) => {
        if (status >> 4 === 9 && velocity) writeNote(clip(pitch, LOWEST, HIGHEST));
      };
      say(access.inputs.size ? `Connected: ${[...access.inputs.values()].map((input) => input.name).join(", ")}. The notes that you play are written with the chosen length.`
        : "No MIDI keyboard was found. Plug one in, and the page will find it.");
    };
    access.onstatechange = listen;
    listen();
  } catch {
    say("The browser did not allow a MIDI keyboard. You can also write notes with the keyboard on the screen or with letters in the grid.");
  }
}
