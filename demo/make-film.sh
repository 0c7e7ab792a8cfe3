#!/bin/sh
# Makes the demo's film: a test pattern with running timecode, and a beep each second; H.264 and AAC, 640x360.
#
#   demo/make-film.sh FILE.mp4         encodes it, with its index (moov) in front of its media
#   demo/make-film.sh FILE.tail.mp4    the committed film.mp4 again, with its index at the end
#   demo/make-film.sh FILE.mkv         the committed film.mp4 again, as Matroska with its Cues at the end
#
# Pattern and sound are computed, and the encoders run single-threaded and bit-exact, so that one version of ffmpeg
# always makes the same bytes. Needs ffmpeg and fonts-dejavu-core.
set -eu

film=${1:?usage: make-film.sh FILE}
committed=$(dirname "$0")/film.mp4
seconds=40
font=/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf

quiet='-hide_banner -loglevel error -nostdin -y'
exact='-fflags +bitexact -map_metadata -1'

# Lists of options are meant to be split. A keyframe each 49 frames: a seek to a whole second rarely lands on one.
# shellcheck disable=SC2086
case $film in
  *.tail.mp4 | *.mkv) exec ffmpeg $quiet -i "$committed" -c copy $exact "$film" ;;
  *.mp4)
    exec ffmpeg $quiet \
      -f lavfi -i "testsrc2=size=640x360:rate=25:duration=$seconds" \
      -f lavfi -i "sine=frequency=220:beep_factor=4:sample_rate=44100:duration=$seconds" \
      -vf "drawtext=fontfile=$font:timecode='00\:00\:00\:00':rate=25:fontsize=44:fontcolor=white:box=1:boxcolor=black@0.7:boxborderw=12:x=(w-text_w)/2:y=h-96" \
      -c:v libx264 -preset slow -profile:v high -pix_fmt yuv420p -g 49 -b:v 420k -maxrate 600k -bufsize 1200k \
      -threads 1 -flags:v +bitexact \
      -c:a aac -b:a 64k -flags:a +bitexact \
      -movflags +faststart $exact "$film"
    ;;
  *) echo "make-film.sh: no container is known for $film" >&2; exit 2 ;;
esac
