"use strict";
// What is seen of the piece, and what every button does.

const tunes = JSON.parse($("tunes").textContent), learned = JSON.parse($("ear").textContent);
const PAPER_WIDE = 720, WAY_WIDE = 620;

const say = (words) => { $("said").textContent = words; };  // seen, and read aloud
const tell = (words) => { $("told").textContent = words; };  // read aloud only

// ---------------------------------------------------------------------------------------------- what is seen

function show() {  // all of the page, after any change
  state.at = clip(state.at, 0, score.cells.length - 1);
  drawPage();
  showSettings();
  showMarks();
  showWays();
  showVoices();
  showLengths();
  if (!writing) keep();
}

function drawPage() {  // score and grid
  state.marked = $("marks").checked ? marksIn(score.cells) : [];
  const wide = Math.max(200, $("score").clientWidth), drawn = drawScore(score, wide, state.marked, {gap: wide < 600 ? 7 : 9});
  $("score").innerHTML = drawn.svg;
  state.systems = drawn.systems;
  sizeGrid();
}

function drawForPrint() {  // each system by itself, so that no page ends in the middle of one
  const {svg, systems} = drawScore(score, PAPER_WIDE, []), all = svg.replace("<svg ", '<svg id="printed" ');
  const one = ({y, height}) => `<svg class="score system" width="${PAPER_WIDE}" height="${height}" viewBox="0 ${y} ${PAPER_WIDE} ${height}"><use href="#printed"/></svg>`;
  $("score").innerHTML = `<div hidden>${all}</div>${systems.map(one).join("")}`;
}

function showSettings() {
  $("title").value = score.title;
  $("key").value = `${score.tonic} ${score.mode}`;
  $("metre").value = score.metre.join("/");
  const choices = [...new Set([0, ...Array.from({length: Math.ceil(barLength() / 2) - 1}, (_, k) => 2 * k + 2), score.upbeat])].sort((a, b) => a - b);
  $("upbeat").replaceChildren(...choices.map((frames) => new Option(frames ? `${frames / 4} quarter${frames === 4 ? "" : "s"}` : "none", frames)));
  $("upbeat").value = score.upbeat;
  $("bars").value = Math.ceil(score.cells.length / barLength());
  $("tempo").value = $("tempo-shown").value = Math.round(score.tempo);
  $("undo").disabled = Boolean(writing) || !state.past.length;
  $("redo").disabled = Boolean(writing) || !state.future.length;
}

function showMarks() {
  const count = state.marked.length;
  $("marks-box").hidden = !$("marks").checked;
  $("marks-count").textContent = marksInWords(count);
  $("marks-count").classList.toggle("some", count > 0);
  refill($("marks-list"), state.marked.slice(0, 100).map((mark) => make("li", {}, make("button", {type: "button",
    onclick: () => { state.at = mark.frame; chooseVoice(mark.voices[0]); tell(soundingAt(mark.frame)); showCursor(mark.frame); }},
    `${whereOf(mark.frame)}: ${mark.text}`))));
}

function showWays() {  // the alternatives, side by side
  $("ways").hidden = !state.ways.length;
  refill($("ways-cards"), state.ways.map((way, number) => {
    const chosen = number === state.chosen, {svg, faults} = drawnWay(way);
    const card = make("article", {class: "card way"}), picture = make("div", {class: "picture"});
    picture.innerHTML = svg;
    card.append(make("h3", {}, `Way ${number + 1}`), picture,
      make("p", {class: "note"}, `${marksInWords(faults)}. ${howUsual(way.nats)}`),
      make("div", {class: "row"},
        make("button", {type: "button", "aria-label": `Hear way ${number + 1}`, onclick: () => { stopPlaying(); play(0, way.cells); }}, "Hear"),
        make("button", {type: "button", "aria-label": `Keep way ${number + 1}`, "aria-pressed": String(chosen), disabled: Boolean(writing),
          onclick: () => { if (!chosen) take(number); say(`Way ${number + 1} is in the score.`); }}, chosen ? "In the score" : "Keep this one")));
    card.classList.toggle("chosen", chosen);
    return card;
  }));
}

function drawnWay(way) {  // with its score and marks, which are made once for a metre, a key and phrase ends, and not after each change
  const {metre, upbeat, tonic, mode, fermatas} = score, outline = JSON.stringify([metre, upbeat, tonic, mode, fermatas]);
  if (way.outline !== outline) {
    const {svg} = drawScore({...score, cells: way.cells}, WAY_WIDE, [], {gap: 6});
    Object.assign(way, {outline, svg, faults: marksIn(way.cells).length});
  }
  return way;
}

const marksInWords = (count) => count ? `${count} mark${count > 1 ? "s" : ""}` : "No marks";

