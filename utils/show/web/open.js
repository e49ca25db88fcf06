"use strict";
// Files of others as scores. Whatever cannot be read is refused with a sentence that says what to do.

const SINGERS = [/^(s|soprano?s?|soprani|cantus|discantus|canto)$/, /^(a|alto?s?|alti|altus|contralto)$/, /^(t|tenors?|tenor[ei])$/,
  /^(b|bass|basses|bass[eio]|bassus)$/];
const TUNE_NAMES = /\b(melody|melodie|tune|vocals?|voice(?! \d)|lead|solo|gesang|stimme|chant|canto|cantus|flute|violin)\b/i;
const CHORDAL = 0.1;  // share of a part's notes that begin together, or under one that is held, from which on it has chords
const TOGETHER = 0.1, LEGATO = 0.5;  // quarter notes: onsets of a chord, however played; a key held over the next notes
const PLAYED_FREELY = 0.6, OFF_GRID = 1 / 8, NEARLY = 1e-6;

// Read a file: bytes, Uint8Array; learned, as ear.js takes it -> Promise of a score, as cells.js says what that is, and in it
// given: of each voice whether it is in the file; said: sentences, what was found and how.
async function readFile(name, bytes, learned) {
  if (bytes.length > MOST_BYTES) throw new Error("The file is larger than 4 MB: choose a single piece.");
  if (!bytes.length) throw new Error("The file is empty: copy or export it again.");
  const found = await readAny(bytes), said = [], title = found.title || name.replace(/^.*[\\/]/, "").replace(/\.\w+$/, "") || "Mine";
  const {lines, voices} = choose(found, said), {cells, upbeat, metre} = onBars(found, lines, learned, said), whole = lines.length === 4;
  let score = {title: title.slice(0, 80), cells: Array.from({length: cells.length}, () => [-1, -1, -1, -1]), metre, upbeat};
  cells.forEach((row, now) => row.forEach((cell, place) => { score.cells[now][voices[place]] = cell; }));
  if (!whole) {
    const moved = intoRange(score.cells), far = Math.abs(moved.octaves);
    const way = moved.octaves > 0 ? "up" : "down", many = `${far} octave${far > 1 ? "s" : ""}`;
    if (far) said.push(`The tune is moved ${way} by ${many}, into the range of a soprano.`);
    score.cells = moved.cells;
  }
  score = {...score, ...keyFound(found, score, whole, learned, said), tempo: clip(Math.round(found.tempo || 84), 20, 300)};
  score.fermatas = phrasesFound(found, score, learned, said);
  return {...score, given: [0, 1, 2, 3].map((voice) => voices.includes(voice)), said};
}

async function readAny(bytes) {  // what kind of file it is, its content says
  const start = String.fromCharCode(...bytes.subarray(0, 24));
  if (start.startsWith("MThd")) return readMidi(bytes);
  if (start.startsWith("RIFF") && start.slice(8, 12) === "RMID") return readMidi(bytes.subarray(20));
  const packed = start.startsWith("PK"), content = packed ? await unpacked(bytes) : bytes;
  const wide = content[0] === 0xFF && content[1] === 0xFE ? "utf-16le" : content[0] === 0xFE && content[1] === 0xFF ? "utf-16be" : "";
  const text = (wide ? new TextDecoder(wide).decode(content) : textOf(content)).replace(/^\ufeff/, "").trimStart();
  if (text.startsWith("<")) return readMusicXml(text);
  throw new Error("This is neither a MIDI file nor a score: choose one that ends in .mid, .musicxml or .mxl.");
}

async function unpacked(bytes) {  // the score in a compressed file (.mxl)
  const damaged = () => new Error("The compressed score is damaged: export it again, or as .musicxml.");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length), files = [];
  const short = (at) => at + 2 <= bytes.length ? view.getUint16(at, true) : 0;
  const long = (at) => at + 4 <= bytes.length ? view.getUint32(at, true) : 0;
  let end = bytes.length - 22;
  while (end >= 0 && long(end) !== 0x06054B50) end--;
  if (end < 0) throw damaged();
  for (let at = long(end + 16), left = Math.min(short(end + 10), 1000); left > 0 && long(at) === 0x02014B50; left--) {
    const name = textOf(bytes.subarray(at + 46, at + 46 + short(at + 28)));
    files.push({name, packed: short(at + 10), size: long(at + 20), from: long(at + 42)});
    at += 46 + short(at + 28) + short(at + 30) + short(at + 32);
  }
  const score = files.find(({name}) => /\.(musicxml|xml)$/i.test(name) && !/^(META-INF|__MACOSX)/.test(name));
  if (!score) throw new Error("There is no score in this archive: choose a file that ends in .mxl, .musicxml or .mid.");
  const first = score.from + 30 + short(score.from + 26) + short(score.from + 28), data = bytes.subarray(first, first + score.size);
  if (score.packed === 0) return data;
  try {
    const parts = [], reader = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
    for (let size = 0, step = await reader.read(); !step.done; step = await reader.read()) {
      parts.push(step.value);
      size += step.value.length;
      if (size > MOST_TEXT) { await reader.cancel(); throw damaged(); }
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  } catch { throw damaged(); }
}

