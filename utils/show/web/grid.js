"use strict";
// The grid of notes: time to the right, pitch upwards. Only what is in view is drawn.

const HIGHEST = 84, LOWEST = 36, ROW = 11, COLUMN = 14, KEYS_WIDE = 46, HEAD = 48, BAR_HEAD = 24, BLACK = [1, 3, 6, 8, 10];
const view = {from: null, cursor: null, armed: null};  // what the pointer is doing; where it plays; the note that a second click removes

function inks() {  // the colours of the page
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

function sizeGrid() {
  const frame = $("grid-frame"), canvas = $("grid"), ratio = devicePixelRatio || 1, wide = frame.clientWidth, high = frame.clientHeight;
  $("grid-sizer").style.width = `${KEYS_WIDE + score.cells.length * COLUMN}px`;
  $("grid-sizer").style.height = `${HEAD + (HIGHEST - LOWEST + 1) * ROW}px`;
  canvas.width = wide * ratio;
  canvas.height = high * ratio;
  canvas.style.width = `${wide}px`;
  canvas.style.height = `${high}px`;
  drawGrid();
}

const xOf = (frame) => KEYS_WIDE + frame * COLUMN - $("grid-frame").scrollLeft;
const rowOf = (pitch) => HEAD + (HIGHEST - pitch) * ROW - $("grid-frame").scrollTop;

function drawGrid() {
  const canvas = $("grid"), pen = canvas.getContext("2d"), ratio = devicePixelRatio || 1, ink = inks();
  const wide = canvas.width / ratio, high = canvas.height / ratio;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, wide, high);
  const first = Math.max(0, Math.floor($("grid-frame").scrollLeft / COLUMN)), end = Math.min(score.cells.length, first + Math.ceil(wide / COLUMN) + 1);
  gridRows(pen, ink, xOf(end), high);
  gridLines(pen, ink, first, end, high);
  for (const voice of [0, 1, 2, 3].sort((a, b) => (a === state.voice) - (b === state.voice))) gridNotes(pen, ink, voice, first, end);
  gridHere(pen, ink, high);
  pen.fillStyle = ink("card");
  pen.fillRect(0, 0, wide, HEAD);
  gridHead(pen, ink, first, end);
  gridKeys(pen, ink, high);
}

function gridRows(pen, ink, right, high) {  // black keys are darker, a line under each C
  for (let pitch = LOWEST; pitch <= HIGHEST; pitch++) {
    const y = rowOf(pitch), black = BLACK.includes(pitch % 12);
    if (y < HEAD - ROW || y > high) continue;
    pen.globalAlpha = black ? 0.45 : 1;
    pen.fillStyle = ink(black ? "hover" : "card");
    pen.fillRect(KEYS_WIDE, y, right - KEYS_WIDE, ROW);
    pen.fillStyle = ink("line");
    pen.globalAlpha = pitch % 12 === 0 ? 1 : 0.35;
    pen.fillRect(KEYS_WIDE, y + ROW - 1, right - KEYS_WIDE, 1);
  }
  const [low, top] = RANGES[state.voice];
  pen.globalAlpha = 0.07;  // where the chosen voice sings
  pen.fillStyle = ink(`voice${state.voice}`);
  pen.fillRect(KEYS_WIDE, rowOf(top), right - KEYS_WIDE, (top - low + 1) * ROW);
  pen.globalAlpha = 1;
}

function gridLines(pen, ink, first, end, high) {
  for (let now = first; now <= end; now++) {
    const place = modulo(now - score.upbeat, barLength());
    pen.fillStyle = ink(place === 0 ? "soft" : "line");
    pen.globalAlpha = place === 0 ? 0.9 : place % beatOf(score.metre) === 0 ? 0.9 : 0.3;
    pen.fillRect(xOf(now), HEAD, 1, high);
  }
  pen.globalAlpha = 1;
}

