"use strict";
// The result of a blind test as a line of text, and many such lines added up. taken: {writer: [taken for Bach, of how many]}.

const RESULT = "Bach or machine?", SURE = 1.96;  // standard errors on each side of a 95 % interval
const WHOLE = /^\s+Listener\s+(\w{1,12}):\s+(\d+)\s+of\s+(\d+)\s+right\.\s+Taken\s+for\s+Bach:\s+([\s\S]*?\d\/\d+)\.(?!\d)([\s\S]*)$/;

function rightIn(taken) {  // [right answers, all answers]
  return Object.entries(taken).reduce(([right, all], [writer, [yes, of]]) =>
    [right + (writer === "Bach" ? yes : of - yes), all + of], [0, 0]);
}

function resultLine(taken, listener) {
  const [right, all] = rightIn(taken), each = Object.entries(taken).map(([writer, [yes, of]]) => `${writer} ${yes}/${of}`);
  return `${RESULT} Listener ${listener}: ${right} of ${all} right. Taken for Bach: ${each.join("; ")}.`;
}

function readResult(text) {  // what follows RESULT: {listener, taken, rest}, or the reason why it is no result
  const [, listener, right, all, words, rest] = WHOLE.exec(text) || [], taken = {};
  if (!listener) return "is not a complete result";
  for (const each of words.replace(/\s+/g, " ").split("; ")) {
    const [, writer, yes, of] = /^(.{1,80}) (\d{1,3})\/(\d{1,3})$/.exec(each) || [];
    if (!writer || Object.hasOwn(taken, writer) || Number(yes) > Number(of)) return "has impossible counts";
    taken[writer] = [Number(yes), Number(of)];
  }
  if (String(rightIn(taken)) !== String([Number(right), Number(all)])) return "has counts that do not add up";
  return {listener, taken, rest};
}

function addUp(text) {  // {listeners, taken, unread: [[text, why]]} of a text with results in any order and junk between
  const found = {listeners: 0, taken: {}, unread: []}, seen = new Set();
  const junk = (words) => words.split("\n").map((line) => line.trim()).filter(Boolean).forEach((line) => found.unread.push([line, "is not a result"]));
  const plain = text.replace(/\r/g, "").replace(/^[ \t>]+/gm, "").replace(/’/g, "'");  // mail wraps lines and quotes with >
  const [before, ...parts] = plain.split(/Bach\s+or\s+machine\?/);
  junk(before);
  for (const part of parts) {
    const result = readResult(part);
    if (typeof result === "string") {
      const [line, ...others] = part.split("\n");
      found.unread.push([RESULT + line, result]);
      junk(others.join("\n"));
      continue;
    }
    junk(result.rest);
    const same = `${result.listener} ${JSON.stringify(result.taken)}`;
    if (seen.has(same)) { found.unread.push([`Listener ${result.listener}`, "appears twice and was counted once"]); continue; }
    seen.add(same);
    found.listeners++;
    for (const [writer, counts] of Object.entries(result.taken)) {
      found.taken[writer] = (found.taken[writer] ?? [0, 0]).map((sum, place) => sum + counts[place]);
    }
  }
  return found;
}

function wilson(part, whole) {  // [low, high] of a share: Wilson 1927, Probable inference
  const share = part / whole, weight = SURE ** 2 / whole, middle = (share + weight / 2) / (1 + weight);
  const reach = SURE * Math.sqrt(share * (1 - share) / whole + weight / whole / 4) / (1 + weight);
  return [Math.max(0, middle - reach), Math.min(1, middle + reach)];
}

const percent = (share) => `${Math.round(100 * share)} %`;
const sureOf = (part, whole) => wilson(part, whole).map((share) => Math.round(100 * share)).join(" to ") + " %";

function writerRows(taken, withInterval) {  // rows of a table, Bach first: who, how often taken for Bach, a bar
  const order = Object.keys(taken).sort((a, b) => (b === "Bach") - (a === "Bach") || taken[b][0] / taken[b][1] - taken[a][0] / taken[a][1]);
  return order.map((writer) => {
    const [yes, of] = taken[writer], bar = make("span", {class: "share", "aria-hidden": "true"});
    bar.style.setProperty("--share", yes / of);
    const cells = [make("th", {scope: "row"}, writer), make("td", {}, `${yes} of ${of}`)];
    if (withInterval) cells.push(make("td", {}, percent(yes / of)), make("td", {}, sureOf(yes, of)));
    return make("tr", {}, ...cells, make("td", {class: "bar-cell"}, bar));
  });
}

function showClass() {
  const {listeners, taken, unread} = addUp($("pasted").value);
  const [right, all] = rightIn(taken), several = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
  $("class-said").textContent = listeners ? `${several(listeners, "listener")}, ${right} of ${all} answers right: ${percent(right / all)}, `
    + `95 % interval ${sureOf(right, all)}. Random guesses give 50 %.`
    : "There is no result in this text. Paste one or more lines from the test that begin with “Bach or machine?”.";
  $("class-table").hidden = !listeners;
  $("class-rows").replaceChildren(...writerRows(taken, true));
  $("class-unread").hidden = !unread.length;
  $("class-unread-said").textContent = `${several(unread.length, "line")} not counted:`;
  const shown = unread.slice(0, 20).map(([line, why]) => make("li", {}, `“${line.length > 90 ? `${line.slice(0, 90)} …` : line}” ${why}.`));
  if (unread.length > 20) shown.push(make("li", {}, `and ${unread.length - 20} more.`));
  $("class-lines").replaceChildren(...shown);
}

function beginClass() {
  $("add-up").onclick = showClass;
}
