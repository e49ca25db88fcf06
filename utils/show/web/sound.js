"use strict";
// Hearing it: the notes of a performance on the additive piano, by Web Audio; the same for a WAV file.

const TONE_RATE = 22_050, TONE_SECONDS = 5, RELEASE_SECONDS = 0.1, AHEAD_SECONDS = 0.6, TICK = 60, NO_SOUND = 2_000, LEAD_IN = 0.06;  // TICK, NO_SOUND: ms
const WAV_RATE = 44_100, ROOM_SECONDS = 1.3, ROOM_SHARE = 0.22, LEVEL = 0.5, SEATS = [-0.3, -0.1, 0.1, 0.3];  // SEATS: of the voices, left to right
const sound = {context: null, tones: new Map(), asked: new Map(), worker: null, muted: [false, false, false, false], solo: [false, false, false, false]};
let playing = null;

// ---------------------------------------------------------------------------------------------- tones

function toneWorker() {
  if (sound.worker) return sound.worker;
  const text = `${$("cells").textContent}\n${$("sounds").textContent}\n
    let piano = null;
    onmessage = ({data}) => {
      if (data.piano) { piano = pianoFrom(JSON.parse(data.piano)); return; }
      const wave = toneOf(piano, data.pitch, ${TONE_RATE}, ${TONE_SECONDS});
      postMessage({pitch: data.pitch, wave}, [wave.buffer]);
    };`;
  sound.worker = new Worker(URL.createObjectURL(new Blob([text], {type: "text/javascript"})));
  sound.worker.onmessage = ({data: {pitch, wave}}) => {
    const buffer = new AudioBuffer({length: wave.length, sampleRate: TONE_RATE});
    buffer.copyToChannel(wave, 0);
    sound.tones.set(pitch, buffer);
    sound.asked.get(pitch).done();
  };
  sound.worker.postMessage({piano: $("piano-data").textContent});
  return sound.worker;
}

function toneFor(pitch) {  // a promise that a pitch can be heard; each tone is made once
  if (!sound.asked.has(pitch)) {
    const entry = {};
    entry.promise = new Promise((done) => { entry.done = done; });
    sound.asked.set(pitch, entry);
    toneWorker().postMessage({pitch});
  }
  return sound.asked.get(pitch).promise;
}

const tonesFor = (notes) => Promise.all([...new Set(notes.map((note) => note.pitch))].map(toneFor));

function warmUp() {  // make the tones that are likely to be needed, those of the piece first
  const wanted = new Set(score.cells.flat().filter((cell) => cell >= 0).map(pitchOf));
  for (let pitch = RANGES[3][0]; pitch <= RANGES[0][1]; pitch++) wanted.add(pitch);
  wanted.forEach(toneFor);
}

// ---------------------------------------------------------------------------------------------- a room, and a note in it

function roomIn(context) {  // {bus, seats}: where notes go, a seat for each voice
  const bus = context.createGain(), room = context.createConvolver(), wet = context.createGain(), guard = context.createDynamicsCompressor(), chance = random(1);
  const echo = context.createBuffer(2, Math.round(ROOM_SECONDS * context.sampleRate), context.sampleRate);
  for (const side of [0, 1]) {
    const wave = echo.getChannelData(side);
    let dull = 0;
    for (let k = 0; k < wave.length; k++) {
      dull += 0.25 * ((2 * chance() - 1) * Math.exp(-6.9 * k / wave.length) - dull);  // walls take the highest sounds
      wave[k] = dull;
    }
  }
  room.buffer = echo;
  wet.gain.value = ROOM_SHARE;
  bus.gain.value = LEVEL;
  bus.connect(guard);
  bus.connect(room).connect(wet).connect(guard);
  guard.connect(context.destination);
  const seats = SEATS.map((place, voice) => {
    const seat = context.createGain(), pan = context.createStereoPanner();
    pan.pan.value = place;
    seat.gain.value = isHeard(voice) ? 1 : 0;
    seat.connect(pan).connect(bus);
    return seat;
  });
  return {bus, seats};
}

function soundNote(context, seat, note, when, skipped = 0) {  // when: in the context's seconds; skipped: of the note's beginning
  const source = context.createBufferSource(), fade = context.createGain(), end = when + note.end - note.start - skipped;
  source.buffer = sound.tones.get(note.pitch);
  fade.gain.setValueAtTime((note.velocity / VELOCITY) ** 2, when);
  fade.gain.setTargetAtTime(0, Math.max(end, when), RELEASE_SECONDS);
  source.connect(fade).connect(seat);
  source.start(when, skipped);
  source.stop(end + 6 * RELEASE_SECONDS);
  return source;
}

const isHeard = (voice) => !sound.muted[voice] && (!sound.solo.some(Boolean) || sound.solo[voice]);

function contextOf() {  // the page's one audio context, made at the first click, as browsers ask for
  if (!sound.context) {
    sound.context = new AudioContext();
    Object.assign(sound, roomIn(sound.context));
  }
  if (sound.context.state === "suspended") sound.context.resume();
  return sound.context;
}

async function isRunning(context) {  // a browser without any sound output never starts
  for (let waited = 0; context.state !== "running" && waited < NO_SOUND; waited += TICK) await new Promise((done) => setTimeout(done, TICK));
  return context.state === "running";
}

