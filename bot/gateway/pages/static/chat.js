// The conversation: history, what comes in, what goes out.

import { Failed, Refused, call, sleep } from "./api.js";
import { bubble, chipStates, timeLine } from "./bubbles.js";
import { Outbox } from "./outbox.js";
import { Photos } from "./photos.js";
import { Stream } from "./stream.js";

const HISTORY = 40;
const GAP = 5 * 60_000; // between two messages, after which the time is said
const PATIENCE = 20_000; // how long the dots show that an answer is coming
const NO_PLACE = "没拿到您的位置。没关系，直接说小区名和楼号，或者路名门牌就行。";

const at = (id) => document.getElementById(id);
const [scroll, log, unsent, text, send] = ["scroll", "log", "unsent", "text", "send"].map(at);

const shown = new Map(); // sequence: {message, row}
const early = []; // what came while a message was being sent, whose own sequence is not known yet

const outbox = new Outbox({ changed: drawUnsent, sent: onSent, refused: onRefused });
const photos = new Photos(at("tray"), { tell, changed: drawSend });
const stream = new Stream({ message: onMessage, turn: onTurn, state: onState });

// ---- what comes in

function onMessage(message) {
  if (outbox.sending && message.author === "resident") early.push(message);
  else if (early.length) early.push(message);
  else show(message);
}

function show(message) {
  if (shown.has(message.sequence)) return;
  const near = atEnd();
  const row = bubble(message, { press });
  shown.set(message.sequence, { message, row });
  log.append(row);
  arrange();
  if (message.author !== "resident") showTyping(false);
  else if (message.turn === "pending" || message.turn === "running") showTyping(true);
  if (near || message.author === "resident") toEnd();
  else at("newest").hidden = false;
}

function onTurn({ turn }) {
  if (turn !== "pending" && turn !== "running") showTyping(false);
}

let lineTimer;
function onState(up) {
  clearTimeout(lineTimer);
  if (up) at("line").hidden = true;
  else lineTimer = setTimeout(() => (at("line").hidden = false), 600);
  if (up && outbox.failing) outbox.run();
}

// In order of sequence, with the times between, and each chip as it now is.
function arrange() {
  const entries = [...shown.entries()].sort(([a], [b]) => a - b).map(([, entry]) => entry);
  const pieces = [];
  let before = 0;
  for (const { message, row } of entries) {
    const when = Date.parse(message.at);
    if (when - before > GAP) pieces.push(timeLine(message.at));
    before = when;
    pieces.push(row);
  }
  const inPlace = pieces.length === log.children.length && pieces.at(-1) === log.lastChild;
  if (!inPlace) log.replaceChildren(...pieces);
  at("welcome").hidden = entries.length > 0 || outbox.items().length > 0;
  const states = chipStates([...entries.map((entry) => entry.message), ...outbox.items().map(coming)]);
  for (const { message, row } of entries) {
    const state = states.get(message);
    for (const chip of row.querySelectorAll(".chip")) {
      chip.disabled = !state.open;
      chip.classList.toggle("pressed", chip.textContent === state.pressed);
    }
  }
  const first = entries[0]?.message.sequence ?? 1;
  at("earlier").hidden = first <= 1;
}

// ---- what goes out

function press(button) {
  outbox.add({ kind: "button", payload: button.payload, title: button.title });
}

async function submit() {
  if (send.disabled) return;
  const words = text.value;
  if (!photos.waiting && !words.trim()) {
    text.focus();
    return;
  }
  text.value = "";
  grow();
  if (photos.waiting) {
    send.disabled = true;
    const media = await photos.take();
    send.disabled = false;
    if (media.length) outbox.add({ kind: "photo", text: words, media: media.map((photo) => photo.key) }, media);
    else text.value = words;
    grow();
  } else {
    outbox.add({ kind: "text", text: words });
  }
  toEnd();
}

// What is being sent, as the message that it is going to be.
function coming({ at: when, message, preview }) {
  return {
    at: new Date(when).toISOString(),
    author: "resident",
    kind: message.kind,
    text: message.title ?? message.text ?? "",
    payload: message.payload,
    media: preview,
    buttons: [],
    turn: "pending",
  };
}