function gridNotes(pen, ink, voice, first, end) {
  const mine = voice === state.voice, locks = new Set(score.locks.notes), {marked} = state;
  for (const note of notesOf(score.cells, voice)) {
    if (note.start + note.length <= first || note.start >= end) continue;
    const x = xOf(note.start) + 1, y = rowOf(note.pitch) + 1, wide = note.length * COLUMN - 2;
    pen.globalAlpha = mine ? 1 : 0.55;
    pen.fillStyle = ink(`voice${voice}`);
    pen.beginPath();
    pen.roundRect(x, y, wide, ROW - 2, 3);
    pen.fill();
    pen.globalAlpha = 1;
    if (mine && state.selected === note.start) { pen.strokeStyle = ink("ink"); pen.lineWidth = 2; pen.stroke(); }
    if (locks.has(noteKey(voice, note))) gridLock(pen, ink("card"), x + 4, y + 2);
    if (marked.some((mark) => mark.voices.includes(voice) && mark.frame >= note.start && mark.frame < note.start + note.length)) {
      pen.strokeStyle = ink("mark");
      pen.lineWidth = 2;
      pen.strokeRect(x, y - 1, wide, ROW);
    }
  }
}

function gridLock(pen, colour, x, y) {  // a small padlock
  pen.fillStyle = pen.strokeStyle = colour;
  pen.lineWidth = 1.2;
  pen.fillRect(x, y + 3, 6, 4);
  pen.beginPath();
  pen.arc(x + 3, y + 3, 2, Math.PI, 0);
  pen.stroke();
}

function gridHere(pen, ink, high) {  // where the keys write, and where it plays
  if (document.activeElement === $("grid") || view.from) {
    pen.strokeStyle = ink("focus");
    pen.lineWidth = 2;
    pen.strokeRect(xOf(state.at) + 1, rowOf(state.pitch) + 1, state.length * COLUMN - 2, ROW - 2);
  }
  if (view.cursor === null) return;
  pen.fillStyle = ink("focus");
  pen.fillRect(xOf(view.cursor), HEAD, 2, high);
}

function gridHead(pen, ink, first, end) {  // bars' numbers, locked bars, fermatas
  pen.font = `600 13px ${ink("sans")}`;
  for (let now = first - modulo(first - score.upbeat, barLength()); now < end; now += barLength()) {
    const from = Math.max(now, 0), to = Math.min(now + barLength(), score.cells.length), locked = score.locks.bars.includes(barAt(from));
    pen.fillStyle = ink(locked ? "ink" : "hover");
    pen.fillRect(xOf(from) + 1, 0, (to - from) * COLUMN - 1, BAR_HEAD);
    pen.fillStyle = ink(locked ? "paper" : "soft");
    if (barAt(from)) pen.fillText(String(barAt(from)), xOf(from) + 7, 17);
    if (locked) gridLock(pen, ink("paper"), xOf(to) - 14, 8);
  }
  pen.strokeStyle = pen.fillStyle = ink("ink");
  pen.lineWidth = 2;
  for (const mark of score.fermatas) {
    if (mark < first - 1 || mark > end) continue;
    const x = xOf(mark) + COLUMN / 2;
    pen.beginPath();
    pen.arc(x, BAR_HEAD + 18, 8, Math.PI, 0);
    pen.stroke();
    pen.beginPath();
    pen.arc(x, BAR_HEAD + 15, 2, 0, 7);
    pen.fill();
  }
}

function gridKeys(pen, ink, high) {  // a piano on its side
  pen.font = `11px ${ink("sans")}`;
  for (let pitch = LOWEST; pitch <= HIGHEST; pitch++) {
    const y = rowOf(pitch), black = BLACK.includes(pitch % 12);
    if (y < HEAD - ROW || y > high) continue;
    pen.fillStyle = black ? "#241f1a" : "#fff";
    pen.fillRect(0, y, KEYS_WIDE - 2, ROW - 1);
    if (pitch % 12 === 0) { pen.fillStyle = "#665d51"; pen.fillText(`C${pitch / 12 - 1}`, 24, y + 9); }
  }
  pen.fillStyle = ink("card");
  pen.fillRect(0, 0, KEYS_WIDE, HEAD);
  pen.fillStyle = ink("line");
  pen.fillRect(KEYS_WIDE - 2, 0, 1, high);
}

// ---------------------------------------------------------------------------------------------- pointing

