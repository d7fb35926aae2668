// Draws one result and keeps it in step with the player. Gradio runs this once per page and gives `element`
// (song.html), `props` (props.value: the dict that mer.prediction.listener.payload makes) and `watch`. Text goes in by
// textContent only.
const SVG = "http://www.w3.org/2000/svg";
// Ten colours of viridis (Smith & van der Walt 2015), for any colour vision and in shades of grey.
const VIRIDIS = [[68, 1, 84], [72, 40, 120], [62, 73, 137], [49, 104, 142], [38, 130, 142], [31, 158, 137], [53, 183,
  121], [110, 206, 88], [181, 222, 43], [253, 231, 37]];
const LEFT = 46, TOP = 26, SIDE = 380;  // the plane within its 440 x 456 view box
const MANY = 400;                       // beyond so many patches, single points are left out and colours are shared
const one = (selector) => element.querySelector(selector);
const audio = one(".song-audio"), scrub = one(".song-scrub"), slider = one(".song-scrub input");
let song = null, cursors = [], marker = [], cells = [];

function colour(share) {
  const place = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1);
  const low = Math.min(Math.floor(place), VIRIDIS.length - 2);
  return VIRIDIS[low].map((value, i) => Math.round(value + (place - low) * (VIRIDIS[low + 1][i] - value)));
}
const css = (share) => `rgb(${colour(share).join(",")})`;
const x = (valence) => LEFT + SIDE * (valence + 1) / 2;
const y = (arousal) => TOP + SIDE * (1 - arousal) / 2;
const two = (number) => String(number).padStart(2, "0");
const clock = (seconds) => {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(Math.floor(seconds % 60))}`;
};
const percent = (share) => `${Math.round(100 * share)}\u00a0%`;
const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);
const svg = (parent, name, attributes, text) => {
  const made = parent.appendChild(document.createElementNS(SVG, name));
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
};
const html = (parent, name, className, text) => {
  const made = parent.appendChild(document.createElement(name));
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

// The patch that is heard at a time, and the point between the middles of the two patches around it.
function at(seconds) {
  const middles = song.middles, last = middles.length - 1;
  let after = middles.findIndex((middle) => middle >= seconds);
  if (after < 0) after = last;
  const before = Math.max(0, after - 1), gap = middles[after] - middles[before];
  const share = gap ? Math.min(1, Math.max(0, (seconds - middles[before]) / gap)) : 0;
  const mix = (values) => values[before] + share * (values[after] - values[before]);
  return { patch: share < 0.5 ? before : after, arousal: mix(song.arousal), valence: mix(song.valence) };
}

function drawPlane() {
  const plane = one(".song-plane");
  plane.replaceChildren();
  svg(plane, "title", {}, `Plane of valence (left to right) and arousal (bottom to top), both from −1 to 1. `
    + `Mean arousal ${signed(song.mean_arousal)}, mean valence ${signed(song.mean_valence)}.`);
  svg(plane, "rect", { class: "field", x: LEFT, y: TOP, width: SIDE, height: SIDE });
  for (const half of [-0.5, 0.5]) {
    svg(plane, "line", { class: "grid", x1: x(half), x2: x(half), y1: y(-1), y2: y(1) });
    svg(plane, "line", { class: "grid", x1: x(-1), x2: x(1), y1: y(half), y2: y(half) });
  }
  svg(plane, "line", { class: "axis", x1: x(0), x2: x(0), y1: y(-1), y2: y(1) });
  svg(plane, "line", { class: "axis", x1: x(-1), x2: x(1), y1: y(0), y2: y(0) });
  for (const [name, valence, arousal] of song.corners) {  // outside the plane, where no path goes
    svg(plane, "text", { class: "corner", x: x(valence / 2), y: arousal > 0 ? y(1) - 8 : y(-1) + 19,
      "text-anchor": "middle" }, name);
  }
  for (const end of [-1, 0, 1]) {
    const text = end ? (end < 0 ? "−1" : "+1") : "0";
    svg(plane, "text", { x: x(end), y: y(-1) + 19, "text-anchor": "middle" }, text);
    svg(plane, "text", { x: LEFT - 7, y: y(end) + 5, "text-anchor": "end" }, text);
  }
  svg(plane, "text", { x: x(0), y: 449, "text-anchor": "middle" }, "valence: unpleasant to pleasant");
  svg(plane, "text", { x: 14, y: y(0), "text-anchor": "middle", transform: `rotate(-90 14 ${y(0)})` },
    "arousal: calm to excited");
  drawPath(plane);
}

function drawPath(plane) {
  const count = song.times.length, shade = (i) => css(i / Math.max(1, count - 1));
  const points = song.times.map((_, i) => `${x(song.valence[i]).toFixed(1)},${y(song.arousal[i]).toFixed(1)}`);
  svg(plane, "polyline", { class: "casing", points: points.join(" ") });
  const step = Math.max(1, Math.ceil(count / MANY));
  for (let i = 0; i < count - 1; i += step) {
    svg(plane, "polyline", { class: "piece", points: points.slice(i, i + step + 1).join(" "), stroke: shade(i) });
  }
  if (count <= MANY) {
    for (let i = 0; i < count; i += 1) {
      const [cx, cy] = points[i].split(",");
      svg(plane, "circle", { class: "point", cx, cy, r: 3.5, fill: shade(i) });
    }
  }
  const [cx, cy] = [x(song.mean_valence), y(song.mean_arousal)];
  svg(plane, "path", { class: "mean", d: `M${cx - 7} ${cy}h14M${cx} ${cy - 7}v14` });
  marker = [svg(plane, "circle", { class: "halo", r: 13 }), svg(plane, "circle", { class: "marker", r: 9 })];
}

function drawNumbers() {
  const body = one(".song-numbers tbody");
  body.replaceChildren();
  cells = [];
  for (const task of song.tasks) {
    const top = task.mean.indexOf(Math.max(...task.mean));
    task.classes.forEach((name, i) => {
      const row = html(body, "tr", i ? "" : "first");
      html(row, "th", i === top ? "top" : "", name).scope = "row";
      const cell = html(row, "td", i === top ? "bar top" : "bar", percent(task.mean[i]));
      cell.style.setProperty("--p", task.mean[i]);
      cells.push([html(row, "td"), task.rows[i], percent]);
    });
  }
  for (const [name, value] of [["Arousal", song.mean_arousal], ["Valence", song.mean_valence]]) {
    const row = html(body, "tr", name === "Arousal" ? "first" : "");
    html(row, "th", "", name).scope = "row";
    html(row, "td", "", signed(value));
    html(row, "td", name.toLowerCase());
  }
  for (const task of song.tasks.filter((each) => each.range)) {
    const row = html(body, "tr");
    html(row, "th", "", task.title).scope = "row";
    html(row, "td", "", signed(task.mean[0]));
    cells.push([html(row, "td"), task.rows[0], signed]);
  }
}

function strip(strips, className, labels, height) {
  const names = html(strips, "div", "labels");
  for (const label of labels) html(names, "span", "", label);
  const made = html(strips, "div", `strip ${className}`);
  if (height) made.style.height = `${height}rem`;
  made.addEventListener("click", (event) => {
    const box = made.getBoundingClientRect();
    seek((event.clientX - box.left) / box.width * song.seconds);
  });
  cursors.push(html(made, "div", "cursor"));
  return made;
}

function drawTaggram() {
  const strips = one(".song-strips");
  strips.replaceChildren();
  cursors = [];
  const wave = svg(strip(strips, "wave", []), "svg", { viewBox: `0 -1 ${song.envelope.length} 2`,
    preserveAspectRatio: "none", "aria-hidden": "true" });
  const edge = (side) => song.envelope.map((pair, i) => `${i} ${-pair[side]}`);
  if (song.envelope.length) svg(wave, "path", { d: `M${[...edge(1), ...edge(0).reverse()].join("L")}Z` });
  for (const task of song.tasks) {
    html(strips, "div", "title", task.title);
    if (task.range) {
      const [low, high] = task.range;
      const line = svg(strip(strips, "line", [high, low], 4), "svg", { viewBox: `0 0 ${song.seconds} 1`,
        preserveAspectRatio: "none", role: "img", "aria-label": `${task.title} over time; mean ${signed(task.mean[0])}` });
      svg(line, "polyline", { points: song.middles.map((middle, i) =>
        `${middle} ${(high - task.rows[0][i]) / (high - low)}`).join(" ") });
      continue;
    }
    const field = strip(strips, "heat", task.classes, 1.5 * task.classes.length);
    const canvas = html(field, "canvas"), count = song.times.length;
    field.prepend(canvas);
    canvas.width = count;
    canvas.height = task.classes.length;
    canvas.style.width = `${100 * Math.min(1, (song.times[count - 1] + song.hop_seconds) / song.seconds)}%`;
    canvas.style.left = `${100 * song.times[0] / song.seconds}%`;
    const image = new ImageData(count, task.classes.length);
    task.rows.forEach((row, k) => row.forEach((share, i) => {
      image.data.set([...colour(share), 255], 4 * (k * count + i));
    }));
    canvas.getContext("2d").putImageData(image, 0, 0);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${task.title} over time; means: `
      + task.classes.map((name, i) => `${name} ${percent(task.mean[i])}`).join(", "));
  }
  html(strips, "div");
  const ticks = html(strips, "div", "ticks");
  const step = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600].find((each) => song.seconds / each <= 6) || 7200;
  for (let time = 0; time <= song.seconds; time += step) {
    const tick = html(ticks, "span", time > 0.95 * song.seconds ? "last" : "", clock(time));
    tick.style.left = `${100 * time / song.seconds}%`;
  }
}

