"""Each tenant's keys: from the key store, through wrapped data keys, to sealed values and blind indexes.

There is no fallback key and no way to write a sealed field without one: :meth:`Keyring.open` answers keys or
raises :class:`KeysUnavailable`. Formats are frozen in :mod:`daicho.keyring.blob`.
"""

from daicho.keyring import schema
from daicho.keyring.blind_index import BlindIndex
from daicho.keyring.certificates import Certificates
from daicho.keyring.faults import KeyGone, KeyRefused, KeysUnavailable, Tampered
from daicho.keyring.file_store import FileMissing, FileStore
from daicho.keyring.files import FileKeys, SealedWriter
from daicho.keyring.keyring import Keyring
from daicho.keyring.keys import EventKey, KeyMaterial, TenantKeys
from daicho.keyring.provision import ACCESS_KEY, ANCHORS, CHECKPOINT_KEY, provision
from daicho.keyring.resealing import SealedColumn, reseal
from daicho.keyring.rewrapping import StoredKeys, rewrap_stored
from daicho.keyring.transit import PublicKey, Transit, bus_key
from daicho.keyring.versioned_store import StaleVersion, Versioned, VersionedStore

__all__ = [
    "ACCESS_KEY",
    "ANCHORS",
    "CHECKPOINT_KEY",
    "BlindIndex",
    "Certificates",
    "EventKey",
    "FileKeys",
    "FileMissing",
    "FileStore",
    "KeyGone",
    "KeyMaterial",
    "KeyRefused",
    "Keyring",
    "KeysUnavailable",
    "PublicKey",
    "SealedColumn",
    "SealedWriter",
    "StaleVersion",
    "StoredKeys",
    "Tampered",
    "TenantKeys",
    "Transit",
    "Versioned",
    "VersionedStore",
    "bus_key",
    "provision",
    "reseal",
    "rewrap_stored",
    "schema",
]
