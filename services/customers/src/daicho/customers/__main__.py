"""``python -m daicho.customers [api] [worker]``: the service in a process of its own."""

from daicho.chassis import main
from daicho.customers.app import serve

if __name__ == "__main__":
    main("customers", serve)
