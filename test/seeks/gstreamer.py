"""Plays a film in GStreamer's playbin in real time and seeks in it.

    gstreamer.py URI DEADLINE WATCHED SECONDS...

Prints, for each of SECONDS, {"place": s, "position": s, "resumedAfter": ms, "playedTo": s}: where the first picture was
that was shown, when, and how far it has played on: WATCHED seconds at least, as at the beginning. Ends with an error
where anything takes longer than DEADLINE seconds.
"""

import json
import sys
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

KINDS = (
    Gst.MessageType.ERROR
    | Gst.MessageType.EOS
    | Gst.MessageType.BUFFERING
    | Gst.MessageType.ASYNC_DONE
    | Gst.MessageType.APPLICATION
)


class Playing:
    def __init__(self, uri, deadline):
        self.deadline = deadline
        self.pipeline = Gst.ElementFactory.make("playbin")
        self.pipeline.set_property("video-sink", self.sink(tells=True))
        self.pipeline.set_property("audio-sink", self.sink(tells=False))
        self.pipeline.set_property("uri", uri)
        self.bus = self.pipeline.get_bus()
        self.pipeline.set_state(Gst.State.PLAYING)

    def sink(self, tells):
        """A sink that keeps to the clock; one that tells says on the bus when each picture is shown."""
        element = Gst.ElementFactory.make("fakesink")
        element.set_property("sync", True)
        if tells:
            element.set_property("signal-handoffs", True)
            element.connect("handoff", self.on_shown)
        return element

    def on_shown(self, sink, buffer, _pad):
        shown = Gst.Structure.new_from_string(f"shown, pts=(guint64){buffer.pts}")
        self.bus.post(Gst.Message.new_application(sink, shown))

    def wait_for(self, awaited, what):
        """The first message that `awaited` gives something for; pauses while the pipeline buffers."""
        until = time.monotonic() + self.deadline
        while True:
            left = max(0, until - time.monotonic())
            message = self.bus.timed_pop_filtered(int(left * Gst.SECOND), KINDS)
            if message is None:
                sys.exit(f"{what} took longer than {self.deadline} s")
            if message.type == Gst.MessageType.ERROR:
                error, details = message.parse_error()
                sys.exit(f"{what}: {error.message}: {details}")
            if message.type == Gst.MessageType.EOS:
                sys.exit(f"{what}: the film ended")
            if message.type == Gst.MessageType.BUFFERING:
                full = message.parse_buffering() == 100
                self.pipeline.set_state(Gst.State.PLAYING if full else Gst.State.PAUSED)
            found = awaited(message)
            if found is not None:
                return found

    def seek(self, place, watched):
        what = f"the seek to {place} s"
        sought_at = time.monotonic()
        flags = Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE
        if not self.pipeline.seek_simple(Gst.Format.TIME, flags, int(place * Gst.SECOND)):
            sys.exit(f"{what}: refused")
        # What was shown before the seek may still be on the bus.
        self.wait_for(is_done, what)
        position = self.wait_for(shown_at, what)
        resumed_after = (time.monotonic() - sought_at) * 1000

        played_to = self.play(place, watched)
        return {"place": place, "position": position, "resumedAfter": resumed_after, "playedTo": played_to}

    def play(self, place, watched):
        """Where it is when it has played from `place` for long enough."""

        def enough(message):
            at = shown_at(message)
            return at if at is not None and at >= place + watched else None

        return self.wait_for(enough, f"playing on at {place} s")


def is_done(message):
    return True if message.type == Gst.MessageType.ASYNC_DONE else None


def shown_at(message):
    """The time of the picture, in seconds."""
    if message.type != Gst.MessageType.APPLICATION:
        return None
    return message.get_structure().get_uint64("pts")[1] / Gst.SECOND


Gst.init(None)
uri, deadline, watched, *places = sys.argv[1:]
playing = Playing(uri, float(deadline))
playing.play(0, float(watched))
for place in places:
    print(json.dumps(playing.seek(float(place), float(watched))), flush=True)
playing.pipeline.set_state(Gst.State.NULL)
