"""What stands between us and a directory server; its own client library does not tell."""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"ldap": 389, "ldaps": 636}
_MOST_SECONDS: Final = 3.0
_BEGIN_TLS: Final = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
"""The extended request of StartTLS, RFC 4511, as message 1."""


@dataclass(frozen=True)
class Reach:
    """A server, and what its certificate is checked against."""

    server: str
    start_tls: bool
    ca_file: Path | None
    seconds: float

    def obstacle(self) -> OSError | None:
        """Connect once more and say what stands in the way.

        An SSLCertVerificationError is a certificate that is not trusted; None: nothing does.
        """
        try:
            self._connect()
        except OSError as error:
            return error
        return None

    def _connect(self) -> None:
        place = urlsplit(self.server)
        host, port = place.hostname or "localhost", place.port or _PORTS[place.scheme]
        seconds = min(self.seconds, _MOST_SECONDS)
        with socket.create_connection((host, port), timeout=seconds) as connection:
            if self.start_tls:
                connection.sendall(_BEGIN_TLS)
                connection.recv(4096)
            if self.start_tls or place.scheme == "ldaps":
                context = ssl.create_default_context(cafile=self.ca_file)
                context.wrap_socket(connection, server_hostname=host).close()
