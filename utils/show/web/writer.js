"use strict";
// Writing what is not known of a score, as utils/nets/composer.py does: several drafts, of which wherever a phrase has
// come to its end only the best go on. For what a score is see cells.js.

const RESTLESS = 2, HOMELESS = 4;  // what a phrase end that is no triad costs, and a last one that is not on the tonic
const CALM = 0.8;  // notes of a voice in a quarter where eighths are taken for quarters
const LIKE = [[16, "4/4"], [12, "3/4"]];  // frames of the bars that were learned
const MOST_MORE = 400;  // bars

// ---------------------------------------------------------------------------------------------- what is asked

// Outline a score for the network, in the metre nearest to its own that was learned: {form, scale, said}. scale: frames
// of the network in a sixteenth. said: what has to be said of the metre, or "".
function formOf(score) {
  const [beats, unit] = score.metre, bar = Math.max(1, Math.round(barFrames(score.metre))), metre = `${beats}/${unit}`;
  const form = {upbeat: score.upbeat, bar, beat: 4, tonic: score.tonic, mode: score.mode, fermatas: score.fermatas,
    length: score.cells.length, motion: null};
  if (unit === 8 && beats % 3 === 0) {
    Object.assign(form, {upbeat: 2 * form.upbeat, bar: 12, fermatas: form.fermatas.map((mark) => 2 * mark),
      length: 2 * form.length, motion: CALM});
    return {form, scale: 2, said: `${metre} is harmonised as 3/4 with an eighth for a quarter: no ${metre} was learned.`};
  }
  if (LIKE.some(([frames]) => frames === bar) && unit <= 4)
    return {form, scale: 1, said: metre === "4/4" || metre === "3/4" ? "" : `${metre} is harmonised as 4/4.`};
  const like = LIKE.find(([frames]) => frames % bar === 0 || bar % frames === 0);
  if (like) return {form: {...form, bar: like[0]}, scale: 1, said: `${metre} is harmonised as ${like[1]}: no ${metre} was learned.`};
  return {form: {...form, upbeat: null}, scale: 1, said: `${metre} is harmonised without a metre: no similar metre was learned.`};
}

function jobOf(score, known) {  // what `attempt` is asked: known, of each cell whether it stays -> {cells, known, form, scale, said}
  const {form, scale, said} = formOf(score);
  return {cells: finer(score.cells, scale), known: known.flatMap((row) => Array(scale).fill(row)), form, scale, said};
}

function fromJob(job, cells) {  // cells of a job, or the first of them, as those of its score
  return coarser(cells.map((row, now) => row.map((cell, voice) => job.known[now][voice] ? job.cells[now][voice] : cell)), job.scale);
}

function finer(cells, scale) {  // as many frames for each one
  return cells.flatMap((row) => Array.from({length: scale}, (_, part) =>
    part ? row.map((cell) => cell >= 0 && cell < HELD ? cell + HELD : cell) : row));
}

function coarser(cells, scale) {  // the inverse: of so many frames what sounds last, struck if it began in any of them
  const before = (now, voice) => now ? pitchOf(cells[now - 1][voice]) : -1;
  const struck = (now, voice) => cells[now][voice] < HELD || before(now, voice) !== pitchOf(cells[now][voice]);
  return Array.from({length: Math.floor(cells.length / scale)}, (_, frame) => cells[0].map((_, voice) => {
    const first = frame * scale, last = pitchOf(cells[first + scale - 1][voice]);
    if (last < 0) return -1;
    for (let now = first; now < first + scale; now++) if (pitchOf(cells[now][voice]) === last && struck(now, voice)) return last;
    return last + HELD;
  }));
}

