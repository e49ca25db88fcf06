"use strict";
// What the network writes: a worker that holds it, three ways to fill in what is not locked, and the choice among them.

const WAYS = 3, DRAFTS = 8, PART = 8;  // PART: frames after which what is written so far is shown
let worker = null, runs = 0, writing = null;  // writing: of the run that is on, its number, the piece before, what is known, what is written

function engine() {  // the worker, made once: the network's scripts, and messages
  if (worker) return worker;
  const text = ["cells", "engine", "worker"].map((id) => $(id).textContent).join("\n");
  worker = new Worker(URL.createObjectURL(new Blob([text], {type: "text/javascript"})));
  worker.onmessage = ({data}) => hearFrom(data);
  worker.onerror = (event) => {
    event.preventDefault();
    worker = null;
    if (!writing) return;
    score = writing.before;
    forgetRun();
    show();
    say(`The network stopped with an error (${event.message}). Your piece has not changed; try again.`);
  };
  worker.postMessage({network: $("network").textContent});
  return worker;
}

function harmonise() {
  trim();
  if (!score.keyGiven) guessKey();
  if (!score.endsGiven) guessEnds();
  const known = untilTheEnd(lockedCells());
  if (known.every((row) => row.every(Boolean))) return say("Everything is locked. Unlock a voice, a bar or a note, and the network will write it.");
  run(known, "Here are three ways. Listen to each and keep the one you like. Lock the good parts and press Harmonise to write the rest again.");
}

function goOn() {  // eight bars more, in all voices
  if (VOICES.every((_, voice) => isSilent(score.cells, voice))) return say("There is nothing to continue yet. Write some notes first.");
  const before = copyOf(score), old = score.cells.length;
  let longer;
  try { longer = longerBy(score, 8); } catch { return say("The piece has 400 bars, the maximum."); }
  if (!score.keyGiven) guessKey();
  Object.assign(score, {cells: longer.cells, fermatas: longer.fermatas});
  const given = VOICES.map((_, voice) => !isSilent(before.cells, voice));
  run(score.cells.map((_, now) => given.map((is) => now < old && is)), "Here are three ways to continue. Keep the one you like.", before);
}

function untilTheEnd(known) {  // after the last note of what is locked, all voices rest
  let end = known.length;
  while (end > 0 && !VOICES.some((_, voice) => known[end - 1][voice] && score.cells[end - 1][voice] >= 0)) end--;
  return end ? known.map((row, now) => row.map((is, voice) => is || (now >= end && score.cells[now][voice] < 0))) : known;
}

function trim() {  // bars at the end in which nothing is written are not harmonised
  let end = score.cells.length;
  while (end > 0 && score.cells[end - 1].every((cell) => cell < 0)) end--;
  if (!end) return;
  const bars = Math.ceil((end + (score.upbeat ? barLength() - score.upbeat : 0)) / barLength());
  const last = score.upbeat ? Math.max(end, Math.min(score.cells.length, bars * barLength() - barLength())) : bars * barLength();
  if (score.cells.length - last >= barLength()) change((piece) => { piece.cells.length = last; piece.fermatas = piece.fermatas.filter((mark) => mark < last); });
}

function run(known, words, before = copyOf(score)) {
  stopPlaying();
  forgetWays();
  writing = {number: ++runs, before, known, words, part: null, drawn: 0, cost: 0};
  showBusy(0);
  say("The network writes …");
  engine().postMessage({run: writing.number, job: jobOf(score, known), attempts: WAYS,
    options: {temperature: Number($("boldness").value), drafts: DRAFTS, seed: Math.floor(Math.random() * 2 ** 31)}, part: PART});
}

function hearFrom({run: number, share, part, way, finished}) {  // a message of the worker
  if (!writing || number !== writing.number) return;
  if (share !== undefined) showBusy(share);
  if (part) {
    const now = performance.now();
    writing.part = part;
    if (now - writing.drawn > 4 * writing.cost) {  // a long piece takes long to draw
      score.cells = merged(part);
      drawPage();
      Object.assign(writing, {drawn: performance.now(), cost: performance.now() - now});
    }
  }
  if (way) {
    state.ways.push({...way, cells: merged(way.cells)});
    if (state.ways.length === 1) take(0, true);
    else showWays();
  }
  if (finished) {
    const {words} = writing;
    forgetRun();
    show();
    say(words);
  }
}

function merged(part) {  // what is written so far over what is there; nothing that is locked moves
  return mended(score.cells.map((row, now) => row.map((cell, voice) => now >= part.length || writing.known[now][voice] ? cell : part[now][voice])));
}

function take(number, first = false) {  // put one of the ways into the piece
  remember(first ? writing.before : copyOf(score));
  state.chosen = number;
  state.selected = null;
  score.cells = copyOf(state.ways[number].cells);
  show();
}

function stopWriting() {  // what was written so far stays, and can be undone
  if (!writing) return;
  worker.postMessage({stop: true});
  if (!writing.part) score = writing.before;
  else if (!state.ways.length) {
    score.cells = merged(writing.part);
    remember(writing.before);
  }
  forgetRun();
  show();
  say("Stopped. The notes written so far stay; Undo removes them.");
}

function forgetRun() {
  writing = null;
  showBusy(null);
}

function forgetWays() {
  state.ways = [];
  state.chosen = -1;
}

function guessKey() {
  if (isSilent(score.cells, 0)) return;
  const {tonic, mode} = keyOf(lineOf(score.cells, 0), learned);
  if (tonic !== score.tonic || mode !== score.mode) change((piece) => Object.assign(piece, {tonic, mode}));
}

function guessEnds() {
  if (isSilent(score.cells, 0)) return;
  const ends = phraseEndsOf(lineOf(score.cells, 0), score.upbeat, barLength(), phraseBeat(score.metre), learned);
  if (String(ends) !== String(score.fermatas)) change((piece) => { piece.fermatas = [...ends]; });
}
