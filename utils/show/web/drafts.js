"use strict";
// Ways in which a piece is being written, and the network's state in each: frame by frame, all of them together.

class Drafts {
  constructor(network, piece, prepared, count = 1) {
    Object.assign(this, {network, piece, prepared, count, written: 0, rows: new Int32Array(64)});  // written: frames
    const again = (values) => Int32Array.from({length: count * values.length}, (_, k) => values[k % values.length]);
    this.kept = {  // of each draft as much
      pitch: again(piece.pitch), struck: again(piece.struck), nats: new Float64Array(count),
      first: new Float64Array(count * network.units), second: new Float64Array(count * network.units),
      last: new Int32Array(4 * count), before: new Int32Array(4 * count), age: new Int32Array(4 * count),
    };
    this.makeRoom();
  }

  makeRoom() {  // for what is thought within a frame
    const {network, count} = this, room = (size) => new Float64Array(count * size);
    this.room = {past: room(network.width), fresh: room(3 * network.units), old: room(3 * network.units),
      joined: room(2 * network.units + network.width + network.channels), context: room(network.thinks),
      x: room(network.thinks), thought: room(network.thought), values: room(HEAD_SIZE), logits: room(VOCAB)};
  }

  choose(rows) {  // go on from these drafts: a number for each that there will be
    for (const [name, values] of Object.entries(this.kept)) {
      const size = values.length / this.count, out = new values.constructor(size * rows.length);
      rows.forEach((row, place) => out.set(values.subarray(row * size, (row + 1) * size), place * size));
      this.kept[name] = out;
    }
    const grown = rows.length !== this.count;
    this.count = rows.length;
    if (grown) this.makeRoom();
  }

  begin(now) {  // take the frame before, and think about this one
    const {network, piece, prepared, rows, count, kept, room} = this, {net, width, units, channels, thinks} = network;
    const size = 4 * piece.frames, ago = 4 * Math.max(now - 1, 0), {joined, context, past: x} = room, inputs = joined.length / count;
    for (let row = 0; row < count; row++) {
      x.set(prepared.base.subarray(now * width, (now + 1) * width), row * width);
      const found = see(rows, kept.pitch, kept.struck, now ? ALL : NOBODY, row * size + ago);
      for (let k = 0; k < found; k++) addRow(x, row * width, net["read_past/kernel"], rows[k], width);
    }
    for (let k = 0; k < x.length; k++) x[k] = Math.tanh(x[k]);
    this.gru(0, x, width, kept.first);
    this.gru(1, kept.first, units, kept.second);
    for (let row = 0; row < count; row++) {
      let at = row * inputs;
      joined.set(x.subarray(row * width, (row + 1) * width), at);
      joined.set(kept.first.subarray(row * units, (row + 1) * units), at += width);
      joined.set(kept.second.subarray(row * units, (row + 1) * units), at += units);
      joined.set(prepared.encoded.subarray(now * channels, (now + 1) * channels), at + units);
      context.set(prepared.outlined.subarray(now * thinks, (now + 1) * thinks), row * thinks);
      this.addLines(row, now, row * size + ago);
    }
    addProducts(context, joined, network.turned["read_context/kernel"], count, inputs, thinks);
  }

  gru(number, x, inputs, state) {  // one step; its gates in Keras's order: update, reset, candidate
    const {network, count, room: {fresh, old}} = this, {net, units, turned} = network, bias = net[`gru_${number}/bias`];
    for (let row = 0; row < count; row++)
      for (let k = 0; k < 3 * units; k++) {
        fresh[3 * units * row + k] = bias[k];
        old[3 * units * row + k] = bias[3 * units + k];
      }
    addProducts(fresh, x, turned[`gru_${number}/kernel`], count, inputs, 3 * units);
    addProducts(old, state, turned[`gru_${number}/recurrent_kernel`], count, units, 3 * units);
    for (let row = 0; row < count; row++)
      for (let k = 0, at = 3 * units * row, to = units * row; k < units; k++, at++, to++) {
        const update = sigmoid(fresh[at] + old[at]), reset = sigmoid(fresh[at + units] + old[at + units]);
        state[to] = update * state[to] + (1 - update) * Math.tanh(fresh[at + 2 * units] + reset * old[at + 2 * units]);
      }
  }

