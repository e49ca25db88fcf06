"use strict";
// The network of four named voices, as utils/nets/infill_numpy.py has it: several drafts of a piece at once, so that each
// weight is read once for all of them.

// What a head says: of each cell, each degree, each interval within a voice, each one between voices, and of parallels.
const NEAR_FIRST = VOCAB + 12, FAR_FIRST = NEAR_FIRST + 6 * NEAR, PARALLEL_FIRST = FAR_FIRST + 3 * FAR;
const HEAD_SIZE = PARALLEL_FIRST + 6, OTHERS = [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]];
const NOBODY = [0, 0, 0, 0], ALL = [1, 1, 1, 1];
const DEGREES = Uint8Array.from({length: SPAN + 1}, (_, pitch) => modulo(pitch - 1 + LOW, 12));

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const silu = (x) => x / (1 + Math.exp(-x));
const isPerfect = (interval) => interval % 12 === 7 || interval % 12 === 0;

// ---------------------------------------------------------------------------------------------- arithmetic

function addRow(out, start, kernel, row, columns) {  // out[start:start + columns] += kernel[row]
  const from = row * columns;
  for (let column = 0; column < columns; column++) out[start + column] += kernel[from + column];
}

function addBias(out, bias, rows, columns) {  // to each of `rows` rows
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) out[row * columns + column] += bias[column];
}

function turned(kernel, inputs) {  // (inputs, columns) -> (columns, inputs)
  const columns = kernel.length / inputs, out = new Float32Array(kernel.length);
  for (let k = 0; k < inputs; k++)
    for (let column = 0; column < columns; column++) out[column * inputs + k] = kernel[k * columns + column];
  return out;
}

// out (rows, columns) += x (rows, inputs) @ weights, for some of the columns; weights as `turned` gives them.
function addProducts(out, x, weights, rows, inputs, columns, first = 0, end = columns) {
  let row = 0;
  for (; row + 3 < rows; row += 4) addFour(out, x, weights, row, inputs, columns, first, end);
  for (; row < rows; row++)
    for (let column = first; column < end; column++) {
      const at = column * inputs, from = row * inputs;
      let sum = 0;
      for (let k = 0; k < inputs; k++) sum += weights[at + k] * x[from + k];
      out[row * columns + column] += sum;
    }
}

function addFour(out, x, weights, row, inputs, columns, first, end) {  // four rows of it, two columns at a time: in registers
  const at = row * inputs, to = row * columns, p = at + inputs, q = p + inputs, r = q + inputs;
  for (let column = first; column < end; column += 2) {
    const one = column * inputs, two = column + 1 < end ? one + inputs : one;
    let a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    for (let k = 0; k < inputs; k++) {
      const left = weights[one + k], right = weights[two + k], s = x[at + k], t = x[p + k], u = x[q + k], v = x[r + k];
      a += left * s; b += left * t; c += left * u; d += left * v;
      e += right * s; f += right * t; g += right * u; h += right * v;
    }
    const here = to + column;
    out[here] += a; out[here + columns] += b; out[here + 2 * columns] += c; out[here + 3 * columns] += d;
    if (two === one) continue;
    out[here + 1] += e; out[here + columns + 1] += f; out[here + 2 * columns + 1] += g; out[here + 3 * columns + 1] += h;
  }
}

function normalised(x, scale) {  // each row of as many numbers as scale, in proportion to its power
  const size = scale.length, out = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += size) {
    let power = 0;
    for (let k = 0; k < size; k++) power += x[start + k] * x[start + k];
    const by = 1 / Math.sqrt(power / size + 1e-6);
    for (let k = 0; k < size; k++) out[start + k] = x[start + k] * by * scale[k];
  }
  return out;
}

// ---------------------------------------------------------------------------------------------- what is known ahead

