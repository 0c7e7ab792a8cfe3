"""A link between two network namespaces that carries real TCP: rate, queue, delay, jitter, loss and outages.

It runs in the near namespace, makes the far one and lives in it, so that `nsenter --net=/proc/PID/ns/net` leads there.
Each end is a tun device. Packets are passed on in order, each direction by itself. Nothing outlives it: the far
namespace and both devices end with it, and it ends when its stdin does.

It reads one JSON object a line from stdin and answers each with one on stdout:

    {"down": WAY, "up": WAY, "mtu": 1500, "seed": 1}    from now on it is like that; its counts begin anew
    {}                                                  only asks for the counts

WAY is {"rate": bytes a second, "queue": bytes, "delay": s, "jitter": s, "loss": 0-1, "every": s, "dead": s}. A rate of 0 is
no limit. Jitter is added, from nothing up to so much. Of each `every` seconds the last `dead` lose all packets.
"""

import collections
import ctypes
import fcntl
import json
import os
import random
import select
import struct
import subprocess
import sys
import time

NEAR, FAR = "10.77.0.1", "10.77.0.2"
CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
OPEN = {"rate": 0, "queue": 0, "delay": 0, "jitter": 0, "loss": 0, "every": 0, "dead": 0}
# A packet that leaves later than this after its time was held up by the machine and not by the link.
LATE = 0.005


def run(*command):
    subprocess.run(command, check=True)


def tune(name, value):
    with open(f"/proc/sys/net/ipv4/{name}", "w") as file:
        file.write(value)


def end(name, own, other):
    """A tun device in the namespace in which this process is now, as one end of the link."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", own, "dev", name)
    run("ip", "link", "set", name, "txqueuelen", "10000", "up")
    # Whatever the machine's default: a namespace may not choose it for all, but each route names its own.
    run("ip", "route", "add", other, "dev", name, "congctl", "cubic")
    # What a connection learned of the link must not help the next one: it would be measured with another's luck.
    tune("tcp_no_metrics_save", "1")
    return tun


class Way:
    """One direction."""

    def __init__(self, out):
        self.out = out
        self.packets = collections.deque()
        self.counts = {}
        self.become(OPEN, 0)

    def become(self, traits, seed):
        """What is under way arrives at once: the end of a connection must not be lost with its link."""
        self.pass_on(float("inf"))
        self.traits = traits
        self.chance = random.Random(seed)
        self.since = time.monotonic()
        self.free = self.last = 0
        self.counts = {"packets": 0, "bytes": 0, "lost": 0, "dropped": 0, "late": 0, "latest": 0}

    def take(self, packet, now):
        traits, counts, size = self.traits, self.counts, len(packet)
        every = traits["every"]
        if every and (now - self.since) % every >= every - traits["dead"] or self.chance.random() < traits["loss"]:
            counts["lost"] += 1
            return
        start = max(now, self.free)
        if traits["rate"]:
            if (start - now) * traits["rate"] + size > traits["queue"]:
                counts["dropped"] += 1
                return
            self.free = start + size / traits["rate"]
        else:
            self.free = now
        # Never before the packet ahead of it: jitter changes no order.
        self.last = max(self.last, self.free + traits["delay"] + traits["jitter"] * self.chance.random())
        self.packets.append((self.last, packet))

    def pass_on(self, now):
        """Passes on what is due, and gives the time of the next packet."""
        packets, counts = self.packets, self.counts
        while packets:
            due, packet = packets[0]
            if due > now:
                return due
            packets.popleft()
            os.write(self.out, packet)
            counts["packets"] += 1
            counts["bytes"] += len(packet)
            if LATE < now - due < float("inf"):
                counts["late"] += 1
                counts["latest"] = max(counts["latest"], now - due)
        return None


def main():
    near = end("near", NEAR, FAR)
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        sys.exit(f"no namespace for the far end: {os.strerror(ctypes.get_errno())}")
    far = end("far", FAR, NEAR)
    try:
        os.nice(-20)
    except PermissionError:
        pass
    up, down = Way(far), Way(near)
    ways = {near: up, far: down}
    commands = sys.stdin.fileno()
    rest = b""
    print(json.dumps({"near": NEAR, "far": FAR}), flush=True)
    while True:
        now = time.monotonic()
        due = [at for at in (up.pass_on(now), down.pass_on(now)) if at is not None]
        wait = max(0, min(due) - time.monotonic()) if due else None
        for ready in select.select([near, far, commands], [], [], wait)[0]:
            if ready == commands:
                text = os.read(commands, 65536)
                if not text:
                    return
                *lines, rest = (rest + text).split(b"\n")
                for line in lines:
                    print(json.dumps(obey(json.loads(line), up, down)), flush=True)
                continue
            try:
                for _ in range(32):
                    ways[ready].take(os.read(ready, 65536), time.monotonic())
            except BlockingIOError:
                pass


def obey(command, up, down):
    counts = {"down": down.counts, "up": up.counts}
    if command:
        # Each direction has its own luck, the same for the same seed.
        down.become(command["down"], command["seed"] * 2)
        up.become(command["up"], command["seed"] * 2 + 1)
        run("ip", "link", "set", "far", "mtu", str(command["mtu"]))
    return counts


main()
