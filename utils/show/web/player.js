"use strict";
// A player of a clip: a button, a place, the time, and where its notes are known a piano roll and a score with a cursor,
// and files to keep. Only one plays at a time. For scores see cells.js; here they also have `times`, seconds by frame.

const SVG = "http://www.w3.org/2000/svg", PLAY = "M3 1.5v13l11-6.5z", PAUSE = "M3 1.5h3.6v13H3zM9.4 1.5H13v13H9.4z";
const NOT_ALLOWED = "Your browser did not start the sound by itself: press play or the space bar.";
const NOT_PLAYED = "This browser cannot play the clip.";
const LARGEST = 1.4;  // times the size that a score has by itself
let playing = null;  // the player that is heard

function minutes(seconds) {
  const whole = Math.floor(seconds + 0.05);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function lineIn(svg) {  // a cursor, at first out of sight
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("class", "cursor");
  line.setAttribute("vector-effect", "non-scaling-stroke");
  svg.append(line);
  return line;
}

function drawRoll(score) {  // text of an SVG: a unit is a frame from left to right and a semitone from top to bottom
  const voices = score.cells[0].map((_, voice) => notesOf(score.cells, voice)), pitches = voices.flat().map((note) => note.pitch);
  const top = Math.max(...pitches) + 2, low = Math.min(...pitches) - 1;
  const bars = barsOf(score).slice(1).map(([first]) => `M${first} 0V${top - low}`).join("");
  const notes = voices.map((found, voice) => `<g class="voice${Math.min(voice, 3)}">` + found.map(({start, length, pitch}) =>
    `<rect x="${start}" y="${top - pitch - 1}" width="${length - 0.2}" height="1"/>`).join("") + "</g>");
  return `<svg class="roll" preserveAspectRatio="none" viewBox="0 0 ${score.cells.length} ${top - low}" aria-hidden="true">`
    + `<path class="bars" vector-effect="non-scaling-stroke" d="${bars}"/>${notes.join("")}</svg>`;
}

class Player {
  constructor(audio, title, seconds, score = null, open = false) {
    Object.assign(this, {audio, title, seconds, score});
    this.button = make("button", {type: "button", class: "round"});
    this.button.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true"><path/></svg>`;
    this.place = make("input", {type: "range", min: "0", max: String(seconds), step: "0.05", value: "0", "aria-label": `Place in ${title}`});
    this.time = make("span", {class: "time"});
    this.said = make("p", {class: "note", role: "status"});
    this.root = make("div", {class: "player"}, make("div", {class: "controls"}, this.button, this.place, this.time), this.said);
    this.button.onclick = () => this.toggle();
    this.place.oninput = () => this.seek(Number(this.place.value));
    for (const event of ["play", "pause", "ended", "timeupdate", "seeked"]) audio.addEventListener(event, () => this.show());
    audio.addEventListener("play", () => this.follow());
    if (score) this.addNotes(open);
    this.show();
  }

  addNotes(open) {
    const frame = make("div", {class: "roll-frame"});
    frame.innerHTML = drawRoll(this.score);
    this.roll = frame.firstElementChild;
    this.rollLine = lineIn(this.roll);
    this.roll.onclick = (event) => {
      const box = this.roll.getBoundingClientRect();
      this.seekFrame((event.clientX - box.left) / box.width * this.score.cells.length);
    };
    this.frames = this.score.times.map((_, frame) => frame);
    this.root.append(frame);
    if (this.score.cells[0].length > VOICES.length) return;
    this.sheet = make("div", {class: "sheet", tabindex: "0", role: "group", "aria-label": `Score of ${this.title}`});
    this.sheet.onclick = (event) => this.seekInScore(event);
    const keep = (label, ending, kind, write) => {
      const button = make("button", {type: "button", "aria-label": `Keep ${this.title} as ${label}`}, label);
      button.onclick = () => save(`${this.title.replace(/[^\p{L}\d]+/gu, "_")}.${ending}`, kind, write(this.score));
      return button;
    };
    const details = make("details", {open}, make("summary", {}, "Score"), this.sheet);
    this.root.append(make("div", {class: "kept"}, details, make("div", {class: "row"},
      make("span", {class: "note"}, "Keep as"), keep("MIDI", "mid", "audio/midi", writeMidi),
      keep("MusicXML", "musicxml", "application/xml", writeMusicXml))));
    new ResizeObserver(() => requestAnimationFrame(() => this.drawSheet())).observe(this.sheet);
  }

  drawSheet() {
    const width = Math.floor(this.sheet.clientWidth - 2);
    if (width <= 0 || width === this.width) return;
    this.width = width;
    this.drawn = drawScore(this.score, width);
    this.sheet.innerHTML = this.drawn.svg;
    const svg = this.sheet.firstElementChild, used = Math.min(width, Math.max(...this.drawn.systems.map((row) => row.xs.at(-1))) + 10);
    svg.setAttribute("viewBox", `0 0 ${used} ${svg.viewBox.baseVal.height}`);  // a short score is drawn larger
    svg.setAttribute("width", Math.min(width, used * LARGEST));
    svg.removeAttribute("height");
    this.sheetLine = lineIn(svg);
    this.show();
  }

  async play() {  // a browser may refuse what nobody clicked
    this.said.textContent = "";
    if (playing && playing !== this) playing.audio.pause();
    playing = this;
    try { await this.audio.play(); } catch (error) {
      if (error.name !== "AbortError") this.said.textContent = error.name === "NotAllowedError" ? NOT_ALLOWED : NOT_PLAYED;
    }
  }

  toggle() {
    if (this.audio.paused) this.play(); else this.audio.pause();
  }

  seek(seconds) {
    this.audio.currentTime = clip(seconds, 0, this.seconds - 0.05);
    this.show();
  }

  seekFrame(frame) {
    this.seek(interpolated(frame, this.frames, this.score.times));
  }

  seekInScore(event) {
    const svg = this.sheet.firstElementChild, box = svg.getBoundingClientRect(), {systems} = this.drawn;
    const scale = box.width / svg.viewBox.baseVal.width, y = (event.clientY - box.top) / scale;
    const row = systems.findLast((each) => each.y <= y) ?? systems[0];
    this.seekFrame(interpolated((event.clientX - box.left) / scale, row.xs, row.edges));
  }

  follow() {
    this.show();
    if (!this.audio.paused) requestAnimationFrame(() => this.follow());
  }

  show() {
    const {audio} = this, now = Math.min(audio.currentTime, this.seconds), words = audio.paused ? "Play" : "Pause";
    this.button.firstElementChild.firstElementChild.setAttribute("d", audio.paused ? PLAY : PAUSE);
    this.button.setAttribute("aria-label", `${words} ${this.title}`);
    this.place.value = now;
    this.place.style.setProperty("--done", `${100 * now / this.seconds}%`);
    this.time.textContent = `${minutes(now)} / ${minutes(this.seconds)}`;
    this.place.setAttribute("aria-valuetext", `${minutes(now)} of ${minutes(this.seconds)}`);
    this.root.classList.toggle("fresh", !now && audio.paused);
    if (this.score) this.showCursor(interpolated(now, this.score.times, this.frames));
  }

  showCursor(frame) {
    this.rollLine.setAttribute("d", `M${frame} 0V${this.roll.viewBox.baseVal.height}`);
    if (!this.drawn) return;
    const {systems} = this.drawn, row = systems.find((each) => frame < each.end) ?? systems.at(-1);
    this.sheetLine.setAttribute("d", `M${interpolated(frame, row.edges, row.xs)} ${row.top}V${row.bottom}`);
    if (this.audio.paused || row === this.row) return;
    this.row = row;  // the box scrolls when the music comes to another system, and else stays where a reader has put it
    this.sheet.scrollTop = row.y * this.sheet.scrollHeight / this.sheet.firstElementChild.viewBox.baseVal.height;
  }
}

function beginPlayers() {  // every clip of the page has one in place of the browser's own
  const scores = JSON.parse($("scores").textContent);
  document.querySelectorAll("article").forEach((article, number) => {
    const audio = article.querySelector("audio"), title = article.querySelector("h3").textContent;
    audio.controls = false;
    audio.after(new Player(audio, title, Number(audio.dataset.seconds), scores[number]).root);
  });
  const first = scores.find(Boolean);
  if (first) $("band").innerHTML = drawRoll(first);
}
