"""A supervisor over tiny stand-ins, for tests: python city.py HOME NAME:KIND...  (kinds: see ``stand_in``)"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from linlitong.guard import Guard
from linlitong.home import AlreadyRunning, Home
from linlitong.ports import free_port
from linlitong.supervisor import CannotStart, Patience, Program, Supervisor

STAND_IN = """
import http.server, os, signal, subprocess, sys, time
kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
print("I am", kind, flush=True)
if kind == "broken":
    sys.exit("no such table: streets")
if kind == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: (print("bye", flush=True), os._exit(0)))
if kind == "parent":
    print("child", subprocess.Popen(["sleep", "600"]).pid, flush=True)
if kind == "mute":
    time.sleep(600)

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        print("x" * int(self.path[1:]), flush=True)
        self.do_GET()
    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer((host, port), Health).serve_forever()
"""


def stand_in(name: str, kind: str, after: tuple[str, ...]) -> Program:
    """A program of its kind: good, broken, mute (never ready), stubborn (ignores SIGTERM), parent (has a child),
    elsewhere (listens on another address)."""
    host = "127.0.0.2" if kind == "elsewhere" else "127.0.0.1"
    port = free_port(host)
    return Program(name, (sys.executable, "-c", STAND_IN, kind, host, str(port)), port, host, after)


async def run(home: Home, kinds: list[str], guard: Guard) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    programs: list[Program] = []
    for word in kinds:
        name, kind = word.split(":")
        programs.append(stand_in(name, kind, tuple(p.name for p in programs)))
    patience = Patience(ready=6, stop=1, first_pause=0.05, stuck=3)
    supervisor = Supervisor(programs, home, os.environ, guard=guard, stopping=stopping, patience=patience)
    await supervisor.run(lambda: print("all ready", flush=True))
    print("all stopped", flush=True)


if __name__ == "__main__":
    home = Home(Path(sys.argv[1]))
    try:
        with home.hold(), Guard() as guard:
            asyncio.run(run(home, sys.argv[2:], guard))
    except (CannotStart, AlreadyRunning) as error:
        sys.exit(f"sentence: {error}")
