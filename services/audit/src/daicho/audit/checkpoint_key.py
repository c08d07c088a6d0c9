"""The key that signs checkpoints: it stays in the key store, and so does the authority on its public halves.

Keys in the database are not trusted, because an attacker who can write there could add their own.
"""

from __future__ import annotations

import base64

from daicho.audit import notes
from daicho.audit.model import Signed
from daicho.audit.notes import Checkpoint, NoteInvalid, Verifier
from daicho.keyring import CHECKPOINT_KEY, KeyRefused, KeysUnavailable, Transit


class CheckpointKey:
    """Signs checkpoints, and reads notes that it signed. Every method raises :class:`KeysUnavailable`."""

    def __init__(self, transit: Transit) -> None:
        self._transit = transit
        self._public: dict[int, bytes] = {}

    async def sign(self, checkpoint: Checkpoint) -> Signed:
        """``checkpoint`` as a note under the key's newest version."""
        text = str(checkpoint)
        try:
            signature, version = await self._transit.sign(CHECKPOINT_KEY, text.encode())
        except KeyRefused as error:
            raise KeysUnavailable from error
        if version not in self._public:
            await self._refresh()
        verifier = Verifier(checkpoint.origin, self._public[version])
        return Signed(checkpoint, notes.write_note(text, [notes.sign(verifier, signature)]), str(verifier))

    async def read(self, note: str, origin: str) -> Signed:
        """The checkpoint in ``note`` of the log ``origin``, once it is sure that some version of the key signed it.

        Raises :class:`NoteInvalid`.
        """
        found = self._read(note, origin)
        if found is None:  # the key may have a version that this process has not heard of
            await self._refresh()
            found = self._read(note, origin)
        if found is None:
            raise NoteInvalid("the note is not signed by the key of this log")
        return found

    def _read(self, note: str, origin: str) -> Signed | None:
        for version in sorted(self._public, reverse=True):
            verifier = Verifier(origin, self._public[version])
            try:
                checkpoint = notes.read_checkpoint(note, verifier)
            except NoteInvalid:
                continue
            if checkpoint.origin == origin:
                return Signed(checkpoint, note, str(verifier))
        return None

    async def _refresh(self) -> None:
        try:
            keys = await self._transit.public_keys(CHECKPOINT_KEY)
        except KeyRefused as error:
            raise KeysUnavailable from error
        self._public = {number: base64.b64decode(key.text) for number, key in keys.items()}
