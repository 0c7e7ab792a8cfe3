"""The socket of a service manager, as sd_notify(3) has it: prints each message on a line of its own."""
import array
import os
import socket
import sys

own = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
own.bind(sys.argv[1])
print("bound", flush=True)
while True:
    message, ancillary, _, _ = own.recvmsg(4096, socket.CMSG_SPACE(64))
    # Whoever told waits until its descriptor is closed: then all that it said has been heard.
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            for descriptor in array.array("i", data[: len(data) - len(data) % 4]):
                os.close(descriptor)
    for line in message.decode().splitlines():
        print(line, flush=True)
