"""Plays a film in GStreamer's playbin in real time, as an application does: it pauses while the pipeline buffers.

    gstreamer.py SOURCE URI     SOURCE is the element that fetches: souphttpsrc or curlhttpsrc

Prints a JSON object a line: {"shown": s} for each picture (of a film without any: five times a second), {"failed": why},
and for each line of stdin its answer: {"taken": bool} for {"seek": s}, {"duration": s or null, "seekable": bool} for {}.
"""

import json
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

SOURCES = ["souphttpsrc", "curlhttpsrc"]


def tell(**facts):
    print(json.dumps(facts), flush=True)


class Playing:
    def __init__(self, uri):
        self.has_pictures = False
        self.pipeline = Gst.ElementFactory.make("playbin")
        self.pipeline.set_property("video-sink", self.sink(self.on_shown))
        self.pipeline.set_property("audio-sink", self.sink(None))
        self.pipeline.set_property("uri", uri)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message", self.on_message)
        GLib.timeout_add(200, self.on_tick)
        self.pipeline.set_state(Gst.State.PLAYING)

    def sink(self, on_shown):
        """A sink that keeps to the clock."""
        element = Gst.ElementFactory.make("fakesink")
        element.set_property("sync", True)
        if on_shown:
            element.set_property("signal-handoffs", True)
            element.connect("handoff", on_shown)
            element.connect("preroll-handoff", on_shown)
        return element

    def on_shown(self, _sink, buffer, _pad):
        self.has_pictures = True
        if buffer.pts != Gst.CLOCK_TIME_NONE:
            tell(shown=buffer.pts / Gst.SECOND)

    def on_tick(self):
        known, position = self.pipeline.query_position(Gst.Format.TIME)
        if known and not self.has_pictures:
            tell(shown=position / Gst.SECOND)
        return True

    def on_message(self, _bus, message):
        if message.type == Gst.MessageType.ERROR:
            error, details = message.parse_error()
            tell(failed=f"{error.message}: {details}")
        elif message.type == Gst.MessageType.EOS:
            tell(failed="the film ended")
        elif message.type == Gst.MessageType.BUFFERING:
            full = message.parse_buffering() == 100
            self.pipeline.set_state(Gst.State.PLAYING if full else Gst.State.PAUSED)

    def obey(self, command):
        if "seek" in command:
            flags = Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE
            tell(taken=self.pipeline.seek_simple(Gst.Format.TIME, flags, int(command["seek"] * Gst.SECOND)))
            return
        known, duration = self.pipeline.query_duration(Gst.Format.TIME)
        query = Gst.Query.new_seeking(Gst.Format.TIME)
        seekable = self.pipeline.query(query) and query.parse_seeking()[1]
        tell(duration=duration / Gst.SECOND if known else None, seekable=bool(seekable))


def read_commands(playing, loop):
    for line in sys.stdin:
        GLib.idle_add(playing.obey, json.loads(line))
    loop.quit()


Gst.init(None)
source, uri = sys.argv[1:]
registry = Gst.Registry.get()
for name in SOURCES:
    feature = registry.find_feature(name, Gst.ElementFactory)
    if feature:
        feature.set_rank(Gst.Rank.PRIMARY if name == source else Gst.Rank.NONE)
    elif name == source:
        sys.exit(f"absent: {name}")
loop = GLib.MainLoop()
playing = Playing(uri)
threading.Thread(target=read_commands, args=(playing, loop), daemon=True).start()
loop.run()
playing.pipeline.set_state(Gst.State.NULL)