function drawUnsent() {
  const near = atEnd();
  const note = outbox.failing ? "还没发出去，连上后自动发送" : "";
  unsent.replaceChildren(...outbox.items().map((item) => bubble(coming(item), { note })));
  arrange();
  if (near) toEnd();
}

function onSent(item, ack) {
  for (const each of early.splice(0)) show(each);
  show({ ...coming(item), ...ack });
}

function onRefused({ message }, sentence) {
  if (message.kind === "text" && !text.value) {
    text.value = message.text;
    grow();
  }
  for (const each of early.splice(0)) show(each);
  tell(sentence);
}

function sendPlace() {
  const button = at("place");
  if (!navigator.geolocation) {
    tell(NO_PLACE);
    return;
  }
  button.disabled = true;
  button.lastElementChild.textContent = "正在定位…";
  const over = () => {
    button.disabled = false;
    button.lastElementChild.textContent = "发位置";
  };
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      over();
      outbox.add({ kind: "location", location: { latitude: coords.latitude, longitude: coords.longitude } });
    },
    () => {
      over();
      tell(NO_PLACE);
    },
    { enableHighAccuracy: true, timeout: 15_000, maximumAge: 60_000 },
  );
}

// ---- small things

function drawSend() {
  text.placeholder = photos.waiting ? "给照片配一句话（可不写）" : "有什么事，直接说";
}

let typingTimer;
function showTyping(on) {
  clearTimeout(typingTimer);
  at("typing").hidden = !on;
  if (on) typingTimer = setTimeout(() => showTyping(false), PATIENCE);
}

let toastTimer;
function tell(sentence) {
  clearTimeout(toastTimer);
  at("toast").textContent = sentence;
  at("toast").hidden = false;
  toastTimer = setTimeout(() => (at("toast").hidden = true), 5000);
}

function grow() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
}

const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 120;

function toEnd() {
  scroll.scrollTop = scroll.scrollHeight;
  at("newest").hidden = true;
}

async function showEarlier() {
  const first = Math.min(...shown.keys());
  const height = scroll.scrollHeight - scroll.scrollTop;
  try {
    await history(`&before=${first}`);
    scroll.scrollTop = scroll.scrollHeight - height;
  } catch (error) {
    tell(error instanceof Refused ? error.sentence : "没有连上，请稍后再试。");
  }
}

async function history(more = "") {
  const { messages } = await call("GET", `/api/messages?last=${HISTORY}${more}`);
  for (const message of messages) {
    if (!shown.has(message.sequence)) shown.set(message.sequence, { message, row: bubble(message, { press }) });
  }
  arrange();
}

async function begin() {
  for (let pause = 500; ; pause = Math.min(pause * 2, 5000)) {
    try {
      await history();
      break;
    } catch (error) {
      if (error instanceof Refused && error.code === "no_device") await call("POST", "/api/session").catch(() => null);
      else if (!(error instanceof Refused || error instanceof Failed)) throw error;
      onState(false);
      await sleep(pause);
    }
  }
  toEnd();
  stream.last = Math.max(0, ...shown.keys());
  stream.open();
  drawUnsent();
  outbox.run();
}

at("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
    event.preventDefault();
    submit();
  }
});
text.addEventListener("input", grow);
at("photo").addEventListener("change", (event) => {
  photos.add(event.target.files);
  event.target.value = "";
});
at("place").addEventListener("click", sendPlace);
at("earlier").addEventListener("click", showEarlier);
at("newest").addEventListener("click", toEnd);
scroll.addEventListener("scroll", () => atEnd() && (at("newest").hidden = true), { passive: true });
log.addEventListener("load", () => atEnd() && toEnd(), true); // a photo has got its height
for (const chip of at("welcome").querySelectorAll(".chip")) {
  chip.addEventListener("click", () => press({ payload: chip.dataset.payload, title: chip.textContent }));
}
begin();
