"""``python -m daicho.identity [api] [worker]``: the service in a process of its own."""

from daicho.chassis import main
from daicho.identity.app import serve

if __name__ == "__main__":
    main("identity", serve)
