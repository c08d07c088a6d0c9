"""A service's rails, laid once: from settings to a running process.

A service says what it serves (:class:`Parts`); :func:`serve` opens database, keys, bus, certificates and
servers around it, in the order in which they need each other, and closes them again.
"""

from daicho.chassis.main import main
from daicho.chassis.parts import Parts, Rails
from daicho.chassis.serving import Role, serve
from daicho.chassis.settings import Settings

__all__ = ["Parts", "Rails", "Role", "Settings", "main", "serve"]