// Everything that moves: the marker, the cursors, the numbers of this moment.
function show(seconds) {
  if (!song || !song.times.length) return;
  const now = at(seconds), place = `${100 * Math.min(1, seconds / song.seconds)}%`;
  for (const circle of marker) { circle.setAttribute("cx", x(now.valence)); circle.setAttribute("cy", y(now.arousal)); }
  for (const cursor of cursors) cursor.style.left = place;
  for (const [cell, values, words] of cells) cell.textContent = words(values[now.patch]);
  for (const name of ["arousal", "valence"]) one(`.song-numbers td.${name}`).textContent = signed(now[name]);
  const quadrants = song.tasks[0].rows.map((row) => row[now.patch]), best = quadrants.indexOf(Math.max(...quadrants));
  const line = one(".song-now");
  line.replaceChildren();
  html(line, "b", "", `${clock(seconds)}  ${song.tasks[0].classes[best]} ${song.words[best]}`);
  html(line, "br");
  line.append(`arousal ${signed(now.arousal)}, valence ${signed(now.valence)}`);
}

const time = () => (scrub.hidden ? audio.currentTime : Number(slider.value));
function seek(seconds) {
  slider.value = seconds;
  if (scrub.hidden) audio.currentTime = seconds;
  show(seconds);
}
function follow() {
  show(time());
  if (!audio.paused && !audio.ended) requestAnimationFrame(follow);
}
for (const name of ["play", "seeking", "seeked", "timeupdate", "loadedmetadata"]) {
  audio.addEventListener(name, () => (name === "play" ? follow() : song && show(time())));
}
audio.addEventListener("error", () => {
  if (!audio.getAttribute("src")) return;
  scrub.hidden = false;
  audio.hidden = true;
});
slider.addEventListener("input", () => show(time()));

function draw() {
  const value = props.value;
  audio.pause();
  song = value && !value.error ? { ...value } : null;
  one(".song-error").textContent = value && value.error ? value.error : "";
  one(".song").dataset.state = song ? "result" : value ? "error" : "empty";
  if (!song) { audio.removeAttribute("src"); audio.load(); return; }
  song.middles = song.times.map((start) => start + song.patch_seconds / 2);
  one(".song-name").textContent = song.name;
  one(".song-model").textContent = `${clock(song.seconds)}, heard by ${song.model.replace("->", "→")}`;
  one(".song-notice").textContent = song.notice;
  one(".song-notice").hidden = !song.notice;
  one(".song-words").textContent = song.sentence;
  one(".song-start").textContent = "0:00";
  one(".song-end").textContent = clock(song.seconds);
  slider.max = song.seconds;
  slider.value = 0;
  scrub.hidden = true;
  audio.hidden = false;
  audio.setAttribute("aria-label", `Play ${song.name}`);
  audio.src = song.audio.url;
  const some = song.times.length > 0;
  for (const part of [".song-columns", ".song-taggram"]) one(part).hidden = !some;
  if (some) { drawPlane(); drawNumbers(); drawTaggram(); show(0); }
}
watch("value", draw);
draw();
