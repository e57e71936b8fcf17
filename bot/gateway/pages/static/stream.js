// The line to the server. It comes back by itself and goes on after the last message it brought.

const SILENCE = 25_000; // the server says something every 10 s
const HIDDEN = 60_000; // a page that nobody sees gives its line back

export class Stream {
  // message(message), turn({message_id, turn}), state(up)
  constructor({ message, turn, state }) {
    Object.assign(this, { message, turn, state });
    this.last = 0;
    this.pause = 500;
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.away);
      if (document.hidden) this.away = setTimeout(() => this.close(), HIDDEN);
      else if (!this.source) this.open();
    });
    addEventListener("online", () => this.open());
    addEventListener("offline", () => this.state(false));
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => event.persisted && this.open());
  }

  open() {
    this.close();
    this.source = new EventSource(`/api/stream?after=${this.last}`);
    this.source.addEventListener("message", (event) => {
      this.alive(true);
      this.last = Number(event.lastEventId);
      this.message(JSON.parse(event.data));
    });
    this.source.addEventListener("turn", (event) => {
      this.alive(true);
      this.turn(JSON.parse(event.data));
    });
    this.source.addEventListener("beat", () => this.alive(true));
    this.source.addEventListener("down", () => this.alive(false));
    this.source.addEventListener("error", () => {
      this.state(false);
      if (this.source?.readyState === EventSource.CLOSED) this.again();
    });
    this.watch();
  }

  alive(up) {
    this.pause = 500;
    this.state(up);
    this.watch();
  }

  watch() {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => {
      this.state(false);
      this.open();
    }, SILENCE);
  }

  again() {
    this.close();
    this.watchdog = setTimeout(() => this.open(), this.pause);
    this.pause = Math.min(this.pause * 2, 5000);
  }

  close() {
    clearTimeout(this.watchdog);
    this.source?.close();
    this.source = null;
  }
}