function howUsual(nats) {  // how usual a way is for the network: the nats of a frame, beside those of the others
  if (!Number.isFinite(nats)) return "";
  const all = state.ways.map((way) => way.nats);
  const place = nats === Math.min(...all) ? "The most usual of the three" : nats === Math.max(...all) ? "The boldest of the three" : "Between the other two";
  return all.length < WAYS ? "" : `${place}: ${nats.toFixed(2)} nats per sixteenth.`;
}

function showVoices() {
  refill($("voices"), VOICES.map((name, voice) => {
    const toggle = (text, pressed, label, act) => make("button", {type: "button", "aria-pressed": String(pressed), "aria-label": `${label} ${name.toLowerCase()}`, onclick: act}, text);
    return make("div", {class: `voice voice${voice}`, role: "group", "aria-label": name},
      toggle(name, state.voice === voice, "Write the", () => chooseVoice(voice)),
      toggle(score.locks.voices[voice] ? "locked" : "lock", score.locks.voices[voice], "Lock the", () => change((piece) => { piece.locks.voices[voice] = !piece.locks.voices[voice]; })),
      toggle("mute", sound.muted[voice], "Mute the", () => { sound.muted[voice] = !sound.muted[voice]; showHeard(); showVoices(); }),
      toggle("solo", sound.solo[voice], "Hear only the", () => { sound.solo[voice] = !sound.solo[voice]; showHeard(); showVoices(); }));
  }));
}

function showLengths() {
  const dotted = isDotted(state.length), plain = dotted ? state.length * 2 / 3 : state.length;
  const choice = (words, pressed, act) => make("button", {type: "button", "aria-pressed": String(pressed), onclick: act}, words);
  refill($("lengths"), [...Object.entries(LENGTHS).map(([length, words]) => choice(words, plain === Number(length), () => chooseLength(Number(length)))),
    choice("dotted", dotted, () => GRID_KEYS["."]())]);
}

function showCursor(frame, follows = false) {  // a line in the score where it sounds
  const svg = $("score").firstElementChild, system = frame === null ? null : state.systems.find((each) => frame < each.end);
  svg?.querySelector(".cursor")?.remove();
  if (!system || !svg) return;
  const x = interpolated(frame, system.edges, system.xs), line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const {top, bottom} = system;
  line.setAttribute("class", "cursor");
  line.setAttribute("d", `M${x} ${top}V${bottom}`);
  svg.append(line);
  const box = $("score");
  if (follows && (top < box.scrollTop || bottom > box.scrollTop + box.clientHeight)) box.scrollTop = top - 10;
}

function showBusy(share) {  // while the network writes
  const busy = share !== null, focused = document.activeElement?.id;
  $("stop").hidden = $("progress").hidden = !busy;
  $("harmonise").hidden = busy;
  for (const id of ["continue", "examples", "new", "undo", "redo", "key", "metre", "upbeat", "bars"]) $(id).disabled = busy;
  if (busy) $("progress").value = share;
  if (busy && focused === "harmonise") $("stop").focus();  // the keyboard stays where it was
  if (!busy && focused === "stop") $("harmonise").focus();
}

function showPlaying() {
  $("play-word").textContent = playing ? "Stop" : "Play";
  $("play-shape").setAttribute("d", playing ? "M1 1H9V9H1Z" : "M1 0L10 5L1 10Z");
}

// ---------------------------------------------------------------------------------------------- in and out

const fileName = (ending) => `${score.title.replace(/[^\p{L}\p{N} _-]/gu, "").trim() || "piece"}.${ending}`;

async function saveWav() {
  if (!score.cells.flat().some((cell) => cell >= 0)) return say("There is nothing to hear yet. Write a note first.");
  say("The piano plays into a file …");
  save(fileName("wav"), "audio/wav", wavOf(await waveOf(score)));
  say("The sound is saved.");
}

async function openFile(file) {  // what cannot be read leaves the piece as it is
  if (!file) return;
  try {
    if (file.size > MOST_BYTES) throw new Error("The file is larger than 4 MB. Choose a single piece.");
    const {said, given, ...found} = await readFile(file.name, new Uint8Array(await file.arrayBuffer()), learned);
    start({...found, keyGiven: true, endsGiven: true, locks: {...emptyLocks(), voices: given.every(Boolean) ? emptyLocks().voices : given}});
    say([`${file.name} is open.`, ...said].join(" "));
  } catch (error) {
    say(`${file.name} cannot be opened. ${error.message}`);
  }
}

async function copy(text, words) {
  try {
    await navigator.clipboard.writeText(text);
    say(words);
  } catch {  // not allowed: show it, to be copied by hand
    showText(text);
  }
}

function showText(text = asText(score)) {
  $("text").value = text;
  $("text-said").textContent = "";
  if (!$("text-dialog").open) $("text-dialog").showModal();
  $("text").select();
}

function useText() {
  try {
    const text = $("text").value, piece = text.includes("#piece=") ? pieceOfLink(text) : pieceFrom(text);
    $("text-dialog").close();
    start(piece);
    say(`${piece.title} is open.`);
  } catch (error) {
    $("text-said").textContent = error.message;
  }
}