// ---------------------------------------------------------------------------------------------- which notes

const meanPitch = (notes) => meanOf(notes.map((note) => note.pitch));

function singerOf(name) {  // 0 soprano to 3 bass by the first word of a part's name, or -1
  const word = (name.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().match(/[a-z]+/) || [""])[0];
  return SINGERS.findIndex((words) => words.test(word));
}

// The notes of four voices, or of the tune and named voices with it: {lines, voices}, which voice each line is.
function choose({parts, names}, said) {
  const lines = parts.map(highestOf), chords = parts.map(hasChords), named = new Map();
  const label = (part) => `part ${part + 1}${names[part] ? ` “${names[part]}”` : ""}`;
  names.forEach((name, part) => {
    const singer = singerOf(name);
    if (singer >= 0 && !chords[part] && !named.has(singer)) named.set(singer, part);
  });
  const singers = [...named.keys()].sort();
  if (singers.length === 4 || parts.length === 4 && !chords.includes(true)) {
    said.push("All four voices are in the file.");
    const inOrder = meanPitch(parts[0]) < meanPitch(parts[parts.length - 1]) ? [...lines].reverse() : lines;
    return {lines: singers.length === 4 ? singers.map((singer) => lines[named.get(singer)]) : inOrder, voices: [0, 1, 2, 3]};
  }
  if (named.has(0)) {
    if (parts.length > 1) said.push(`Taken from the file: ${singers.map((singer) => VOICES[singer].toLowerCase()).join(", ")}.`);
    return {lines: singers.map((singer) => lines[named.get(singer)]), voices: singers};
  }
  const melodies = [...parts.keys()].filter((part) => TUNE_NAMES.test(names[part]));
  const among = melodies.length === 1 ? melodies : [...parts.keys()];
  const chosen = among.reduce((best, part) => meanPitch(lines[part]) > meanPitch(lines[best]) ? part : best);
  if (parts.length > 1) said.push(`The tune is ${label(chosen)} of ${parts.length}.`);
  if (chords[chosen]) said.push("It has chords: their highest notes are the tune.");
  return {lines: [lines[chosen]], voices: [0]};
}

function hasChords(notes) {  // whether there is more than one note at a time; a key that is held over the next note is no chord
  let many = 0, held = -Infinity, before = -Infinity;
  for (const note of notes) {
    many += (note.start - before < TOGETHER) + (held > note.start + LEGATO);
    before = Math.max(before, note.start);
    held = Math.max(held, note.end);
  }
  return many > CHORDAL * notes.length;
}

function highestOf(notes) {  // of notes that begin together the highest, none under a higher one that is held; each ends with the next
  const line = [];
  for (const note of notes) {
    const last = line.at(-1);
    if (last && note.start - last.start < TOGETHER) {
      if (note.pitch > last.pitch) Object.assign(last, {pitch: note.pitch, end: note.end});
    } else if (!last || note.pitch > last.pitch || last.end < Math.min(note.start + LEGATO, note.end)) line.push({...note});
  }
  for (let place = 0; place + 1 < line.length; place++) line[place].end = Math.min(line[place].end, line[place + 1].start);
  return line;
}

// ---------------------------------------------------------------------------------------------- where they are

function onBars(found, lines, learned, said) {  // {cells, metre, upbeat}: frames of as many cells as there are lines
  const notes = lines.flat(), first = Math.round(Math.min(...lines.map((line) => line[0].start)) * 4) / 4;
  const end = notes.reduce((most, note) => Math.max(most, note.end), 0);
  const beside = (quarter, grid) => Math.abs(quarter * grid - Math.round(quarter * grid));
  const off = (grid, far) => notes.filter(({start}) => beside(start, grid) > far).length;
  if (Math.min(...[4, 6, 8].map((grid) => off(grid, OFF_GRID))) > PLAYED_FREELY * notes.length)
    throw new Error("The piece is played so freely that no bar can be found: play it with a click, or write it in a notation program.");
  if (off(4, 0.01)) said.push(`Notes moved to the nearest sixteenth: ${off(4, 0.01)}.`);
  const written = found.metres.length && (found.metres.at(-1)[1] * 16) % found.metres.at(-1)[2] === 0;
  let {start, upbeat} = !written ? {start: first, upbeat: 0} : found.exact ? {start: 0, upbeat: upbeatIn(found.metres)}
    : beginningOf(found.metres, first, end);
  let metre = written ? mainMetre(found.metres, start + upbeat, end) : null;
  if (metre && (metre[0] * 16) % metre[1]) metre = null;
  if (!metre) { start = first; upbeat = 0; }
  const cells = cellsFrom(lines, start);
  if (!metre) ({metre, upbeat} = metreOf(lineOf(cells), learned));
  else upbeat = Math.round(upbeat * 4);
  const quarters = upbeat / 4, before = upbeat ? `upbeat of ${quarters} quarter note${quarters === 1 ? "" : "s"}` : "no upbeat";
  said.push(`Metre ${metre.join("/")}, ${before}: ${written ? "as written in the file" : "by ear"}.`);
  found.begins = start;
  return {cells, metre, upbeat};
}