function placeOf(event) {
  const box = $("grid").getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top, {scrollLeft, scrollTop} = $("grid-frame");
  return {x, y, frame: clip(Math.floor((x - KEYS_WIDE + scrollLeft) / COLUMN), 0, score.cells.length - 1),
    pitch: clip(HIGHEST - Math.floor((y - HEAD + scrollTop) / ROW), LOWEST, HIGHEST)};
}

function noteUnder({frame, pitch}) {  // {voice, note}, the chosen voice first
  for (const voice of [state.voice, 0, 1, 2, 3]) {
    const note = noteAt(voice, frame);
    if (note && note.pitch === pitch) return {voice, note};
  }
  return null;
}

function pressed(event) {
  const place = placeOf(event), {x, y, frame, pitch} = place;
  if (!mayWrite()) return;
  if (x < KEYS_WIDE) return y > HEAD && hearPitch(pitch, state.voice);
  if (y < BAR_HEAD) return lockBar(frame);
  if (y < HEAD) return toggleFermata(frame);
  const found = noteUnder(place);
  if (found && event.altKey) return lockNote(found.voice, frame);
  if (found && found.voice !== state.voice) chooseVoice(found.voice);
  const edge = found && x > xOf(found.note.start + found.note.length) - Math.min(6, COLUMN / 2);
  view.from = {...place, was: found?.note || null, again: found && view.armed === noteKey(found.voice, found.note), kind: !found ? "new" : edge ? "stretch" : "move", moved: false, before: copyOf(score.cells)};
  Object.assign(state, {at: found ? found.note.start : frame, pitch, selected: found ? found.note.start : null});
  hearPitch(pitch, state.voice);
  $("grid").setPointerCapture(event.pointerId);
  drawGrid();
}

function dragged(event) {
  const {from} = view;
  if (!from) return;
  const {frame, pitch} = placeOf(event);
  if (frame === from.frame && pitch === from.pitch && !from.moved) return;
  from.moved = true;
  score.cells = copyOf(from.before);
  const {was} = from;
  let start = from.frame, end = Math.max(frame + 1, from.frame + 1), to = from.pitch;
  if (was) putNote(score.cells, state.voice, was.start, was.start + was.length, null);
  if (from.kind === "stretch") [start, end] = [was.start, Math.max(was.start + 1, frame + 1)];
  if (from.kind === "move") {
    start = clip(was.start + frame - from.frame, 0, score.cells.length - 1);
    end = start + was.length;
    to = pitch;
  }
  putNote(score.cells, state.voice, start, end, to);
  Object.assign(state, {at: start, pitch: to, selected: start});
  drawGrid();
}

function released() {
  const {from} = view;
  if (!from) return;
  view.from = null;
  view.armed = from.was && !from.moved && !from.again ? noteKey(state.voice, from.was) : null;
  const after = score.cells;
  score.cells = from.before;
  if (from.moved) change((piece) => { piece.cells = after; });
  else if (from.kind === "new") writeNote(from.pitch, from.frame, false);
  else if (from.again) remove(from.was);
  else drawGrid();
}

function cancelled() {  // the browser took the pointer, to scroll
  if (view.from) score.cells = view.from.before;
  view.from = null;
  drawGrid();
}

function listenToGrid() {
  const grid = $("grid");
  grid.onpointerdown = (event) => { if (event.button === 0) pressed(event); };
  grid.onpointermove = dragged;
  grid.onpointerup = released;
  grid.onpointercancel = cancelled;
  grid.onfocus = grid.onblur = drawGrid;
  $("grid-frame").onscroll = drawGrid;
  matchMedia("(prefers-color-scheme: dark)").onchange = () => show();
}

function reveal(frame, pitch = null) {  // scroll so that a place is in view
  const box = $("grid-frame"), x = frame * COLUMN, wide = box.clientWidth - KEYS_WIDE;
  if (x < box.scrollLeft || x > box.scrollLeft + wide - 4 * COLUMN) box.scrollLeft = Math.max(0, x - wide / 4);
  if (pitch === null) return;
  const y = (HIGHEST - pitch) * ROW, high = box.clientHeight - HEAD;
  if (y < box.scrollTop || y > box.scrollTop + high - 2 * ROW) box.scrollTop = Math.max(0, y - high / 2);
}
