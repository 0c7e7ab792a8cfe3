"""Queries an SQLite database that lies behind HTTP, page by page: SQLite over ranges, as sql.js-httpvfs and others do it.

sqlite.py URL rows queries seed  -> prints how many rows were right; exits with 3 where a row is wrong.

Each row is (n, text of n). A read that fails, or that brings another version than the first, is an error of SQLite.
"""

import http.client
import random
import sys
import urllib.parse

import apsw

url, rows, queries, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
place = urllib.parse.urlsplit(url)
connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)


class Changed(Exception):
    pass


class RemoteFile:
    """A file of SQLite that can only be read; its version is the one that was met first."""

    def __init__(self):
        self.tag = None
        _, head = self.ask("bytes=0-0")
        self.size = int(head["Content-Range"].split("/")[1])

    def ask(self, wanted):
        fields = {"Range": wanted, "User-Agent": "sqlite-over-ranges"}
        connection.request("GET", place.path, headers=fields)
        reply = connection.getresponse()
        body = reply.read()
        if reply.status != 206:
            raise IOError(f"status {reply.status}")
        tag = reply.headers["ETag"]
        if self.tag not in (None, tag):
            raise Changed(f"{self.tag} became {tag}")
        self.tag = tag
        return body, reply.headers

    def xRead(self, amount, offset):
        if offset >= self.size:
            return b""
        body, _ = self.ask(f"bytes={offset}-{min(self.size, offset + amount) - 1}")
        return body

    def xFileSize(self):
        return self.size

    def xClose(self):
        pass

    def xLock(self, level):
        pass

    def xUnlock(self, level):
        pass

    def xCheckReservedLock(self):
        return False

    def xFileControl(self, op, pointer):
        return False

    def xSectorSize(self):
        return 4096

    def xDeviceCharacteristics(self):
        return apsw.SQLITE_IOCAP_IMMUTABLE


class RemoteVFS(apsw.VFS):
    def __init__(self):
        super().__init__("remote", "")

    def xOpen(self, name, flags):
        flags[1] = apsw.SQLITE_OPEN_READONLY
        return RemoteFile()

    def xAccess(self, path, flags):
        return False

    def xFullPathname(self, name):
        return name


vfs = RemoteVFS()
database = apsw.Connection("film.db", flags=apsw.SQLITE_OPEN_READONLY, vfs="remote")
database.cursor().execute("PRAGMA cache_size=16")
chance = random.Random(seed)
right = 0
for _ in range(queries):
    n = chance.randrange(rows)
    found = database.cursor().execute("SELECT text FROM films WHERE n = ?", (n,)).fetchall()
    if found != [(f"film {n} " + "x" * (n % 300),)]:
        print(f"row {n} is {found}", file=sys.stderr)
        sys.exit(3)
    right += 1
    if right % 100 == 0:
        print(right, flush=True)
if database.cursor().execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
    sys.exit(3)
print("ok", flush=True)
