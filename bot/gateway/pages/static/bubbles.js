// Messages as bubbles. Whatever people wrote gets into the page as text, never as markup.

// An opinion's number (Y1234-5678) has no page of its own; a subsidy's (B1234-5678) has one, an event's too.
const LIVELY = /[A-Z]?\d{4}-\d{4}|0\d{2,3}-?\d{7,8}|1[3-9]\d{9}|12110|12345|12348|12356|110|119|120/g;
const PAGES = [[/^\d{4}-\d{4}$/, "/events/"], [/^B\d{4}-\d{4}$/, "/subsidies/"]];
const WEEKDAYS = ["星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六"];
const PIN = "M12 2a7 7 0 0 0-7 7c0 5 7 13 7 13s7-8 7-13a7 7 0 0 0-7-7zm0 4.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z";

export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export function timeLine(at) {
  return element("p", "when", moment(new Date(at), new Date()));
}

export function moment(date, now) {
  const clock = `${date.getHours()}:${String(date.getMinutes()).padStart(2, "0")}`;
  const midnight = (day) => new Date(day.getFullYear(), day.getMonth(), day.getDate());
  const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
  if (days <= 0) return clock;
  if (days === 1) return `昨天 ${clock}`;
  if (days < 7) return `${WEEKDAYS[date.getDay()]} ${clock}`;
  const day = `${date.getMonth() + 1}月${date.getDate()}日`;
  return `${date.getFullYear() === now.getFullYear() ? "" : `${date.getFullYear()}年`}${day} ${clock}`;
}

// press(button) is called when a chip is pressed; note is a line under the bubble
export function bubble(message, { press, note } = {}) {
  const mine = message.author === "resident";
  const said = element("div", "said");
  if (message.author === "staff") said.append(element("span", "who", "工作人员"));
  for (const photo of message.media) said.append(picture(photo));
  if (message.kind === "location") said.append(pin());
  else if (message.text) said.append(text(message.text, { links: !mine }));
  else if (!message.media.length) said.append(text(UNSHOWN[message.kind] || "（空）", { links: false }));
  if (message.buttons.length) {
    const chips = element("div", "chips");
    for (const button of message.buttons) chips.append(chip(button, press));
    said.append(chips);
  }
  if (note) said.append(element("span", "note", note));
  const row = element("div", mine ? "row mine" : "row theirs");
  if (!mine) {
    const face = element("span", message.author === "staff" ? "face person" : "face", message.author === "staff" ? "人" : "邻");
    face.setAttribute("aria-hidden", "true");
    row.append(face);
  }
  row.append(said);
  return row;
}

const UNSHOWN = { video: "［视频］", voice: "［语音］", file: "［文件］", sticker: "［表情］", photo: "［照片］" };

function text(words, { links }) {
  const made = element("div", "bubble");
  made.dir = "auto";
  let from = 0;
  for (const found of links ? words.matchAll(LIVELY) : []) {
    const end = found.index + found[0].length;
    if (/[\d-]/.test(words[found.index - 1] ?? "") || /[\d-]/.test(words[end] ?? "")) continue;
    const page = PAGES.find(([number]) => number.test(found[0]));
    if (!page && /^[A-Z]/.test(found[0])) continue;
    const link = element("a", "", found[0]);
    link.href = page ? page[1] + found[0] : `tel:${found[0].replace("-", "")}`;
    made.append(words.slice(from, found.index), link);
    from = end;
  }
  made.append(words.slice(from));
  return made;
}

function picture(photo) {
  if (photo.mime && !photo.mime.startsWith("image/")) {
    const link = element("a", "", photo.mime.startsWith("video/") ? "看视频" : "看文件");
    Object.assign(link, { href: photo.url, target: "_blank" });
    return element("div", "bubble", link);
  }
  const image = element("img");
  Object.assign(image, { src: photo.url, alt: "照片", loading: "lazy" });
  const link = element("a", "picture", image);
  Object.assign(link, { href: photo.url, target: "_blank" });
  return link;
}

function pin() {
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.setAttribute("width", "24");
  icon.setAttribute("fill", "currentColor");
  icon.setAttribute("fill-rule", "evenodd");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PIN);
  icon.append(path);
  return element("div", "bubble pin", icon, "我的位置");
}

function chip(button, press) {
  const made = element("button", "chip", button.title);
  made.type = "button";
  if (press) made.addEventListener("click", () => press(button));
  return made;
}

// Which chips still work: one of a row that was pressed takes the others with it; what the bot asked is over once the
// resident says anything; what was pushed (author system) stays until it is answered.
export function chipStates(messages) {
  const states = new Map();
  const rows = [];
  for (const message of messages) {
    if (message.author === "resident") {
      const fits = (button) => button.title === message.text && (!message.payload || button.payload === message.payload);
      const answered =
        message.kind === "button" && rows.findLast((row) => states.get(row).open && row.buttons.some(fits));
      if (answered) Object.assign(states.get(answered), { open: false, pressed: message.text });
      for (const row of rows) if (row.author === "bot") states.get(row).open = false;
    } else if (message.buttons.length) {
      rows.push(message);
      states.set(message, { open: true, pressed: null });
    }
  }
  return states;
}
