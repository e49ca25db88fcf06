"use strict";
// A score as files for others: MIDI and MusicXML. For what a score is see cells.js.

const TICKS = 480;  // of a quarter note
const OWN_FACTS = "\x7dbach facts 1 ";  // before what only our files say: see music/midi.py
const SIGNED_BY = "Four voices";  // the software that our files name

function checksumOf(notes) {  // what is struck when, as zlib.crc32 of 64-bit numbers: the ticks, then the pitches
  const struck = new Set(notes.map(({start, pitch}) => Math.round(start * 480) * 128 + pitch));
  const sorted = [...struck].sort((a, b) => a - b);
  const numbers = [...sorted.map((each) => Math.floor(each / 128)), ...sorted.map((each) => each % 128)];
  let crc = -1;
  for (const number of numbers)
    for (let byte = 0, left = number; byte < 8; byte++, left = Math.floor(left / 256)) {
      crc ^= left & 255;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0xEDB88320 : crc >>> 1;
    }
  return ~crc >>> 0;
}

const bigEndian = (value, size) => Array.from({length: size}, (_, k) => (value >>> (8 * (size - 1 - k))) & 255);
const bytesOf = (words) => [...new TextEncoder().encode(words)];
const inSevens = (value) => { const out = [value & 127]; while (value >>= 7) out.unshift(value & 127 | 128); return out; };

function writeMidi(score) {  // Uint8Array of a file with a track for each voice
  const [beats, unit] = score.metre, sixteenth = TICKS / 4, mode = score.mode || "major", signature = SIGNATURES[mode][score.tonic ?? 0];
  const meta = (time, kind, data) => [time, 0xFF, kind, ...inSevens(data.length), ...data];
  const all = VOICES.map((_, voice) => notesOf(score.cells, voice));
  const facts = JSON.stringify({fermatas: score.fermatas.map((mark) => mark / 4), repeats: [], score: "", key: [score.tonic ?? 0, mode],
    notes: checksumOf(all.flat().map(({start, pitch}) => ({start: start / 4, pitch})))});
  const conductor = [meta(0, 0x7F, bytesOf(OWN_FACTS + facts)), meta(0, 0x51, bigEndian(Math.round(6e7 / score.tempo), 3)),
    meta(0, 0x59, [signature & 255, mode === "minor" ? 1 : 0])];
  if (score.upbeat) conductor.push(meta(0, 0x58, [score.upbeat, 4, 24, 8]));  // in sixteenths, a bar of its own
  conductor.push(meta(score.upbeat * sixteenth, 0x58, [beats, Math.log2(unit), 24, 8]));
  const tracks = all.map((notes, voice) => trackOf([meta(0, 3, bytesOf(VOICES[voice])), ...notes.flatMap(({start, length, pitch}) =>
    [[start * sixteenth, 0x90 + voice, pitch, 90], [(start + length) * sixteenth, 0x80 + voice, pitch, 64]])]));
  return Uint8Array.from([...bytesOf("MThd"), ...bigEndian(6, 4), ...bigEndian(1, 2), ...bigEndian(tracks.length + 1, 2),
    ...bigEndian(TICKS, 2), ...trackOf(conductor), ...tracks.flat()]);
}

function trackOf(events) {  // events: [time, ...bytes], those of one time in their order
  const body = [];
  let now = 0;
  for (const [time, ...data] of events.sort((a, b) => a[0] - b[0])) {
    body.push(...inSevens(time - now), ...data);
    now = time;
  }
  body.push(0, 0xFF, 0x2F, 0);
  return [...bytesOf("MTrk"), ...bigEndian(body.length, 4), ...body];
}

// ---------------------------------------------------------------------------------------------- MusicXML

function writeMusicXml(score) {  // str
  const safe = (words) => words.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const parts = VOICES.map((_, voice) => writtenIn(score, voice));
  for (const mark of score.fermatas) {  // over whatever begins there; else over the first note that is held
    const begins = parts.map((symbols) => symbols.find((each) => each.note && each.at === mark)).filter(Boolean);
    const held = parts.flat().find((each) => each.note && each.at <= mark && mark < each.at + each.size);
    for (const symbol of begins.length || !held ? begins : [held]) symbol.fermata = true;
  }
  return `<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" `
    + `"http://www.musicxml.org/dtds/partwise.dtd">\n`
    + `<score-partwise version="4.0"><work><work-title>${safe(score.title)}</work-title></work>`
    + `<identification><encoding><software>${SIGNED_BY}</software></encoding></identification><part-list>`
    + VOICES.map((name, voice) => `<score-part id="P${voice + 1}"><part-name>${name}</part-name></score-part>`).join("")
    + "</part-list>\n" + parts.map((symbols, voice) => `<part id="P${voice + 1}">${measuresOf(score, symbols, voice)}</part>`).join("\n")
    + "\n</score-partwise>\n";
}

function writtenIn(score, voice) {  // notes and rests of one value each, within bars: [{at, size, type, dots, note, fermata}]
  const notes = notesOf(score.cells, voice), symbols = [];
  let next = 0;
  for (const [first, end] of barsOf(score)) {
    next = passed(notes, next, first);
    for (let [at, to, note] of spansIn(notes, first, end, next))
      for (const [size, type, dots] of pieces(to - at)) {
        symbols.push({at, size, type, dots, note, fermata: false});
        at += size;
      }
  }
  return symbols;
}

function measuresOf(score, symbols, voice) {  // of one part
  const mode = score.mode || "major", signature = SIGNATURES[mode][score.tonic ?? 0], {upbeat} = score;
  let next = 0;
  return barsOf(score).map(([, end], number) => {
    let body = "";
    for (; next < symbols.length && symbols[next].at < end; next++) body += noteXml(symbols[next], signature);
    const below = voice === 2 ? "<clef-octave-change>-1</clef-octave-change>" : "";
    const clef = `<clef><sign>${voice === 3 ? "F" : "G"}</sign><line>${voice === 3 ? 4 : 2}</line>${below}</clef>`;
    const attributes = number ? "" : `<attributes><divisions>4</divisions><key><fifths>${signature}</fifths><mode>${mode}</mode></key>`
      + `<time><beats>${score.metre[0]}</beats><beat-type>${score.metre[1]}</beat-type></time>${clef}</attributes>`
      + (voice ? "" : `<direction placement="above"><direction-type><metronome><beat-unit>quarter</beat-unit>`
        + `<per-minute>${score.tempo}</per-minute></metronome></direction-type><sound tempo="${score.tempo}"/></direction>`);
    return `<measure number="${upbeat ? number : number + 1}"${upbeat && !number ? ' implicit="yes"' : ""}>${attributes}${body}</measure>`;
  }).join("\n");
}

function noteXml({at, size, type, dots, note, fermata}, signature) {
  if (!note) return `<note><rest/><duration>${size}</duration><voice>1</voice><type>${type}</type>${"<dot/>".repeat(dots)}</note>`;
  const [step, alter, octave] = spelled(note.pitch, signature);
  const ties = [at > note.start && "stop", at + size < note.start + note.length && "start"].filter(Boolean);
  const marks = ties.map((tie) => `<tied type="${tie}"/>`).join("") + (fermata ? "<fermata/>" : "");
  return `<note><pitch><step>${step}</step>${alter ? `<alter>${alter}</alter>` : ""}<octave>${octave}</octave></pitch>`
    + `<duration>${size}</duration>${ties.map((tie) => `<tie type="${tie}"/>`).join("")}<voice>1</voice><type>${type}</type>${"<dot/>".repeat(dots)}`
    + `${marks ? `<notations>${marks}</notations>` : ""}</note>`;
}
