"use strict";
// Every button gets its work, and the page begins with the piece of the last visit, of a link, or an example.

function fillChoices() {
  $("examples").replaceChildren(new Option("a tune …", ""), ...tunes.map((tune, number) => new Option(tune.title, number)));
  $("metre").replaceChildren(...METRES.map((metre) => new Option(metre)));
  $("key").replaceChildren(...Object.entries(KEYS).flatMap(([mode, names]) => names.map((name, tonic) => new Option(`${name} ${mode}`, `${tonic} ${mode}`))));
}

function setMetre(text) {
  const metre = text.split("/").map(Number), bar = barFrames(metre);
  change((piece) => {
    Object.assign(piece, {metre, upbeat: Math.min(piece.upbeat, bar - 1)});
    if (piece.cells.every((row) => row.every((cell) => cell < 0))) resize(piece, 8);
  });
}

const WORK = {  // what a click on a button does
  new: () => { start(blank()); say("The page is empty. Click in the grid, or on the keyboard below it."); $("grid").focus(); },
  "guess-key": () => { guessKey(); say(`It sounds like ${KEYS[score.mode][score.tonic]} ${score.mode}.`); },
  "guess-ends": () => { guessEnds(); say("The fermatas show where phrases seem to end."); },
  play: () => play(0), harmonise, stop: stopWriting, continue: goOn, undo: () => travel(state.past, state.future), redo: () => travel(state.future, state.past),
  rest: () => writeRest(), remove: () => remove(), fermata: () => toggleFermata(state.at), "lock-note": () => lockNote(state.voice, state.at),
  "lock-bar": () => lockBar(state.at), midi: connectMidi,
  "save-midi": () => save(fileName("mid"), "audio/midi", writeMidi(score)), "save-xml": () => save(fileName("musicxml"), "application/vnd.recordare.musicxml+xml", writeMusicXml(score)),
  "save-wav": saveWav, print: () => print(), "copy-link": () => copy(linkOf(score), "The link is copied. It holds the whole piece."),
  "open-text": () => showText(), "text-open": useText, "text-copy": () => { $("text").select(); copy($("text").value, "The text is copied."); }, "text-close": () => $("text-dialog").close(),
};

const CHANGED = {  // what another choice does
  examples: (value) => { if (value !== "") { start({...tunes[value], keyGiven: true, endsGiven: true}); say(`${score.title}: press Harmonise.`); } $("examples").value = ""; },
  key: (value) => { const [tonic, mode] = value.split(" "); change((piece) => Object.assign(piece, {tonic: Number(tonic), mode, keyGiven: true})); },
  metre: setMetre, upbeat: (value) => change((piece) => { piece.upbeat = Number(value); }),
  bars: (value) => change((piece) => resize(piece, clip(Math.round(Number(value)) || 1, 1, 400))),
  tempo: (value) => { const frame = playing && frameOf(playing); change((piece) => { piece.tempo = Number(value); }); if (playing) { stopPlaying(); play(Math.floor(frame)); } },
  title: (value) => change((piece) => { piece.title = value.trim() || "My tune"; }), marks: () => show(),
};

function pageKeys(event) {
  if (!(event.ctrlKey || event.metaKey) || /^(INPUT|TEXTAREA)$/.test(event.target.tagName)) return;
  const key = event.key.toLowerCase();
  if (key === "z" && !event.shiftKey) travel(state.past, state.future);
  else if (key === "y" || (key === "z" && event.shiftKey)) travel(state.future, state.past);
  else return;
  event.preventDefault();
}

function listen() {
  for (const [id, work] of Object.entries(WORK)) $(id).onclick = () => work();
  for (const [id, work] of Object.entries(CHANGED)) $(id).onchange = () => work($(id).value);
  $("tempo").oninput = () => { $("tempo-shown").value = $("tempo").value; };
  $("file").onchange = () => { openFile($("file").files[0]); $("file").value = ""; };
  $("grid").onkeydown = gridKey;
  $("score").onkeydown = scoreKey;
  $("score").onclick = (event) => {
    const note = event.target.closest(".note");
    if (!note) return;
    stopPlaying();
    state.at = Number(note.dataset.frame);
    chooseVoice(Number(note.dataset.voice));
    play(state.at);
  };
  addEventListener("keydown", pageKeys);
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => { event.preventDefault(); openFile(event.dataTransfer.files[0]); });
  addEventListener("resize", drawPage);
  addEventListener("beforeprint", drawForPrint);
  addEventListener("afterprint", drawPage);
  addEventListener("hashchange", () => openLink());
  listenToGrid();
}

function openLink() {  // the piece of the address, if there is one
  try {
    const piece = pieceOfLink(location.hash);
    if (piece) start(piece);
    return Boolean(piece);
  } catch {
    say("The link does not hold a whole piece. Copy it again, from its first letter to the last.");
    return false;
  }
}

function begin() {
  fillChoices();
  buildPiano();
  $("midi").hidden = !navigator.requestMIDIAccess;
  const before = kept();
  score = {...blank(1), ...copyOf(before || {...tunes[0], keyGiven: true, endsGiven: true})};
  state.pitch = notesOf(score.cells, state.voice)[0]?.pitch ?? MIDDLE_OF_SOPRANO;
  openLink();
  listen();
  show();
  reveal(0, state.pitch);
  showPiano();
  say(before ? `Your last piece, ${score.title}, is open again.` : `${score.title} is an example. Press Harmonise.`);
  setTimeout(() => { engine(); warmUp(); }, 50);  // weights and tones are ready before they are asked for
}

begin();
