"""Records of TLS 1.3 made by hand (RFC 8446 §5), on a connection whose handshake `ssl` made."""

import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

ALERT, HANDSHAKE, DATA = 21, 22, 23
_CIPHERS = {
    "TLS_AES_128_GCM_SHA256": (AESGCM, 16, hashes.SHA256()),
    "TLS_AES_256_GCM_SHA384": (AESGCM, 32, hashes.SHA384()),
    "TLS_CHACHA20_POLY1305_SHA256": (ChaCha20Poly1305, 32, hashes.SHA256()),
}


class Records:
    """Makes the client's records, beginning with the first one after the handshake.

    `keys` is the file in which the context logs its secrets; the client must have sent nothing.
    """

    def __init__(self, client, keys):
        self.kind, self.size, self.hash = _CIPHERS[client.tls.cipher()[0]]
        for line in keys.read_text().splitlines():
            if line.startswith("CLIENT_TRAFFIC_SECRET_0 "):
                secret = bytes.fromhex(line.split()[2])
        self._take(secret)

    def _expand(self, label, size):
        name = b"tls13 " + label
        info = struct.pack("!HB", size, len(name)) + name + b"\0"
        return HKDFExpand(self.hash, size, info).derive(self.secret)

    def _take(self, secret):
        self.secret = secret
        self.cipher = self.kind(self._expand(b"key", self.size))
        self.vector = int.from_bytes(self._expand(b"iv", 12), "big")
        self.number = 0

    def record(self, content, kind=DATA, padding=0):
        """One record; `padding` zeros follow its content."""
        plain = content + bytes([kind]) + bytes(padding)
        head = struct.pack("!BHH", DATA, 0x0303, len(plain) + 16)
        nonce = (self.vector ^ self.number).to_bytes(12, "big")
        self.number += 1
        return head + self.cipher.encrypt(nonce, plain, head)

    def key_update(self, answered=True):
        """Asks for new keys, `answered` for those of both directions, and goes over to them."""
        made = self.record(bytes([24, 0, 0, 1, int(answered)]), HANDSHAKE)
        self._take(self._expand(b"traffic upd", self.hash.digest_size))
        return made
