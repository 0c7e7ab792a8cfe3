"""Plays a film in VLC's library in real time; the program itself refuses to run as root, the library does not.

    libvlc.py URI      plays it
    libvlc.py          only looks whether the library is there

Prints a JSON object a line: {"shown": s} for each picture (of a film without any: five times a second), {"failed": why},
and for each line of stdin its answer: {"taken": bool} for {"seek": s}, {"duration": s or null, "seekable": bool} for {}.
"""

import ctypes
import json
import sys
import threading
import time

import vlc

WIDTH, HEIGHT, BYTES = 64, 36, 4


def tell(**facts):
    print(json.dumps(facts), flush=True)


class Playing:
    def __init__(self, uri):
        self.has_pictures = False
        # From a seek on until its buffer is full again it tells the place that it was sent to, and shows old pictures.
        self.buffers = False
        # VLC tells its time four times a second; in between its pictures are counted.
        self.told, self.pictures = -1, 0
        self.picture = ctypes.create_string_buffer(WIDTH * HEIGHT * BYTES)
        self.callbacks = (
            vlc.CallbackDecorators.VideoLockCb(self.on_lock),
            vlc.CallbackDecorators.VideoDisplayCb(self.on_shown),
        )
        instance = vlc.Instance("--quiet", "--aout=dummy", "--no-video-title-show", "--no-spu", "--avcodec-hw=none")
        self.player = instance.media_player_new(uri)
        self.player.video_set_callbacks(self.callbacks[0], None, self.callbacks[1], None)
        self.player.video_set_format("RV32", WIDTH, HEIGHT, WIDTH * BYTES)
        events = self.player.event_manager()
        events.event_attach(vlc.EventType.MediaPlayerEncounteredError, lambda _: tell(failed="VLC met an error"))
        events.event_attach(vlc.EventType.MediaPlayerBuffering, self.on_buffering)
        events.event_attach(vlc.EventType.MediaPlayerEndReached, lambda _: tell(failed="the film ended"))
        self.player.play()

    def on_lock(self, _opaque, planes):
        planes[0] = ctypes.addressof(self.picture)
        return None

    def on_buffering(self, event):
        # The binding does not name what comes with this event: how full the buffer is, in percent.
        place = ctypes.addressof(event) + vlc.Event.meta_type.offset
        if ctypes.c_float.from_address(place).value >= 100:
            self.buffers = False

    def on_shown(self, _opaque, _picture):
        self.has_pictures = True
        self.show()

    def show(self):
        told = self.player.get_time()
        if self.buffers or told < 0:
            return
        self.pictures = self.pictures + 1 if told == self.told else 0
        self.told = told
        tell(shown=told / 1000 + self.pictures / (self.player.get_fps() or 25))

    def tick(self):
        while True:
            time.sleep(0.2)
            if not self.has_pictures and self.player.get_time() not in (0, self.told):
                self.show()

    def obey(self, command):
        if "seek" in command:
            self.buffers = True
            self.player.set_time(round(command["seek"] * 1000))
            tell(taken=bool(self.player.is_seekable()))
            return
        length = self.player.get_length()
        tell(duration=length / 1000 if length > 0 else None, seekable=bool(self.player.is_seekable()))


if len(sys.argv) > 1:
    playing = Playing(sys.argv[1])
    threading.Thread(target=playing.tick, daemon=True).start()
    for line in sys.stdin:
        playing.obey(json.loads(line))