  addLines(row, now, ago) {  // infill_numpy.lines: where voices come from and go to
    const {piece, kept, network: {net, thinks}} = this, kernel = net["read_lines/kernel"], out = this.room.context;
    for (let voice = 0; voice < 4; voice++) {
      const at = 4 * now + voice, mine = 4 * row + voice, last = now ? kept.pitch[ago + voice] : 0;
      const next = piece.nextPitch[at], then = piece.thenPitch[at];
      const named = [intervalOf(last, kept.before[mine]), classOf(NOTE_AGES, kept.age[mine]), piece.nextFar[at],
        intervalOf(next, last), next ? DEGREES[next] : -1, piece.thenFar[at], intervalOf(then, next), then ? DEGREES[then] : -1];
      for (let part = 0, start = 0; part < named.length; start += 4 * LINE_PARTS[part++])
        if (named[part] >= 0) addRow(out, row * thinks, kernel, start + LINE_PARTS[part] * voice + named[part], thinks);
    }
  }

  logits(now, voice, seen) {  // log-probabilities of hold, rest and each pitch: (drafts, VOCAB), until the next call
    const {network, piece, rows, count, kept, room: {context, x, thought}} = this, {net, thinks} = network;
    x.set(context);
    for (let row = 0; row < count; row++) {
      const found = see(rows, kept.pitch, kept.struck, seen, 4 * (row * piece.frames + now));
      for (let k = 0; k < found; k++) addRow(x, row * thinks, net["read_now/kernel"], rows[k], thinks);
      addRow(x, row * thinks, net["read_voice/kernel"], voice, thinks);
    }
    for (let k = 0; k < x.length; k++) x[k] = silu(x[k]);
    thought.fill(0);
    addBias(thought, net["think/bias"], count, network.thought);
    addProducts(thought, x, network.turned["think/kernel"], count, thinks, network.thought);
    for (let k = 0; k < thought.length; k++) thought[k] = silu(thought[k]);
    this.head(now, voice, seen);
    for (let row = 0; row < count; row++) {
      this.byInterval(row, now, voice, seen);
      this.demand(row, now, voice);
      normalise(this.room.logits, row * VOCAB);
    }
    return this.room.logits;
  }

  head(now, voice, seen) {  // what it says of a voice, but for intervals from where no voice is
    const {network, piece, count, kept, room: {values, thought}} = this, weights = network.turned[`head_${voice}/kernel`];
    const add = (first, end) => addProducts(values, thought, weights, count, network.thought, HEAD_SIZE, first, end);
    values.fill(0);
    addBias(values, network.net[`head_${voice}/bias`], count, HEAD_SIZE);
    const near = [now > 0, now > 0, ...[0, 1, 2, 3].map((other) => piece.nextPitch[4 * now + other] > 0)];
    add(0, NEAR_FIRST);
    near.forEach((is, kind) => { if (is) add(NEAR_FIRST + kind * NEAR, NEAR_FIRST + (kind + 1) * NEAR); });
    OTHERS[voice].forEach((other, kind) => { if (seen[other]) add(FAR_FIRST + kind * FAR, FAR_FIRST + (kind + 1) * FAR); });
    add(PARALLEL_FIRST, HEAD_SIZE);
  }

