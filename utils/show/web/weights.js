"use strict";
// The page's weights: bytes with a scale for each of an array's last axis, as text.

const decoded = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;

function networkFrom({arrays, dilations}) {  // what instrument.py wrote -> Network
  const found = {};
  for (const [name, {scale, data}] of Object.entries(arrays)) {
    const by = new Float32Array(decoded(scale)), bytes = new Int8Array(decoded(data));
    found[name] = Float32Array.from(bytes, (value, k) => value * by[k % by.length]);
  }
  return new Network(found, dilations);
}

function pianoFrom(kept) {  // the additive piano: which sines each pitch has, and how they fade
  const found = {decays: kept.decays};
  for (const name of ["hz", "sines", "cosines"]) found[name] = new Float32Array(decoded(kept[name]));
  return found;
}