async function hearPitch(pitch, voice) {
  const context = contextOf();
  await toneFor(pitch);
  soundNote(context, sound.seats[voice], {pitch, start: 0, end: 0.5, velocity: VELOCITY}, context.currentTime + 0.01);
}

function showHeard() {  // mute and solo are heard at once
  if (sound.seats) sound.seats.forEach((seat, voice) => seat.gain.setTargetAtTime(isHeard(voice) ? 1 : 0, sound.context.currentTime, 0.02));
}

// ---------------------------------------------------------------------------------------------- playing

function loopOf(frame) {  // [start, end] of what is repeated from here: the phrase, the piece, or nothing
  const kind = $("loop").value, ends = score.fermatas.map((mark) => settled(score.cells, mark) + 1);
  if (kind === "no") return null;
  if (kind === "piece") return [0, score.cells.length];
  return [Math.max(0, ...ends.filter((end) => end <= frame)), Math.min(score.cells.length, ...ends.filter((end) => end > frame))];
}

async function play(frame = 0, cells = score.cells) {  // from a frame on, or stop
  if (playing) return stopPlaying();
  const piece = {...score, cells}, {notes, edges, seconds} = performed(piece, $("expression").checked ? 1 : 0);
  if (!notes.length) return say("There is nothing to hear yet. Write a note first.");
  const context = contextOf(), from = interpolated(frame / 4, edges, seconds), loop = loopOf(frame);
  const until = loop ? interpolated(loop[1] / 4, edges, seconds) : seconds.at(-1);
  const run = playing = {notes: notes.filter((note) => note.end > from + 0.03 && note.start < until - 0.01), next: 0, sources: [], edges, seconds, from, until, loop, cells, began: null};
  showPlaying();
  await tonesFor(run.notes.filter((note) => note.start < from + 2));
  tonesFor(run.notes);
  if (!await isRunning(context)) {
    stopPlaying();
    return say("The browser gives no sound here. Connect a loudspeaker, or save the sound as a file.");
  }
  if (playing !== run) return;
  run.began = context.currentTime + LEAD_IN - from;
  run.timer = setInterval(() => schedule(run), TICK);
  schedule(run);
  followRun(run);
}

function schedule(run) {  // give the next notes to the browser; at the end, stop or begin again
  const {context} = sound, now = context.currentTime - run.began;
  while (run.next < run.notes.length && run.notes[run.next].start < now + AHEAD_SECONDS) {
    const note = run.notes[run.next], late = Math.max(0, run.from - note.start);
    if (!sound.tones.has(note.pitch)) break;
    run.next++;
    run.sources.push(soundNote(context, sound.seats[note.voice], note, Math.max(run.began + note.start + late, context.currentTime), late));
  }
  if (now < run.until + (run.loop ? 0 : 0.3)) return;
  const {loop, cells} = run;
  stopPlaying(!loop);
  if (loop) play(loop[0], cells);
}

const frameOf = (run) => Math.min(4 * interpolated(sound.context.currentTime - run.began, run.seconds, run.edges), run.cells.length - 0.01);

function followRun(run) {  // the cursor in grid and score
  if (playing !== run) return;
  view.cursor = Math.max(0, frameOf(run));
  reveal(Math.floor(view.cursor));
  drawGrid();
  showCursor(view.cursor, true);
  requestAnimationFrame(() => followRun(run));
}

function stopPlaying(quietly = false) {
  if (!playing) return;
  clearInterval(playing.timer);
  const {sources} = playing;
  if (!quietly) sources.forEach((source) => { try { source.stop(sound.context.currentTime + 0.05); } catch { /* it has ended */ } });
  playing = null;
  view.cursor = null;
  showPlaying();
  showCursor(null);
  drawGrid();
}

// ---------------------------------------------------------------------------------------------- as a file

async function waveOf(piece) {  // the performance as stereo channels: [Float32Array, Float32Array]
  const {notes} = performed(piece, $("expression").checked ? 1 : 0);
  await tonesFor(notes);
  const context = new OfflineAudioContext(2, Math.ceil((Math.max(...notes.map((note) => note.end)) + ROOM_SECONDS) * WAV_RATE), WAV_RATE);
  const {seats} = roomIn(context);
  for (const note of notes) soundNote(context, seats[note.voice], note, note.start);
  const heard = await context.startRendering();
  return [heard.getChannelData(0), heard.getChannelData(1)];
}

function wavOf(channels, rate = WAV_RATE) {  // 16-bit WAV of waves, as loud as they can be
  const frames = channels[0].length, size = 2 * channels.length, bytes = new DataView(new ArrayBuffer(44 + size * frames));
  const word = (at, text) => [...text].forEach((letter, k) => bytes.setUint8(at + k, letter.charCodeAt(0)));
  let loudest = 1e-9;
  for (const wave of channels) for (const sample of wave) loudest = Math.max(loudest, Math.abs(sample));
  word(0, "RIFF"); bytes.setUint32(4, 36 + size * frames, true); word(8, "WAVEfmt "); bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true); bytes.setUint16(22, channels.length, true); bytes.setUint32(24, rate, true);
  bytes.setUint32(28, size * rate, true); bytes.setUint16(32, size, true); bytes.setUint16(34, 16, true);
  word(36, "data"); bytes.setUint32(40, size * frames, true);
  channels.forEach((wave, channel) => wave.forEach((sample, k) => bytes.setInt16(44 + size * k + 2 * channel, Math.round(29_000 * sample / loudest), true)));
  return new Uint8Array(bytes.buffer);
}