  byInterval(row, now, voice, seen) {  // infill_numpy.by_interval: logits from what the head says
    const {piece, kept, room: {values, logits}} = this, start = row * HEAD_SIZE, out = row * VOCAB;
    const at = 4 * now, mine = 4 * (row * piece.frames + now), own = now ? kept.pitch[mine - 4 + voice] : 0;
    const soon = piece.soon[at + voice], others = OTHERS[voice];
    logits[out] = own ? values[start] : NEVER;
    logits[out + 1] = values[start + 1];
    for (let pitch = 1; pitch <= SPAN; pitch++)
      logits[out + pitch + 1] = values[start + pitch + 1] + values[start + VOCAB + DEGREES[pitch]];
    addIntervals(logits, out, values, start + NEAR_FIRST, NEAR, own);
    addIntervals(logits, out, values, start + NEAR_FIRST + NEAR, NEAR, kept.before[4 * row + voice]);
    for (let other = 0; other < 4; other++)
      addIntervals(logits, out, values, start + NEAR_FIRST + (other + 2) * NEAR, NEAR, piece.nextPitch[at + other]);
    for (let kind = 0; kind < 3; kind++) {
      const other = others[kind], sounds = seen[other] ? kept.pitch[mine + other] : 0;
      if (!sounds) continue;
      addIntervals(logits, out, values, start + FAR_FIRST + kind * FAR, FAR, sounds);
      const was = now ? kept.pitch[mine - 4 + other] : 0, together = piece.soonFar[at + other] === piece.soonFar[at + voice];
      addParallels(logits, out, own, was, sounds, values[start + PARALLEL_FIRST + kind] - 1);
      addParallels(logits, out, soon, together ? piece.soon[at + other] : 0, sounds, values[start + PARALLEL_FIRST + 3 + kind] - 1);
    }
  }

  demand(row, now, voice) {  // a note that is given from its middle on has to sound
    const {piece, kept, room: {logits}} = this, must = piece.must[4 * now + voice], out = row * VOCAB;
    if (!must) return;
    const own = now ? kept.pitch[4 * (row * piece.frames + now - 1) + voice] : 0;
    if (must !== own) logits[out] = NEVER;
    logits[out + 1] = NEVER;
    for (let pitch = 1; pitch <= SPAN; pitch++) if (pitch !== must) logits[out + pitch + 1] = NEVER;
  }

  forbid(row, now, voice, seen) {  // infill_numpy._unsingable: no rest, no note that the voice cannot sing
    const {piece, kept, room: {logits}} = this, out = row * VOCAB, high = RANGES[voice][1] - LOW + 1 - piece.home;
    if (piece.must[4 * now + voice]) return;
    let low = RANGES[voice][0] - LOW + 1 - piece.home;
    const above = (voice === 1 || voice === 2) && seen[voice - 1] ? kept.pitch[4 * (row * piece.frames + now) + voice - 1] : 0;
    if (above > 0) low = Math.max(low, Math.min(above - OCTAVE, high));
    logits[out + 1] = NEVER;
    for (let pitch = 1; pitch <= SPAN; pitch++) if (pitch < low || pitch > high) logits[out + pitch + 1] = NEVER;
  }

  put(row, token, now, voice) {
    const {pitch, struck} = this.kept, at = 4 * (row * this.piece.frames + now) + voice, last = now ? pitch[at - 4] : 0;
    pitch[at] = token > NO_NOTE ? token - 1 : token === HOLD ? last : 0;
    struck[at] = token > NO_NOTE ? 1 : 0;
  }

  frame(now, chance, temperature, singable = true) {  // write what is not given of one frame
    const {piece, count, kept} = this, seen = piece.given.slice(4 * now, 4 * now + 4);
    this.begin(now);
    if (!seen.every(Boolean)) this.written++;
    for (const voice of ORDER) {
      if (!seen[voice]) {
        const share = this.logits(now, voice, seen);
        for (let row = 0; row < count; row++) {
          if (singable) this.forbid(row, now, voice, seen);
          const token = draw(share, row * VOCAB, chance(), temperature);
          kept.nats[row] -= share[row * VOCAB + token];
          this.put(row, token, now, voice);
        }
      }
      seen[voice] = 1;
    }
    this.follow(now);
  }

  score(now) {  // nats of each voice of a frame that is there, as if it were written: (drafts, 4)
    const seen = [0, 0, 0, 0], {pitch, struck} = this.kept, nats = new Float64Array(4 * this.count);
    this.begin(now);
    for (const voice of ORDER) {
      const share = this.logits(now, voice, seen);
      for (let row = 0; row < this.count; row++) {
        const at = 4 * (row * this.piece.frames + now) + voice;
        nats[4 * row + voice] = -share[row * VOCAB + (pitch[at] === 0 ? NO_NOTE : struck[at] ? pitch[at] + 1 : HOLD)];
      }
      seen[voice] = 1;
    }
    this.follow(now);
    return nats;
  }

