"""A witness as c2sp.org/tlog-witness and c2sp.org/tlog-cosignature say it, over HTTP, for any number of logs.

It is written from the specifications and shares no code with the product but the Merkle arithmetic, which has
the RFC's own test vectors.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from daicho.audit.merkle import ProofInvalid, verify_consistency

NAME = "witness.example/w1"


@dataclass
class WitnessServer:
    """``logs``: the public key of each origin it knows; ``seen``: (size, root) that it cosigned last."""

    url: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    time: int = 1_800_000_000
    logs: dict[str, bytes] = field(default_factory=dict)
    seen: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    requests: list[bytes] = field(default_factory=list)
    broken: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def vkey(self) -> str:
        public = b"\x04" + self.key.public_key().public_bytes_raw()
        key_id = sha256(NAME.encode() + b"\n" + public).digest()[:4]
        return f"{NAME}+{key_id.hex()}+{base64.b64encode(public).decode()}"

    def add_checkpoint(self, body: bytes) -> tuple[int, str, str]:
        """Status, content type and text of the answer."""
        with self.lock:
            self.requests.append(body)
            if self.broken:
                return self.broken, "text/plain", "trouble\n"
            return self._add(body.decode())

    def _add(self, body: str) -> tuple[int, str, str]:
        head, _, note = body.partition("\n\n")
        first, *proof = head.split("\n")
        text, _, signatures = note.rpartition("\n\n")
        text += "\n"
        origin, size_line, root_line, *_ = text.split("\n")
        old, size, root = int(first.removeprefix("old ")), int(size_line), base64.b64decode(root_line)
        if origin not in self.logs:
            return 404, "text/plain", "unknown log\n"
        if not self._is_signed(origin, text, signatures):
            return 403, "text/plain", "no signature of the log\n"
        if old > size or len(proof) > 63:
            return 400, "text/plain", "old is larger\n"
        last, last_root = self.seen.get(origin, (0, sha256(b"").digest()))
        if old != last or (old == size and root != last_root):
            return 409, "text/x.tlog.size", f"{last}\n"
        try:
            path = [base64.b64decode(line) for line in proof]
            verify_consistency(old, size, path, old_root=last_root, new_root=root)  # from 0 by an empty one
        except ProofInvalid:
            return 422, "text/plain", "inconsistent\n"
        self.seen[origin] = size, root
        return 200, "text/plain", self._cosign(text)

    def _is_signed(self, origin: str, text: str, signatures: str) -> bool:
        for line in signatures.splitlines():
            _, name, data = line.split(" ")
            raw = base64.b64decode(data)
            if (
                name != origin
                or raw[:4] != sha256(f"{origin}\n\x01".encode() + self.logs[origin]).digest()[:4]
            ):
                continue
            try:
                Ed25519PublicKey.from_public_bytes(self.logs[origin]).verify(raw[4:], text.encode())
            except InvalidSignature:
                continue
            return True
        return False

    def _cosign(self, text: str) -> str:
        message = f"cosignature/v1\ntime {self.time}\n{text}".encode()
        key_id = bytes.fromhex(self.vkey.split("+")[1])
        data = key_id + self.time.to_bytes(8, "big") + self.key.sign(message)
        stranger = base64.b64encode(bytes(76)).decode()  # a client passes over keys that it does not know
        return f"— other.example/w2 {stranger}\n— {NAME} {base64.b64encode(data).decode()}\n"


@contextmanager
def running_witness() -> Iterator[WitnessServer]:
    """A witness on a port of its own while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, kind, text = 404, "text/plain", ""
            if self.path == "/w/add-checkpoint":
                status, kind, text = witness.add_checkpoint(body)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    witness = WitnessServer(f"http://127.0.0.1:{server.server_port}/w")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield witness
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
