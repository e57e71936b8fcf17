// What the resident has sent and the server has not confirmed. It outlives the page; each message keeps its id, so that
// trying again never makes two of it.

import { Failed, Refused, call, randomId, sleep } from "./api.js";

const PREFIX = "linlitong-unsent-";
const memory = new Map(); // where the browser keeps nothing, at least as long as the page is open

export class Outbox {
  // changed(): the list is another; sent(item, ack), refused(item, sentence): an item has left it
  constructor({ changed, sent, refused }) {
    Object.assign(this, { changed, sent, refused });
    this.sending = false;
    this.failing = false;
    this.hurry = () => {};
  }

  items() {
    const items = [...memory.values()];
    for (const key of storedKeys()) items.push(JSON.parse(localStorage.getItem(key)));
    return items.sort((a, b) => a.at - b.at);
  }

  // preview: what the resident sees of it meanwhile, as a message's media
  add(message, preview = []) {
    const item = { at: Date.now(), message: { client_id: randomId(), ...message }, preview };
    try {
      localStorage.setItem(PREFIX + item.message.client_id, JSON.stringify(item));
    } catch {
      memory.set(item.message.client_id, item);
    }
    this.changed();
    this.run();
  }

  async run() {
    this.hurry();
    if (this.sending) return;
    this.sending = true;
    let pause = 500;
    for (let item; (item = this.items()[0]); ) {
      try {
        const ack = await call("POST", "/api/messages", item.message);
        this.leave(item, () => this.sent(item, ack));
        pause = 500;
      } catch (error) {
        if (error instanceof Refused && error.code === "no_device") {
          await call("POST", "/api/session").catch(() => null);
        } else if (error instanceof Refused && !error.wait) {
          this.leave(item, () => this.refused(item, error.sentence));
          continue;
        } else if (!(error instanceof Refused || error instanceof Failed)) {
          throw error;
        }
        this.failing = true;
        this.changed();
        await Promise.race([sleep(error.wait ? error.wait * 1000 : pause), new Promise((go) => (this.hurry = go))]);
        pause = Math.min(pause * 2, 8000);
      }
    }
    this.sending = false;
  }

  leave(item, then) {
    memory.delete(item.message.client_id);
    try {
      localStorage.removeItem(PREFIX + item.message.client_id);
    } catch {
      // it was in memory
    }
    this.failing = false;
    then();
    this.changed();
  }
}

function storedKeys() {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
  } catch {
    return [];
  }
}