  follow(now) {  // infill_inputs.follow: where each voice is, for the frames to come
    const {pitch, struck, last, before, age} = this.kept;
    for (let row = 0; row < this.count; row++)
      for (let voice = 0; voice < 4; voice++) {
        const at = 4 * (row * this.piece.frames + now) + voice, mine = 4 * row + voice;
        if (pitch[at] > 0 && pitch[at] !== last[mine]) { before[mine] = last[mine]; last[mine] = pitch[at]; }
        age[mine] = struck[at] ? 0 : age[mine] + 1;
      }
  }

  cells(row = 0, end = this.piece.frames) {  // as utils/music/voices.py writes them, up to a frame
    const {pitch, struck} = this.kept, raised = LOW + this.piece.home - 1;
    return Array.from({length: end}, (_, now) => [0, 1, 2, 3].map((voice) => {
      const at = 4 * (row * this.piece.frames + now) + voice;
      return pitch[at] === 0 ? -1 : pitch[at] + raised + (struck[at] ? 0 : HELD);
    }));
  }
}

const intervalOf = (to, from) => to > 0 && from > 0 ? clip(to - from, -CENTRE, CENTRE) + CENTRE : -1;

function addIntervals(logits, out, values, start, width, from) {  // to each pitch what is said of its interval from a note
  if (from <= 0) return;
  const middle = start + (width >> 1) - from, end = start + width - 1;
  for (let pitch = 1; pitch <= SPAN; pitch++) logits[out + pitch + 1] += values[clip(middle + pitch, start, end)];
}

function addParallels(logits, out, mine, theirs, sounds, weight) {  // to each pitch that would be in parallels with a voice
  if (mine <= 0 || theirs <= 0 || sounds === theirs || !isPerfect(Math.abs(theirs - mine))) return;
  const side = Math.sign(sounds - theirs), apart = Math.abs(theirs - mine) % 12;
  for (let pitch = 1; pitch <= SPAN; pitch++)
    if (Math.sign(pitch - mine) === side && Math.abs(sounds - pitch) % 12 === apart) logits[out + pitch + 1] += weight;
}

function normalise(logits, start) {  // a log softmax of VOCAB numbers
  let most = -Infinity, total = 0;
  for (let k = 0; k < VOCAB; k++) if (logits[start + k] > most) most = logits[start + k];
  for (let k = 0; k < VOCAB; k++) total += Math.exp(logits[start + k] - most);
  most += Math.log(total);
  for (let k = 0; k < VOCAB; k++) logits[start + k] -= most;
}

const WEIGHTS = new Float64Array(VOCAB);

// sampling.draw: a token of VOCAB log-probabilities. Temperature moves the choice among pitches, not whether one is struck.
function draw(share, start, chance, temperature) {
  let best = 0, most = -Infinity, warm = 0, cold = 0, total = 0;
  for (let k = 0; k < VOCAB; k++) if (share[start + k] > share[start + best]) best = k;
  if (temperature === 0) return best;
  for (let k = 2; k < VOCAB; k++) most = Math.max(most, share[start + k]);
  for (let k = 2; k < VOCAB; k++) {
    warm += Math.exp(share[start + k] - most);
    cold += WEIGHTS[k] = Math.exp((share[start + k] - most) / temperature);
  }
  const strike = Math.exp(most) * warm / cold;
  for (let k = 0; k < VOCAB; k++) total += WEIGHTS[k] = k < 2 ? Math.exp(share[start + k]) : WEIGHTS[k] * strike;
  let left = chance * total, token = 0;
  for (let k = 0; k < VOCAB; k++) {
    if (WEIGHTS[k] > 0) token = k;
    left -= WEIGHTS[k];
    if (left < 0) break;
  }
  return token;
}
