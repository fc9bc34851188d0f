"""What a directory server's refusals mean, and whether trying again may help."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ssl import SSLCertVerificationError
from typing import Any, Final

from nomaflow.connectors.ldap.reaching import Reach
from nomaflow.errors import NomaflowError, StepFailed, StepRefused, Unreachable

_AD_CODE: Final = re.compile(r"AcceptSecurityContext error, data ([0-9a-f]+)")
_AD_REASONS: Final[Mapping[str, str]] = {
    "525": "there is no such user",
    "52e": "wrong user or password",
    "530": "the account may not sign in at this time",
    "531": "the account may not sign in from this machine",
    "532": "the password has expired",
    "533": "the account is disabled",
    "701": "the account has expired",
    "773": "the password must be changed first",
    "775": "the account is locked out",
}


class CutShort(StepFailed):
    """A search that did not bring everything; `fetched` entries had come."""

    def __init__(self, reason: str, fetched: int) -> None:
        super().__init__(f"The search was cut short after {fetched:,} entries: {reason}.")
        self.reason = reason
        self.fetched = fetched


@contextmanager
def translated(name: str, reach: Reach, user: str) -> Iterator[None]:
    """Turn python-ldap's errors into ours."""
    import ldap  # only where it is installed

    try:
        yield
    except ldap.INVALID_CREDENTIALS as error:
        raise StepFailed(
            f"{told_of(name)}{reach.server} refused the login of '{user}': "
            f"{_why_refused(error)}. Check bind_dn and bind_password.",
            cause="InvalidCredentials",
        ) from None
    except (ldap.SERVER_DOWN, ldap.CONNECT_ERROR) as error:
        raise _without_connection(name, reach, error) from None
    except (ldap.TIMEOUT, ldap.UNAVAILABLE, ldap.BUSY) as error:
        raise Unreachable(
            f"{told_of(name)}{reach.server} did not answer: {words(error)}."
        ) from None
    except ldap.LDAPError as error:
        raise _translation(ldap, name, error) from None


def told_of(name: str) -> str:
    """What a message begins with; a directory that is no connector has no name."""
    return f"Connector '{name}': " if name else ""


def words(error: Exception) -> str:
    """What the library and the server say about an error, in one line."""
    facts: Any = error.args[0] if error.args else {}
    if not isinstance(facts, dict):
        return str(facts)
    said = [str(facts[key]).strip() for key in ("desc", "info") if facts.get(key)]
    return " - ".join(dict.fromkeys(said)).replace("\n", " ") or type(error).__name__


def _without_connection(name: str, reach: Reach, error: Exception) -> NomaflowError:
    match reach.obstacle():
        case SSLCertVerificationError() as doubt:
            return StepFailed(
                f"{told_of(name)}the certificate of {reach.server} is not trusted: "
                f"{doubt.verify_message}. Name its authority in ca_file, or call the server by "
                "the name that the certificate is for.",
                cause="CertificateError",
            )
        case OSError() as obstacle:
            reason = obstacle.strerror or str(obstacle)
            return Unreachable(
                f"{told_of(name)}{reach.server} did not answer: {reason}. Check server."
            )
        case None:
            return Unreachable(
                f"{told_of(name)}the connection to {reach.server} was lost: {words(error)}. "
                "Check server and start_tls."
            )


def _why_refused(error: Exception) -> str:
    """Active Directory gives its reason as a number inside a text."""
    code = _AD_CODE.search(words(error))
    return _AD_REASONS.get(code[1], words(error)) if code else words(error)


def _translation(ldap: Any, name: str, error: Exception) -> NomaflowError:
    if isinstance(error, ldap.NO_SUCH_OBJECT):
        return StepFailed(
            f"{told_of(name)}the search_base does not exist, or the account may not see it: "
            f"{words(error)}.",
            cause="NoSuchObject",
        )
    if isinstance(error, ldap.INVALID_DN_SYNTAX):
        return StepRefused(f"{told_of(name)}a DN is not well formed: {words(error)}.")
    return StepFailed(f"{told_of(name)}{words(error)}.", cause=type(error).__name__)
