"""make_database.py PATH rows: a database that `sqlite.py` knows, each row by its number."""

import sqlite3
import sys

path, rows = sys.argv[1], int(sys.argv[2])
with sqlite3.connect(path) as database:
    database.execute("CREATE TABLE films (n INTEGER PRIMARY KEY, text TEXT)")
    database.executemany(
        "INSERT INTO films VALUES (?, ?)", ((n, f"film {n} " + "x" * (n % 300)) for n in range(rows))
    )
