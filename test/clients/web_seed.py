"""web_seed.py FILE URL FOLDER: downloads FILE by a torrent whose only source is a web seed (BEP 19) into FOLDER."""

import os
import sys
import time

import libtorrent

file, url, folder = sys.argv[1:4]
storage = libtorrent.file_storage()
libtorrent.add_files(storage, file)
torrent = libtorrent.create_torrent(storage, 64 * 1024)
torrent.add_url_seed(url)
libtorrent.set_piece_hashes(torrent, os.path.dirname(file))
session = libtorrent.session(
    {
        "listen_interfaces": "127.0.0.1:0",
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "alert_mask": libtorrent.alert.category_t.all_categories,
    }
)
download = session.add_torrent({"ti": libtorrent.torrent_info(torrent.generate()), "save_path": folder})
deadline = time.time() + 60
while not download.status().is_seeding:
    session.wait_for_alert(1000)
    session.pop_alerts()
    if time.time() > deadline:
        sys.exit(f"{download.status().progress:.2f} of it came")
