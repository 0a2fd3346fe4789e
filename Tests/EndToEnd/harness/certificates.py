"""A test authority and what it signs, made anew for each run: nothing of it is ever stored."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def make_key(kind="ec"):
    """A private key: `ec` on P-256, `rsa` of 2048 bits."""
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def pem(*certificates):
    """Certificates one after the other, as PEM."""
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


class Pair:
    """A certificate with its key, and the files that hold them."""

    def __init__(self, folder, name, certificate, key, chain=(), passphrase=None):
        self.certificate = certificate
        self.key = key
        self.chain = [certificate, *chain]
        self.certificate_file = folder / f"{name}.pem"
        self.key_file = folder / f"{name}.key"
        self.write_to(self.certificate_file, self.key_file, passphrase)

    def write_to(self, certificate_file, key_file, passphrase=None):
        """Writes both files, in the order in which they are named."""
        certificate_file.write_bytes(pem(*self.chain))
        encryption = (
            serialization.BestAvailableEncryption(passphrase)
            if passphrase
            else serialization.NoEncryption()
        )
        key_file.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
            )
        )

    @property
    def entry(self):
        """What names the pair in a configuration."""
        return {"certificate": str(self.certificate_file), "key": str(self.key_file)}

    @property
    def serial(self):
        return self.certificate.serial_number

    @property
    def fingerprint(self):
        """SHA-256 of the certificate, in lower-case hexadecimal digits."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()


class Authority:
    """An authority that signs with P-256."""

    def __init__(self, folder, name="authority", parent=None, revocations=None):
        self.folder = folder
        self.name = name
        self.parent = parent
        # Where certificates say that revocations can be had; nobody asks there.
        self.revocations = revocations
        self.key = make_key()
        self.subject = _name(f"Weir test {name}")
        signer = parent or self
        self.certificate = (
            self._begin(signer.subject, self.subject, self.key, 365 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .sign(signer.key, hashes.SHA256())
        )
        self.file = folder / f"{name}.ca.pem"
        self.file.write_bytes(pem(self.certificate))

    @staticmethod
    def _begin(issuer, subject, key, lasts, began=DAY):
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .issuer_name(issuer)
            .subject_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - began)
            .not_valid_after(now + lasts)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )

    def issue(
        self,
        *names,
        kind="ec",
        file=None,
        lasts=90 * DAY,
        client=False,
        passphrase=None,
        subject=None,
        alternatives=None,
        **began,
    ):
        """A pair for these names; `client` makes it one by which a client proves who it is.

        `subject` and `alternatives` take the place of what is made from the names.
        """
        key = make_key(kind)
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        certificate = (
            self._begin(self.subject, subject or _name(names[0]), key, lasts, **began)
            .add_extension(
                x509.SubjectAlternativeName(alternatives or [_alternative(name) for name in names]),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )
        if self.revocations:
            place = x509.UniformResourceIdentifier(self.revocations)
            point = x509.DistributionPoint([place], None, None, None)
            certificate = certificate.add_extension(
                x509.CRLDistributionPoints([point]), critical=False
            )
        certificate = certificate.sign(self.key, hashes.SHA256())
        chain = [self.certificate] if self.parent else []
        file = file or f"{names[0].replace('*', '_')}-{kind}"
        return Pair(self.folder, file, certificate, key, chain, passphrase)

    def staple(self, pair, file):
        """A file with an OCSP answer that says that the pair's certificate is good."""
        now = datetime.datetime.now(datetime.timezone.utc)
        answer = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=pair.certificate,
                issuer=self.certificate,
                algorithm=hashes.SHA1(),
                cert_status=ocsp.OCSPCertStatus.GOOD,
                this_update=now - DAY,
                next_update=now + 7 * DAY,
                revocation_time=None,
                revocation_reason=None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, self.certificate)
            .sign(self.key, hashes.SHA256())
        )
        file.write_bytes(answer.public_bytes(serialization.Encoding.DER))
        return file

    def revoke(self, *pairs):
        """A file with the list of revocations that has these."""
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.subject)
            .last_update(now - DAY)
            .next_update(now + DAY)
        )
        for pair in pairs:
            entry = x509.RevokedCertificateBuilder()
            entry = entry.serial_number(pair.serial).revocation_date(now - DAY).build()
            builder = builder.add_revoked_certificate(entry)
        file = self.folder / f"{self.name}.crl"
        revocations = builder.sign(self.key, hashes.SHA256())
        file.write_bytes(revocations.public_bytes(serialization.Encoding.PEM))
        return file


def _usage(**used):
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement"
        " key_cert_sign crl_sign encipher_only decipher_only"
    ).split()
    return x509.KeyUsage(**{name: used.get(name, False) for name in names})


class Certificates:
    """What most tests need, made once per run."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = Authority(folder)
        self.stranger = Authority(folder, "stranger")
        self.site = self.authority.issue("example.test", "localhost", "127.0.0.1")
        self.site_rsa = self.authority.issue("example.test", "localhost", kind="rsa")
        self.other = self.authority.issue("other.test")
        self.wildcard = self.authority.issue("*.wild.test")
        self.ended = self.authority.issue("ended.test", lasts=-DAY, began=10 * DAY)
        self.foreign = self.stranger.issue("example.test", file="foreign")
        self.client = self.authority.issue("alice.client.test", client=True)
        self.ended_client = self.authority.issue(
            "late.client.test", client=True, lasts=-DAY, began=10 * DAY
        )
        self.foreign_client = self.stranger.issue("mallory.client.test", client=True)
        self.revoked_client = self.authority.issue("gone.client.test", client=True)
        self.revocations = self.authority.revoke(self.revoked_client)
