"""LDAP directories, Active Directory among them, through python-ldap (the extra `ldap`)."""

from nomaflow.connectors.ldap.connector import CONNECTOR

__all__ = ["CONNECTOR"]
