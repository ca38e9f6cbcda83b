"""The first process of a machine that lives for one story: lays its lines, keeps the agent as systemd would, and is the person at the door.

Argument: a folder of the host with `story.json`. What was done and seen goes to `seen.jsonl` there, in the machine's own milliseconds.
"""

import ctypes
import errno
import fcntl
import glob
import json
import os
import pathlib
import queue
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
import tty

HOST = pathlib.Path("/run/host")
STATE = "/run/state"
NOTIFY = "/run/notify"
LOOK = 0.005
LONGEST = 120  # seconds of this machine's time until what does not come is given up
BYTE = 10 / 9600  # start bit, eight, stop bit at 9600 baud
PULSE, PAUSE = 0.001, 0.001  # two ticks of this kernel; readers have pulses of 50 us, as far apart
KEY = 0.002

LIBC = ctypes.CDLL(None, use_errno=True)
POWER_OFF = 0x4321FEDC  # linux/reboot.h


def mount(kind, where, options=""):
    os.makedirs(where, exist_ok=True)
    if LIBC.mount(b"none", where.encode(), kind.encode(), 0, options.encode()):
        raise OSError(ctypes.get_errno(), f"mount {kind} at {where}")


class Log:
    """What was done and seen, in one order."""

    def __init__(self):
        self.lines = []
        self.changed = threading.Condition()
        self.file = (HOST / "seen.jsonl").open("w")

    def add(self, what):
        with self.changed:
            self.lines.append(what)
            self.file.write(json.dumps({"at": round(time.monotonic() * 1000), "what": what}) + "\n")
            self.file.flush()
            self.changed.notify_all()

    def wait(self, what, begin):
        """Until `what` comes, or has come since there were `begin` lines."""
        with self.changed:
            if not self.changed.wait_for(lambda: what in self.lines[begin:], LONGEST):
                raise TimeoutError(f"waited in vain for: {what}")


class Chip:
    """A GPIO chip of which this process is the other end."""

    def __init__(self, label, lines, keeps, watched, log):
        made = pathlib.Path("/sys/kernel/config/gpio-sim/machine")
        (made / "bank").mkdir(parents=True)
        (made / "bank/label").write_text(label)
        (made / "bank/num_lines").write_text(str(lines))
        (made / "live").write_text("1")
        pathlib.Path("/sys/module/gpio_sim/parameters/keep").write_text("Y" if keeps else "N")
        name = (made / "bank/chip_name").read_text().strip()
        self.lines = pathlib.Path(glob.glob(f"/sys/devices/platform/gpio-sim.*/{name}")[0])
        self.log = log
        self.watched = {name: os.open(self.lines / f"sim_gpio{line}/value", os.O_RDONLY) for name, line in watched.items()}
        self.levels = {}

    def pull(self, line, way):
        (self.lines / f"sim_gpio{line}/pull").write_text(f"pull-{way}")

    def look(self):
        for name, value in self.watched.items():
            level = os.pread(value, 1, 0).decode()
            if level != self.levels.get(name):
                self.levels[name] = level
                self.log.add(f"{name} {level}")

    def watch(self):
        while True:
            self.look()
            time.sleep(LOOK)


