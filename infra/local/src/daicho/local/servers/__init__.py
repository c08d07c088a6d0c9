"""The servers that a laptop and the tests start as child processes: PostgreSQL and OpenBao.

One way for both: ``start()`` returns at once, ``wait_until_ready()`` blocks until the server answers or
raises :class:`ServerFailed` with one line that says what to do, ``stop()`` ends it and is safe to repeat.
The calls block; an event loop runs the waiting ones in a thread. ``start()`` belongs to the main thread:
the kernel ends the child when the thread that started it ends, which is how nothing outlives kill -9.
"""

from daicho.local.servers.openbao import OpenBaoServer
from daicho.local.servers.postgres import PostgresServer
from daicho.local.servers.process import Child, ServerFailed, both, free_port, last_words, open_log

__all__ = [
    "Child",
    "OpenBaoServer",
    "PostgresServer",
    "ServerFailed",
    "both",
    "free_port",
    "last_words",
    "open_log",
]
