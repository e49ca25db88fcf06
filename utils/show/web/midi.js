"use strict";
// Bytes of a MIDI file -> its notes and what it says beside them, in quarter notes. What the notes do not need never costs
// the file; what cannot be read is refused with a sentence that says what to do.

const MOST_BYTES = 4e6, MOST_PARTS = 128, DRUMS = 9, LONGEST_NUMBER = 8;  // bytes

// Uint8Array -> {parts: [[{start, end, pitch}]], names, metres: [[quarter, beats, unit]], metre, sharps, tonic, mode, tempo,
// fermatas, exact, sure}: names, str for each part; metre, sharps, tonic, mode, tempo null where the file does not say; exact: it
// begins where the piece does; sure: its key is no guess.
function readMidi(bytes) {
  if (bytes.length > MOST_BYTES) throw new Error("The file is larger than 4 MB: choose a single piece.");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const name = (at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (name(0) !== "MThd") throw new Error("This is not a MIDI file: choose one that ends in .mid.");
  if (bytes.length < 14) throw new Error("The file ends in its header: copy or export it again.");
  const kind = view.getUint16(8), ticks = view.getUint16(12), found = {parts: [], names: [], events: [], drums: 0};
  if (kind > 1) throw new Error("The file holds several pieces (MIDI type 2): save one of them as a separate file of type 1.");
  if (ticks === 0 || ticks >= 32768) throw new Error("The file counts seconds and not beats: save it again as a score.");
  let at = 8 + view.getUint32(4);
  while (at + 8 <= bytes.length && found.parts.length < MOST_PARTS) {
    const stop = Math.min(bytes.length, at + 8 + view.getUint32(at + 4));
    if (name(at) === "MTrk") readTrack(bytes.subarray(at + 8, stop), ticks, found);
    at = stop;
  }
  if (!found.parts.length && found.drums) throw new Error("There are only drums in this file: choose one with a tune.");
  if (!found.parts.length) throw new Error("There are no notes in this file: choose another file.");
  return {parts: found.parts, names: found.names, ...factsOf(found.events, found.parts)};
}

function readTrack(bytes, ticks, found) {  // adds the notes of each channel, and what is said beside them
  const waiting = new Map(), channels = new Map(), reader = {at: 0, bytes};
  let now = 0, status = 0, title = "";
  const release = (key) => {  // of notes of one pitch the first to begin is the first to end
    const open = waiting.get(key);
    if (!open || open.next === open.starts.length) return;
    const start = open.starts[open.next++], channel = Math.floor(key / 128);
    if (!channels.has(channel)) channels.set(channel, []);
    channels.get(channel).push({start: start / ticks, end: Math.max(now, start + 1) / ticks, pitch: key % 128});
  };
  while (reader.at < bytes.length) {
    const later = numberAt(reader);
    if (later === null || reader.at >= bytes.length) break;
    now += later;
    if (bytes[reader.at] === 0xFF || bytes[reader.at] === 0xF0 || bytes[reader.at] === 0xF7) {
      const event = systemEvent(reader, now / ticks);
      if (event === null || event.kind === 0x2F) break;
      if (event.kind === 3 && !title) title = textOf(event.data);
      found.events.push(event);
      continue;
    }
    if (bytes[reader.at] > 0xF0) { reader.at++; continue; }  // what no file should hold
    if (bytes[reader.at] & 128) status = bytes[reader.at++];
    const kind = status >> 4, key = (status & 15) * 128 + (bytes[reader.at] & 127), loud = bytes[reader.at + 1];
    reader.at += kind === 12 || kind === 13 ? 1 : 2;
    if (reader.at > bytes.length || kind !== 8 && kind !== 9) continue;
    if ((status & 15) === DRUMS) found.drums++;
    else if (kind !== 9 || !loud) release(key);
    else if (waiting.has(key)) waiting.get(key).starts.push(now);
    else waiting.set(key, {starts: [now], next: 0});
  }
  for (const [key, open] of waiting) while (open.next < open.starts.length) release(key);
  for (const channel of [...channels.keys()].sort((a, b) => a - b)) {
    found.parts.push(channels.get(channel).sort((a, b) => a.start - b.start || a.pitch - b.pitch));
    found.names.push(title);
  }
}

function numberAt(reader) {  // of seven bits from each byte; null where it does not end
  for (let value = 0, size = 1; reader.at < reader.bytes.length && size <= LONGEST_NUMBER; size++) {
    const byte = reader.bytes[reader.at++];
    value = value * 128 + (byte & 127);
    if (byte < 128) return value;
  }
  return null;
}

function systemEvent(reader, quarter) {  // {kind, data, quarter}; kind null for a system message, null for what is cut off
  const kind = reader.bytes[reader.at++] === 0xFF ? reader.bytes[reader.at++] : null, size = numberAt(reader);
  if (size === null || reader.at + size > reader.bytes.length) return null;
  reader.at += size;
  return {kind, quarter, data: reader.bytes.subarray(reader.at - size, reader.at)};
}

function textOf(bytes) {  // as today's programs write it, or as those of the standard's time did
  try { return new TextDecoder("utf-8", {fatal: true}).decode(bytes); } catch { return new TextDecoder("windows-1252").decode(bytes); }
}

function factsOf(events, parts) {  // what a file says beside its notes
  const facts = {metres: [], metre: null, sharps: null, tonic: null, mode: null, tempo: null, fermatas: [], exact: false, sure: false};
  for (const {kind, data, quarter} of [...events].sort((a, b) => a.quarter - b.quarter)) {
    if (kind === 0x51 && data.length >= 3 && facts.tempo === null)
      facts.tempo = 6e7 / (data[0] * 65536 + data[1] * 256 + data[2] || 5e5);
    if (kind === 0x58 && data.length >= 2 && data[0] && data[0] <= 64 && data[1] <= 6) {
      if (facts.metres.at(-1)?.[0] === quarter) facts.metres.pop();  // of two at one moment the last counts
      facts.metres.push([quarter, data[0], 2 ** data[1]]);
    }
    if (kind === 0x59 && data.length >= 2 && facts.sharps === null) Object.assign(facts, signatureOf((data[0] << 24) >> 24, data[1]));
  }
  const ours = events.filter(({kind, data}) => kind === 0x7F && data.length < 65536).map(({data}) => textOf(data))
    .filter((text) => text.startsWith(OWN_FACTS));
  if (ours.length === 1) Object.assign(facts, ownFacts(ours[0], parts));
  if (facts.metres.length) facts.metre = facts.metres[0].slice(1);
  return facts;
}

function signatureOf(sharps, minor) {
  const mode = minor ? "minor" : "major";
  return Math.abs(sharps) > 7 || minor > 1 ? {} : {sharps, mode, tonic: modulo(7 * sharps + (minor ? 9 : 0), 12)};
}

// MIDI has no word for a fermata. Our files say where they are, with a checksum of the notes: who moves a note also loses
// what is said there, as in music/midi.py.
function ownFacts(text, parts) {
  try {
    const {fermatas, notes, score, key} = JSON.parse(text.slice(OWN_FACTS.length)), mine = Array.isArray(key);
    if (notes !== checksumOf(parts.flat()) || !fermatas.every((mark) => mark >= 0 && mark <= MOST_FRAMES)) return {};
    const known = mine ? {tonic: modulo(Math.round(key[0]) || 0, 12), mode: key[1] === "minor" ? "minor" : "major"} : {};
    return {fermatas: fermatas.map(Number), exact: mine || Boolean(score), sure: mine, ...known};
  } catch { return {}; }
}
