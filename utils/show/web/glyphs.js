"use strict";
// The shapes of an engraved score, as filled outlines of our own. Unit: the space between two staff lines; y grows downwards.

const neat = (value) => Math.round(value * 1000) / 1000;  // no finer than a pixel is, also in print

function smoothPath(points) {  // cubic curves through points, from where the pen is: the first one
  let path = "";
  for (let k = 0; k + 1 < points.length; k++) {
    const [before, from, to, after] = [points[k - 1] || points[k], points[k], points[k + 1], points[k + 2] || points[k + 1]];
    const first = [0, 1].map((axis) => neat(from[axis] + (to[axis] - before[axis]) / 6));
    const second = [0, 1].map((axis) => neat(to[axis] - (after[axis] - from[axis]) / 6));
    path += `C${first} ${second} ${to.map(neat)}`;
  }
  return path;
}

function brushPath(points) {  // the outline of a stroke along [x, y, width], as with a broad pen that is turned
  const sides = [1, -1].map((side) => points.map(([x, y, width], k) => {
    const before = points[k - 1] || points[k], after = points[k + 1] || points[k];
    const along = [after[0] - before[0], after[1] - before[1]], long = Math.hypot(...along) || 1;
    return [x - side * along[1] / long * width / 2, y + side * along[0] / long * width / 2];
  }));
  const back = sides[1].reverse();
  return `M${sides[0][0].map(neat)}${smoothPath(sides[0])}L${back[0].map(neat)}${smoothPath(back)}Z`;
}

function ovalPath(x, y, wide, high, turned) {  // an ellipse of these half axes, turned by degrees
  const angle = turned * Math.PI / 180, across = neat(wide * Math.cos(angle)), down = neat(wide * Math.sin(angle));
  const [from, to] = [-1, 1].map((side) => `${neat(x + side * across)} ${neat(y + side * down)}`), arc = `A${wide} ${high} ${turned} 1 0 `;
  return `M${from}${arc}${to}${arc}${from}Z`;
}

const HEAD_SHAPES = {  // their holes are cut out by the rule "evenodd"
  black: ovalPath(0, 0, 0.65, 0.45, -24),
  half: ovalPath(0, 0, 0.65, 0.45, -24) + ovalPath(0, 0, 0.57, 0.28, -32),
  whole: ovalPath(0, 0, 0.87, 0.5, 0) + ovalPath(0, 0, 0.43, 0.3, 62)};
const HEAD_WIDE = {black: 1.22, half: 1.22, whole: 1.74};

const TREBLE_CLEF = brushPath([  // from the curl outwards; y = 0 on the line of G
  [1.32, 0.5, 0.05], [0.98, 0.2, 0.16], [1.0, -0.42, 0.22], [1.5, -0.84, 0.36], [2.14, -0.62, 0.44], [2.4, 0, 0.4], [2.14, 0.7, 0.28],
  [1.42, 1.03, 0.17], [0.62, 0.78, 0.32], [0.24, 0.06, 0.44], [0.42, -0.8, 0.46], [1.08, -1.72, 0.42], [1.74, -2.5, 0.36],
  [2.0, -3.3, 0.28], [1.9, -4.0, 0.16], [1.66, -4.28, 0.08], [1.34, -3.86, 0.22], [1.22, -3.0, 0.24], [1.34, -1.9, 0.17],
  [1.58, -0.4, 0.15], [1.8, 1.0, 0.15], [1.84, 1.72, 0.15], [1.56, 2.3, 0.16], [1.04, 2.4, 0.2], [0.74, 2.08, 0.2]])
  + ovalPath(0.9, 1.96, 0.36, 0.36, 0);
const BASS_CLEF = brushPath([  // y = 0 on the line of F
  [0.12, 0.02, 0.1], [0.22, -0.54, 0.16], [0.82, -0.95, 0.16], [1.5, -0.72, 0.4], [1.82, 0.02, 0.5], [1.58, 0.96, 0.38], 
  [0.96, 1.76, 0.22], [0.02, 2.42, 0.05]])
  + ovalPath(0.46, 0.02, 0.4, 0.4, 0) + ovalPath(2.5, -0.5, 0.2, 0.2, 0) + ovalPath(2.5, 0.5, 0.2, 0.2, 0);

const FLAT_SHAPE = "M-.42-1.75h.13V-.34C-.1-.58.18-.66.36-.53.62-.33.44.1-.02.42L-.42.7Z"
  + "M-.29-.16V.37C-.02.16.13-.08.1-.25.06-.42-.17-.34-.29-.16Z";