class Network {
  constructor(arrays, dilations) {  // arrays: from "layer/array" to Float32Array, as infill_numpy.load names them
    Object.assign(this, {net: arrays, dilations, turned: {}});
    this.starts = OUTLINE.map((_, part) => OUTLINE.slice(0, part).reduce((a, b) => a + b, 0));
    this.channels = arrays["read_given/bias"].length;
    this.width = arrays["read_past/bias"].length;
    this.units = Math.sqrt(arrays["gru_0/recurrent_kernel"].length / 3);
    this.thinks = arrays["read_context/bias"].length;
    this.thought = arrays["think/bias"].length;
    for (const name in arrays)
      if (/^(gates|mix|gru|head|think|read_context|read_encoder)\w*\/\w*kernel$/.test(name))
        this.turned[name] = turned(arrays[name], this.inputs(name));
  }

  inputs(name) {  // of a kernel
    const [layer] = name.split("/"), bias = this.net[`${layer}/bias`];
    const columns = layer.startsWith("gru") ? bias.length / 2 : bias ? bias.length : this.width;  // read_encoder has none
    return this.net[name].length / columns;
  }

  addPlan(out, start, kernel, firstRow, plan, columns) {
    for (let part = 0; part < plan.length; part++) addRow(out, start, kernel, firstRow + this.starts[part] + plan[part], columns);
  }

  encode(piece) {  // infill_numpy.encode: (frames, channels)
    const {net, channels} = this, rows = new Int32Array(64), {frames} = piece, size = frames * channels;
    let x = new Float64Array(size);
    addBias(x, net["read_given/bias"], frames, channels);
    for (let now = 0; now < frames; now++) {
      const count = see(rows, piece.pitch, piece.struck, piece.given.subarray(4 * now, 4 * now + 4), 4 * now);
      for (let k = 0; k < count; k++) addRow(x, now * channels, net["read_given/kernel"], rows[k], channels);
      this.addPlan(x, now * channels, net["read_given/kernel"], SEEN, piece.plan[now], channels);
    }
    this.dilations.forEach((dilation, layer) => {
      const wide = normalised(x, net[`norm_${layer}/scale`]), taps = new Float64Array(3 * size);
      for (let now = 0; now < frames; now++)
        for (let tap = 0; tap < 3 && now + tap * dilation < frames; tap++) {
          const from = (now + tap * dilation) * channels;
          taps.set(wide.subarray(from, from + channels), (3 * now + tap) * channels);
        }
      const gates = new Float64Array(2 * size), mixed = new Float64Array(size);
      addBias(gates, net[`gates_${layer}/bias`], frames, 2 * channels);
      addProducts(gates, taps, this.turned[`gates_${layer}/kernel`], frames, 3 * channels, 2 * channels);
      for (let now = 0, k = 0; now < frames; now++)
        for (let at = 2 * now * channels, end = at + channels; at < end; at++, k++)
          mixed[k] = Math.tanh(gates[at]) * sigmoid(gates[at + channels]);
      addBias(x, net[`mix_${layer}/bias`], frames, channels);
      addProducts(x, mixed, this.turned[`mix_${layer}/kernel`], frames, channels, channels);
    });
    return normalised(x, net[`norm_${this.dilations.length}/scale`]);
  }

  prepare(piece) {  // what is the same for every draft of a piece: each (frames, numbers)
    const {net, width, thinks} = this, {frames} = piece, encoded = this.encode(piece);
    const base = new Float64Array(frames * width), outlined = new Float64Array(frames * thinks);
    addBias(base, net["read_past/bias"], frames, width);
    addBias(outlined, net["read_context/bias"], frames, thinks);
    for (let now = 0; now < frames; now++) {
      this.addPlan(base, now * width, net["read_past/kernel"], SEEN, piece.plan[now], width);
      this.addPlan(outlined, now * thinks, net["read_lines/kernel"], LINES, piece.plan[now], thinks);
    }
    addProducts(base, encoded, this.turned["read_encoder/kernel"], frames, this.channels, width);
    return {encoded, base, outlined};
  }
}
