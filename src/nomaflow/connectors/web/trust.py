"""TLS: whom an HTTP connector trusts, and by which certificate it is known itself."""

import ssl
from dataclasses import dataclass

import httpcore2

from nomaflow.domain.secrets import Secret
from nomaflow.errors import StepRefused


@dataclass(frozen=True)
class Trust:
    """`ca_file` replaces the machine's own authorities; files are absolute paths in PEM form."""

    verify: bool = True
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    client_key_password: Secret | None = None


def tls_context(trust: Trust) -> ssl.SSLContext:
    """The context of such connections. Raises StepRefused for a file that does not fit."""
    context = _authorities(trust)
    if not trust.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if trust.client_cert is not None:
        _identify(context, trust)
    return context


def _authorities(trust: Trust) -> ssl.SSLContext:
    if trust.ca_file is None:
        return httpcore2.default_ssl_context() if trust.verify else ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=trust.ca_file)
    except OSError as error:
        raise StepRefused(_unreadable("ca_file", trust.ca_file, error)) from None


def _identify(context: ssl.SSLContext, trust: Trust) -> None:
    password = trust.client_key_password.reveal() if trust.client_key_password else ""
    try:
        context.load_cert_chain(str(trust.client_cert), trust.client_key, password)
    except OSError as error:
        raise StepRefused(_unreadable("client_cert", str(trust.client_cert), error)) from None


def _unreadable(field: str, path: str, error: OSError) -> str:
    return f"The file of '{field}', {path}, cannot be used: {error.strerror or error}."