const SIGN_SHAPES = {  // by how far the pitch is altered: outline, half its width, and how far it reaches above and below
  "-2": {path: FLAT_SHAPE, wide: 0.82, above: 1.75, below: 0.7, twice: 0.4},
  "-1": {path: FLAT_SHAPE, wide: 0.42, above: 1.75, below: 0.7},
  0: {path: "M-.34-1.4h.11V-.52L.34-.66V1.4H.23V.55L-.34.69ZM-.23-.16V.3L.23.18V-.28Z", wide: 0.34, above: 1.4, below: 1.4},
  1: {path: "M-.27-1.28h.12v2.66h-.12ZM.15-1.4h.12v2.66h-.12ZM-.48-.36.48-.64V-.28L-.48 0ZM-.48.46.48.18V.54L-.48.82Z", wide: 0.48,
    above: 1.4, below: 1.4, fill: "nonzero"},
  2: {path: "M-.5-.5h.34L0-.14.16-.5H.5v.34L.14 0 .5.16V.5H.16L0 .14-.16.5H-.5V.16L-.14 0-.5-.16Z", wide: 0.5, above: 0.5, below: 0.5}};

function restHook(x, y, less) {  // of short rests: a ball, and from it a curve to the stem
  const curve = [[-0.14, 0.16, 0.06], [0.26, 0.22, 0.13], [0.62 - less, 0.02, 0.09], [0.78 - less, -0.22, 0.05]];
  return ovalPath(x, y, 0.27, 0.27, 0) + brushPath(curve.map(([right, down, wide]) => [x + right, y + down, wide]));
}
const REST_SHAPES = {  // y = 0 on the middle line
  16: "M-.6-1H.6v.52H-.6Z", 8: "M-.6-.52H.6V0H-.6Z",
  4: "M-.26-1.5.42-.66C.1-.3.08.06.52.66.12.46-.2.56-.17.86-.14 1.08.02 1.28.14 1.44-.36 1.22-.66.86-.5.52-.38.28-.1.24.1.32L-.44-.32"
    + "C-.06-.66-.06-.98-.32-1.42Z",
  2: restHook(-0.32, -0.52, 0) + "M.4-.78-.16 1H0L.54-.72Z",
  1: restHook(-0.22, -0.52, 0) + restHook(-0.46, 0.48, 0.04) + "M.5-.78-.26 2H-.1L.64-.72Z"};
const REST_REACH = {16: [1, 0], 8: [0.6, 0.1], 4: [1.5, 1.5], 2: [0.8, 1], 1: [0.8, 2]};  // above and below

const FLAG_SHAPE = "M0 0C.12.86.42 1.22.78 1.66 1.22 2.22 1.2 2.76.84 3.36 1 2.72.92 2.2.5 1.78.32 1.58.14 1.46 0 1.42Z";  // on a stem up
const LITTLE_FLAG_SHAPE = "M0 0C.1.6.36.88.72 1.2 1.14 1.6 1.18 2.1.9 2.6 1 2.1.84 1.72.5 1.42.3 1.24.12 1.14 0 1.1Z";  // of sixteenths
const FERMATA_SHAPE = "M-1.34 0C-1.3-1.84 1.3-1.84 1.34 0H1.24C1.06-1.3-1.06-1.3-1.24 0Z" + ovalPath(0, -0.24, 0.22, 0.22, 0);
const DOT_SHAPE = ovalPath(0, 0, 0.2, 0.2, 0);

function bracePath(height) {  // a brace, its right edge at x = 0, from y = 0
  const at = (share) => neat(height * share), tip = `-1 ${at(0.5)}`;
  return `M0 0C-1.16 ${at(0.1)} .16 ${at(0.36)} ${tip}C.16 ${at(0.64)} -1.16 ${at(0.9)} 0 ${at(1)}`
    + `C-.5 ${at(0.88)} .62 ${at(0.6)} ${tip}C.62 ${at(0.4)} -.5 ${at(0.12)} 0 0Z`;
}

function tiePath(from, to, y, bend) {  // a lens from x to x; bend: -1 above, 1 below
  const long = to - from, high = bend * Math.min(1.3, 0.42 + 0.1 * long), inner = high - bend * 0.27, third = Math.min(long / 3, 1.6);
  const [a, b, c, d] = [from, from + third, to - third, to].map(neat), [top, low] = [y + high, y + inner].map(neat);
  return `M${a} ${neat(y)}C${b} ${top} ${c} ${top} ${d} ${neat(y)}C${c} ${low} ${b} ${low} ${a} ${neat(y)}Z`;
}

const barPath = (x, y, wide, high) => `M${neat(x)} ${neat(y)}h${neat(wide)}v${neat(high)}h${neat(-wide)}Z`;  // a filled bar

function drawGlyph(name, path, x, y, isUpsideDown = false) {
  return `<path class="${name}" transform="translate(${neat(x)} ${neat(y)})${isUpsideDown ? " scale(1 -1)" : ""}" d="${path}"/>`;
}

function drawSign(sign, x, y, name = "") {
  const one = (at) => drawGlyph(`${sign.fill ? "ink" : "cut"}${name}`, sign.path, at, y);
  return sign.twice ? one(x - sign.twice) + one(x + sign.twice) : one(x);
}