class Service:
    """The agent, kept as its unit tells systemd to."""

    def __init__(self, agent, unit, log):
        self.agent, self.unit, self.log = agent, unit, log
        self.events = queue.Queue()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(NOTIFY)
        threading.Thread(target=self.hear, daemon=True).start()

    def hear(self):
        while True:
            for word in self.socket.recv(4096).decode().splitlines():
                self.events.put(word)

    def command(self, words):
        output = (HOST / "agent.log").open("a")
        environment = dict(os.environ, NOTIFY_SOCKET=NOTIFY, WATCHDOG_USEC=str(self.unit["watchdog_ms"] * 1000))
        program = [self.agent, "--config", HOST / "uml.toml", *words]
        return subprocess.Popen(program, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def keep(self):
        while True:
            self.main = self.command(self.unit["start"])
            threading.Thread(target=lambda main=self.main: self.events.put(main.wait()), daemon=True).start()
            self.follow()
            self.log.add("agent ended")
            for words in self.unit["stop_post"]:
                self.command(words).wait()
                self.log.add("stop post ran")
            if not self.unit["restart"]:
                return

    def guard(self):
        """The process of the agent's guard."""
        for line in glob.glob("/proc/[0-9]*/cmdline"):
            if pathlib.Path(line).read_bytes().endswith(b"\0guard\0"):
                return int(line.split("/")[2])
        raise LookupError("there is no guard")

    def follow(self):
        """Until it has ended, by itself or because it was silent for too long."""
        alive = time.monotonic()
        while True:
            try:
                event = self.events.get(timeout=max(0, alive + self.unit["watchdog_ms"] / 1000 - time.monotonic()))
            except queue.Empty:
                self.log.add("watchdog bites")
                # As systemd does: a stopped process has to go on to receive it.
                self.main.send_signal(signal.SIGABRT)
                self.main.send_signal(signal.SIGCONT)
                alive = time.monotonic()
                continue
            if isinstance(event, int):
                return
            if event in ("READY=1", "WATCHDOG=1"):
                alive = time.monotonic()
            if event == "READY=1":
                self.log.add("agent ready")


class Terminal:
    """A serial reader at the other end of a pseudo terminal."""

    def __init__(self, path):
        self.line, other_end = os.openpty()
        tty.setraw(other_end)
        os.symlink(os.ttyname(other_end), path)

    def send(self, hexadecimal):
        for byte in bytes.fromhex(hexadecimal):
            os.write(self.line, bytes([byte]))
            time.sleep(BYTE)


class Keyboard:
    """A reader that types (uinput.h, input-event-codes.h)."""

    SET_EVENT, SET_KEY, SETUP, CREATE, GRAB = 0x40045564, 0x40045565, 0x405C5503, 0x5501, 0x40044590
    SYNCHRONISE, PRESS, USB = 0, 1, 3

    def __init__(self, path):
        self.device = os.open("/dev/uinput", os.O_WRONLY)
        fcntl.ioctl(self.device, self.SET_EVENT, self.PRESS)
        for code in range(1, 128):
            fcntl.ioctl(self.device, self.SET_KEY, code)
        fcntl.ioctl(self.device, self.SETUP, struct.pack("4H80sI", self.USB, 1, 1, 1, b"a reader that types", 0))
        fcntl.ioctl(self.device, self.CREATE)
        event = glob.glob("/sys/devices/virtual/input/input*/event*")[0]
        self.event = "/dev/input/" + os.path.basename(event)
        os.symlink(self.event, path)

    def is_taken(self):
        """Whether somebody has it alone."""
        with open(self.event, "rb") as event:
            try:
                fcntl.ioctl(event, self.GRAB, 1)
                return False
            except OSError as error:
                return error.errno == errno.EBUSY

    def type(self, codes):
        for code in codes:
            for value in (1, 0):
                for kind, what, how in ((self.PRESS, code, value), (self.SYNCHRONISE, 0, 0)):
                    os.write(self.device, struct.pack("qqHHi", 0, 0, kind, what, how))
                time.sleep(KEY)


def live(story, log):
    chip = Chip(story["chip"], story["lines"], story["keeps"], story["watched"], log)
    for line, way in story["pulls"].items():
        chip.pull(line, way)
    reader = {"terminal": Terminal, "keyboard": Keyboard}.get(story["reader"], lambda path: None)("/run/reader")
    service = Service(story["agent"], story["unit"], log)
    threading.Thread(target=chip.watch, daemon=True).start()

    acted = 0
    for verb, *words in story["steps"]:
        if verb != "sees":
            acted = len(log.lines)
            log.add(verb)
        match verb:
            case "sees":
                log.wait(words[0], acted)
            case "serve":
                threading.Thread(target=service.keep, daemon=True).start()
            case "send":
                reader.send(words[0])
            case "type":
                reader.type(words[0])
            case "pulse":
                for line in words[0]:
                    chip.pull(line, "down")
                    time.sleep(PULSE)
                    chip.pull(line, "up")
                    time.sleep(PAUSE)
            case "pull":
                chip.pull(*words)
            case "kill":
                process = service.guard() if words[1] == "guard" else service.main.pid
                os.kill(process, getattr(signal, words[0]))
            case "grab":
                log.add("is taken" if reader.is_taken() else "is free")
            case "pass":
                time.sleep(words[0])


def main():
    mount("proc", "/proc")
    mount("sysfs", "/sys")
    mount("configfs", "/sys/kernel/config")
    mount("devtmpfs", "/dev")
    mount("devpts", "/dev/pts", "mode=0620,ptmxmode=0666")
    mount("tmpfs", "/run")
    mount("hostfs", str(HOST), sys.argv[1])
    sys.stderr = (HOST / "person.log").open("w")
    try:
        # The host's copy stays as it is, and its file system is not one that an agent would meet. A socket is no file.
        shutil.copytree(HOST / "state", STATE, ignore=shutil.ignore_patterns("*.sock"))
        log = Log()
        live(json.loads((HOST / "story.json").read_text()), log)
        log.add("the end")
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    LIBC.reboot(POWER_OFF)


main()
