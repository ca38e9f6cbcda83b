"""An RDM6300 at the other end of a pseudo terminal: one frame for a card, byte by byte at 9600 baud.

Argument: the path under which the line appears. A line on standard input is a card's ten hexadecimal digits.
"""

import fcntl
import os
import sys
import termios
import threading
import time
import tty

BAUD = 9600
BITS_PER_BYTE = 10  # start, eight, stop
AWAY = 1.2  # the same card counts anew after a second away


def frame(card):
    checksum = 0
    for byte in bytes.fromhex(card):
        checksum ^= byte
    return b"\x02" + card.encode("ascii") + b"%02X" % checksum + b"\x03"


def show(line, card):
    for byte in frame(card):
        os.write(line, bytes([byte]))
        time.sleep(BITS_PER_BYTE / BAUD)


def release(other_end):
    """A real line forgets who held it alone as soon as that program is killed; this kind has to be told."""
    while True:
        fcntl.ioctl(other_end, termios.TIOCNXCL)
        time.sleep(0.1)


def main():
    line, other_end = os.openpty()
    tty.setraw(other_end)
    settings = termios.tcgetattr(other_end)
    settings[4] = settings[5] = termios.B9600
    termios.tcsetattr(other_end, termios.TCSANOW, settings)
    os.symlink(os.ttyname(other_end), sys.argv[1])
    threading.Thread(target=release, args=[other_end], daemon=True).start()
    shown = {}
    print("ready", flush=True)
    for word in sys.stdin:
        word = word.strip()
        away = time.monotonic() - shown.get(word, -AWAY)
        time.sleep(max(0.0, AWAY - away))
        show(line, word)
        shown[word] = time.monotonic()
        print("shown", flush=True)


main()
