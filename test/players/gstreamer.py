"""Plays a film in GStreamer's playbin: opens it, seeks to each place, and plays on to its end as fast as it can.

    gstreamer.py URI SECONDS...     prints {"seeks": [seconds, ...], "end": seconds}
    gstreamer.py                    only looks whether all elements are there
"""

import json
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

ELEMENTS = ["playbin", "souphttpsrc", "qtdemux", "matroskademux", "avdec_h264", "avdec_aac", "fakesink"]


def wait_for(pipeline, kind):
    """Waits for a message; an error ends the program."""
    message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, kind | Gst.MessageType.ERROR)
    if message.type == Gst.MessageType.ERROR:
        error, details = message.parse_error()
        sys.exit(f"{error.message}: {details}")


def sink(last):
    """A sink that waits for no clock and keeps the time of the last buffer it was given."""
    element = Gst.ElementFactory.make("fakesink")
    element.set_property("sync", False)
    element.set_property("signal-handoffs", True)

    def on_buffer(_sink, buffer, _pad):
        last["time"] = buffer.pts

    element.connect("handoff", on_buffer)
    element.connect("preroll-handoff", on_buffer)
    return element


def play(uri, places):
    video, audio = {}, {}
    pipeline = Gst.ElementFactory.make("playbin")
    pipeline.set_property("video-sink", sink(video))
    pipeline.set_property("audio-sink", sink(audio))
    pipeline.set_property("uri", uri)

    pipeline.set_state(Gst.State.PAUSED)
    wait_for(pipeline, Gst.MessageType.ASYNC_DONE)
    seeks = []
    for place in places:
        flags = Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE
        if not pipeline.seek_simple(Gst.Format.TIME, flags, int(place * Gst.SECOND)):
            sys.exit(f"cannot seek to {place} s")
        wait_for(pipeline, Gst.MessageType.ASYNC_DONE)
        seeks.append(video["time"] / Gst.SECOND)
    pipeline.set_state(Gst.State.PLAYING)
    wait_for(pipeline, Gst.MessageType.EOS)
    pipeline.set_state(Gst.State.NULL)
    return {"seeks": seeks, "end": min(video["time"], audio["time"]) / Gst.SECOND}


Gst.init(None)
absent = [name for name in ELEMENTS if not Gst.ElementFactory.find(name)]
if absent:
    sys.exit(f"absent: {' '.join(absent)}")
if len(sys.argv) > 1:
    print(json.dumps(play(sys.argv[1], [float(place) for place in sys.argv[2:]])))
