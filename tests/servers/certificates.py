"""Certificates for TLS servers of tests: an authority, and what it signs."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
    """An authority of a folder; `ca_file` is its own certificate."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("authority of the tests")
        own = self._certificate(self._name, self._key.public_key(), DAY, is_authority=True)
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, valid: timedelta = DAY) -> Path:
        """A file with a key and its certificate for a name or IP address; `valid` may be past."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(_name(name), key.public_key(), valid, san=name)
        file = self._folder / f"{name}.{abs(valid.days)}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        return file

    def server(self, name: str, *, valid: timedelta = DAY, asks: bool = False) -> ssl.SSLContext:
        """A server's context; one that `asks` takes clients with a certificate of ours alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue(name, valid=valid))
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca_file)
        return context

    def _certificate(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        valid: timedelta,
        *,
        san: str = "",
        is_authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 30 * DAY)
            .not_valid_after(now + valid)
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        )
        if san:
            names = x509.SubjectAlternativeName([_alternative(san)])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