function cellsFrom(lines, start) {  // on the grid: to the nearest sixteenth, each note one of them at least
  const frameOf = (quarter) => Math.floor((quarter - start) * 4 + 0.5), found = lines.map((line) => {
    const notes = [];
    for (const note of line) {
      const from = Math.max(0, frameOf(note.start)), last = notes.at(-1), size = note.end - note.start;
      if (last?.from === from && size <= last.size) continue;  // of two in one place the longer
      if (last?.from === from) notes.pop();
      notes.push({from, to: Math.max(frameOf(note.end), from + 1), pitch: note.pitch, size});
    }
    return notes;
  });
  const frames = found.flat().reduce((most, note) => Math.max(most, note.to), 1);
  if (frames > MOST_FRAMES) throw new Error("The piece has more than 400 bars: choose a shorter one.");
  const cells = Array.from({length: frames}, () => lines.map(() => -1));
  found.forEach((notes, voice) => {
    for (const {from, to, pitch} of notes) for (let now = from; now < to; now++) cells[now][voice] = now === from ? pitch : pitch + HELD;
  });
  return cells;
}

function upbeatIn(metres) {  // the upbeat that time signatures tell of, in quarter notes, in any of the ways that programs write it
  if (!metres.length) return 0;
  const [[start, beats, unit], next] = metres, bar = 4 * beats / unit;
  if (start > 0) return start < bar ? start : 0;
  return next && next[0] <= bar + 1 / 32 && next[0] < 4 * next[1] / next[2] ? next[0] : 0;
}

function beginningOf(metres, first, end) {  // grid.beginning: silence is cut to the bar; half a bar of silence makes an upbeat
  const before = metres.filter((mark) => mark[0] <= first + NEARLY), after = metres.slice(before.length);
  const metre = before.length ? before.at(-1).slice(1) : mainMetre(metres, upbeatIn(metres), end), bar = 4 * metre[0] / metre[1];
  if (!before.length && after.length && after[0][0] - first < bar) return {start: first, upbeat: after[0][0] - first};
  let now = before.length ? before.at(-1)[0] : 0;
  now += Math.floor((first - now + NEARLY) / bar) * bar;
  const silent = first - now, upbeat = upbeatIn([[0, ...metre], ...after.map(([at, ...each]) => [at - now, ...each])]);
  return upbeat || silent >= bar / 2 ? {start: first, upbeat: (upbeat || bar) - silent} : {start: now, upbeat: 0};
}

function mainMetre(metres, begin, end) {  // of the first full bar, or of most of the time where that one is rare
  const times = new Map();
  metres.forEach(([start, ...metre], place) => {
    const inside = Math.min(metres[place + 1]?.[0] ?? end, end) - Math.max(start, begin);
    if (inside > 0) times.set(String(metre), (times.get(String(metre)) || 0) + inside);
  });
  if (!times.size) return (metres.filter((mark) => mark[0] <= begin).at(-1) || metres[0]).slice(1);
  const [[first, time]] = times, total = sumOf([...times.values()]);
  const [most] = [...times].reduce((best, each) => each[1] > best[1] ? each : best);
  return (time >= total / 3 ? first : most).split(",").map(Number);
}

// ---------------------------------------------------------------------------------------------- key and phrases

function keyFound(found, score, whole, learned, said) {  // {tonic, mode}
  const written = found.sharps ? found.sharps : null, name = ({tonic, mode}) => `${KEYS[mode][tonic]} ${mode}`;
  let key = whole ? keyOfAll(score.cells) : keyOf(lineOf(score.cells), learned, written);
  let how = whole ? "heard in all voices" : `heard in the tune${written === null ? "" : " and its signature"}`;
  const signed = written === null ? [] : signedKeys(written).map(keyNumbered);
  const asWritten = {tonic: found.tonic, mode: found.mode}, agrees = signed.some((each) => name(each) === name(key));
  if (found.sure && found.mode) [key, how] = [asWritten, "as written in the file"];
  else if (whole && signed.length && !agrees) [key, how] = [asWritten, "by its signature"];
  said.push(`Key ${name(key)}: ${how}.`);
  return key;
}

function phrasesFound(found, score, learned, said) {  // frames on which phrases end
  const marks = found.fermatas.map((quarter) => Math.round((quarter - found.begins) * 4));
  let ends = [...new Set(marks)].filter((frame) => frame >= 0 && frame < score.cells.length);
  const how = ends.length ? "fermatas in the file" : "heard in long notes, rests and lengths of phrases";
  if (!ends.length) ends = phraseEndsOf(lineOf(score.cells), score.upbeat, barFrames(score.metre), phraseBeat(score.metre), learned);
  said.push(`Phrases end in bars ${ends.map((frame) => barNumber(frame, score)).join(", ")}: ${how}.`);
  return ends;
}
