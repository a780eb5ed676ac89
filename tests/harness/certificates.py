"""Certificates for servers of this machine, and the authority that issued them."""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def issue(folder: Path, names: Sequence[str], addresses: Sequence[str] = ()) -> tuple[Path, Path]:
    """An authority's certificate; and the chain with its key that it issued for these hosts."""
    own_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate("authority", own_key, own_key).sign(own_key, hashes.SHA256())
    alternatives = x509.SubjectAlternativeName([
        *(x509.DNSName(name) for name in names),
        *(x509.IPAddress(ipaddress.ip_address(each)) for each in addresses),
    ])  # fmt: skip
    given = _certificate("server", key, None).add_extension(alternatives, critical=False)
    certificate = given.sign(own_key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    (folder / "authority.pem").write_bytes(authority.public_bytes(pem))
    (folder / "chain.pem").write_bytes(
        certificate.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "authority.pem", folder / "chain.pem"


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, authority: object
) -> x509.CertificateBuilder:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named("authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(authority is not None, None), critical=True)
    )
