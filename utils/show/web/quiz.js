"use strict";
// The blind test: clips in random order, an answer to each, and in the end what each one was.

const quiz = {sounds: JSON.parse($("sounds").textContent), order: [], given: [], place: 0, player: null, answers: null};
const SHOWN = ["invite", "question", "result"];

function unlocked() {  // the key is made of the sounds themselves, and so are the answers
  let key = 2166136261;
  for (const sound of quiz.sounds) for (const letter of sound.slice(-4000)) key = Math.imul(key ^ letter.charCodeAt(0), 16777619) >>> 0;
  const bytes = Uint8Array.from(atob($("locked").textContent.trim()), (letter) => letter.charCodeAt(0)).map((byte) => {
    key = (key ^ (key << 13)) >>> 0; key = (key ^ (key >>> 17)) >>> 0; key = (key ^ (key << 5)) >>> 0;
    return byte ^ (key & 255);
  });
  return JSON.parse(new TextDecoder().decode(bytes));
}

function soundOf(number) {
  return new Audio(`data:audio/mpeg;base64,${quiz.sounds[number]}`);
}

function stage(name) {
  for (const each of SHOWN) $(each).hidden = each !== name;
  document.body.dataset.stage = name;
}

function beginQuiz() {
  quiz.order = quiz.sounds.map((_, number) => number);
  for (let last = quiz.order.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [quiz.order[last], quiz.order[other]] = [quiz.order[other], quiz.order[last]];
  }
  Object.assign(quiz, {given: [], place: 0});
  $("status").textContent = "";
  stage("question");
  ask();
}

function ask() {
  const count = quiz.sounds.length;
  quiz.player?.audio.pause();
  quiz.player = new Player(soundOf(quiz.order[quiz.place]), "the clip", SECONDS);
  $("clip").replaceChildren(quiz.player.root);
  $("count").textContent = `Clip ${quiz.place + 1} of ${count}`;
  $("dots").replaceChildren(...quiz.order.map((_, place) => make("li", {class: place < quiz.place ? "done" : place === quiz.place ? "now" : ""})));
  $("count").focus({preventScroll: true});
  $("question").scrollIntoView({block: "nearest"});
  quiz.player.play();
}

function answer(saysBach) {
  quiz.given[quiz.order[quiz.place]] = saysBach;
  $("status").textContent = `Clip ${quiz.place + 1}: you say ${saysBach ? "Bach" : "a machine"}.`;
  quiz.player.audio.pause();
  quiz.place += 1;
  if (quiz.place < quiz.sounds.length) ask(); else finish();
}

const isRight = (number) => quiz.given[number] === (quiz.answers[number].model === "Bach");

function finish() {
  quiz.answers = unlocked();
  const taken = {};
  for (const name of quiz.answers.map(({model}) => model).sort()) taken[name] ??= [0, 0];
  quiz.answers.forEach(({model}, number) => { taken[model][0] += quiz.given[number]; taken[model][1] += 1; });
  const [right, all] = rightIn(taken);
  $("score").textContent = `${right} of ${all} right`;
  $("verdict").textContent = `Random guesses give ${all / 2} on average.`;
  $("rows").replaceChildren(...writerRows(taken, false));
  $("copy").value = resultLine(taken, String(Math.floor(1e5 + Math.random() * 9e5)));
  $("copied").textContent = "";
  $("strip").replaceChildren(...quiz.order.map((number, place) => {
    const button = make("button", {type: "button", class: isRight(number) ? "right" : "wrong"}, String(place + 1), make("span", {"aria-hidden": "true"}, isRight(number) ? "✓" : "✗"));
    button.setAttribute("aria-label", `Clip ${place + 1}, ${isRight(number) ? "right" : "wrong"}`);
    button.onclick = () => review(place);
    return button;
  }));
  stage("result");
  review(0);
  $("score").focus({preventScroll: true});
  $("result").scrollIntoView({block: "start"});
}

function review(place) {  // what a clip was, what was said, its notes, and what gives it away
  const number = quiz.order[place], {model, facts, score} = quiz.answers[number], isBach = model === "Bach", count = quiz.order.length;
  quiz.player?.audio.pause();
  quiz.player = new Player(soundOf(number), `clip ${place + 1}`, SECONDS, {...score, title: `${model}, clip ${place + 1}`}, true);
  quiz.place = place;
  [...$("strip").children].forEach((button, each) => button.setAttribute("aria-pressed", each === place));
  $("was").textContent = isBach ? "Bach wrote this" : `A machine wrote this: ${model}`;
  $("you").textContent = `You said ${quiz.given[number] ? "Bach" : "a machine"}: ${isRight(number) ? "right" : "wrong"}.`;
  $("you").className = isRight(number) ? "right" : "wrong";
  $("review-clip").replaceChildren(quiz.player.root);
  $("why").textContent = isBach ? "What speaks for Bach" : "What shows that it is a machine";
  $("facts").replaceChildren(...facts.map((fact) => make("li", {}, fact)));
  $("before").disabled = place === 0;
  $("after").disabled = place === count - 1;
}

async function copyResult() {
  $("copy").select();
  try {
    await navigator.clipboard.writeText($("copy").value);
    $("copied").textContent = "Copied.";
  } catch {
    $("copied").textContent = document.execCommand("copy") ? "Copied." : "Press Ctrl and C to copy it.";
  }
}

function onKey(event) {
  if ($("question").hidden || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("textarea, input:not([type=range]), select")) return;
  const key = event.key.toLowerCase();
  if (key === "b") answer(true);
  else if (key === "m") answer(false);
  else if (key === " " && !event.target.closest("button, a, summary")) quiz.player.toggle();
  else return;
  event.preventDefault();
}

const SECONDS = Number($("question").dataset.seconds);
$("start").onclick = $("again").onclick = beginQuiz;
$("says-bach").onclick = () => answer(true);
$("says-machine").onclick = () => answer(false);
$("before").onclick = () => review(quiz.place - 1);
$("after").onclick = () => review(quiz.place + 1);
$("copy-it").onclick = copyResult;
document.addEventListener("keydown", onKey);
stage("invite");
beginPlayers();
beginClass();