// A score with more bars, silent as yet, in which phrases are as long as before, and a close: composer.write_on.
function longerBy(score, bars) {
  const bar = Math.round(barFrames(score.metre)), old = score.cells.length, more = bars * bar;
  if (!(Number.isInteger(bars) && bars >= 1 && bars <= MOST_MORE)) throw new Error(`${bars} bars more: ask for 1 to ${MOST_MORE}.`);
  const period = Math.ceil((old - score.upbeat) / bar) * bar;
  const end = old <= period ? period : period + score.upbeat, length = end + more;  // the last bar gives the upbeat its time
  if (length > MOST_FRAMES) throw new Error(`The piece would have more than ${MOST_FRAMES / 16} bars: ask for fewer.`);
  const marks = score.fermatas.length ? [...score.fermatas].sort((a, b) => a - b) : [end - bar], again = [];
  for (const mark of marks) for (let back = 0; back < more; back += Math.max(period, 1)) again.push(mark + more - back);  // as before
  again.sort((a, b) => a - b);
  const fermatas = again.filter((mark) => mark >= marks.at(-1) + bar && mark < length - 2 * bar);
  fermatas.push(Math.max(again.at(-1), score.upbeat + Math.floor((length - 4 - score.upbeat) / bar) * bar));  // in the last bar
  const silent = Array.from({length: length - old}, () => [-1, -1, -1, -1]);
  return {...score, cells: [...score.cells.map((row) => [...row]), ...silent], fermatas: [...score.fermatas, ...fermatas]};
}

// ---------------------------------------------------------------------------------------------- how it is written

function looksOf(cells, known, form, beat) {  // frames at which drafts are compared: Map from the frame to a phrase's last note
  const length = cells.length, looks = new Map(), all = (now) => known[now].every(Boolean);
  for (let now = 0; now + 1 < length; now++) if (!all(now) && all(now + 1)) looks.set(Math.min(now + beat, length - 1), null);
  for (const frame of form.fermatas || []) {
    if (frame >= length) continue;
    const last = known[frame].some(Boolean) ? settled(cells, frame) : frame + beat - 1;
    looks.set(Math.min(last, length - 1), frame);
  }
  if (!looks.has(length - 1)) looks.set(length - 1, null);
  return looks;
}

function lostBy(cells, before, end, tonic, isLast) {  // what speaks against a draft since frame `before`
  let lost = parallelsIn(cells, before).length;
  if (end !== null) {
    const cadence = cadenceAt(cells, end, tonic);
    lost += RESTLESS * !cadence.atRest + (isLast && !cadence.closes);
  }
  return lost + HOMELESS * (isLast && tonic !== null && !endsOnTonic(cells, tonic));
}

// Write one attempt, frame by frame: a generator that yields {frame, share, cells}, cells a function that gives what is
// written so far, and returns {cells, nats}: cells for `fromJob`; nats of a frame of the score in which something was
// written, their mean, NaN where nothing was. It ends as soon as all that follows is known.
// job: as `jobOf` makes it; form as inputs.js reads it. options: {temperature, drafts, seed}.
function* attempt(network, job, options) {
  const {cells, known, form, scale = 1} = job, chance = random(options.seed), blank = blankHidden(cells, known);
  const hidden = known.map((row) => !row.every(Boolean)), first = hidden.indexOf(true), last = hidden.lastIndexOf(true);
  if (first < 0) return {cells: cells.map((row) => [...row]), nats: NaN};
  const piece = read(blank, known, form), looks = looksOf(blank, known, form, 4 * scale);
  const drafts = new Drafts(network, piece, network.prepare(piece)), end = Math.min(last + 4 * scale, cells.length - 1) + 1;
  const given = (row, now) => row.map((cell, voice) => known[now][voice] ? cells[now][voice] : cell);
  const sofar = (count) => drafts.cells(0, count).map(given);
  let before = 0;
  for (let now = 0; now < end; now++) {
    if (now === first) drafts.choose(Array(options.drafts).fill(0));  // until here they are all alike
    drafts.frame(now, chance, options.temperature);
    if (looks.has(now) && now >= first) {
      const lost = Array.from({length: drafts.count}, (_, row) =>
        lostBy(drafts.cells(row, now + 1), before, looks.get(now), form.tonic, now === cells.length - 1));
      const best = [...lost.keys()].filter((row) => lost[row] === Math.min(...lost));
      drafts.choose(lost.map(() => best[Math.floor(chance() * best.length)]));
    }
    if (looks.has(now)) before = now;
    yield {frame: now, share: (now + 1) / end, cells: () => sofar(now + 1)};
  }
  return {cells: sofar(), nats: drafts.kept.nats[0] / drafts.written * scale};
}
