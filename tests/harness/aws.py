"""A local AWS: moto's server behind a gate that refuses what AWS would refuse.

A process reaches it as it reaches AWS: by AWS's names and TLS. `Cloud.variables` sends its requests
through a proxy, which connects every host to the gate, and names the certificate's authority.
"""

import hashlib
import hmac
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from moto.backends import get_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sts.models import sts_backends
from werkzeug.serving import make_server

from tests.harness.certificates import issue

ACCOUNT = "123456789012"
"""Moto's."""
REGION = "eu-north-1"
BUCKET = "lake"
OWN = "store.example"
"""A self-hosted store with a host name; its buckets are subdomains."""
NAMES = (
    f"*.s3.{REGION}.amazonaws.com", f"s3.{REGION}.amazonaws.com", f"sts.{REGION}.amazonaws.com",
    "sts.amazonaws.com", f"*.{OWN}", OWN,
)  # fmt: skip
"""Of the hosts that the cloud has a certificate for."""
Environ = dict[str, Any]
Start = Callable[..., Any]


@dataclass
class Gate:
    """WSGI: lets a request through to moto when host, signature, region and token are right."""

    keys: dict[str, tuple[str, str]] | None
    """Access key → secret and session token (or empty); None: requests must not be signed."""
    url: str = ""
    """The address of a self-hosted store; AWS has names."""
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    """Host, access key and client of each request that was let through."""
    refused: list[str] = field(default_factory=list)
    moto: Any = field(default_factory=lambda: DomainDispatcherApplication(create_backend_app))

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        host = environ["HTTP_HOST"]
        if host.startswith("sts."):
            return self._through(environ, start)
        code = self._objection(environ)
        if code:
            self.refused.append(f"{code}: {environ['REQUEST_METHOD']} {host}{environ['RAW_URI']}")
            start("403 Forbidden", [("Content-Type", "application/xml")])
            return [f"<?xml version='1.0'?>\n<Error><Code>{code}</Code></Error>".encode()]
        client = environ.get("HTTP_USER_AGENT", "").partition("/")[0]
        self.seen.append((host, _signed_by(environ), client))
        environ["HTTP_HOST"] = host.replace(OWN, "s3.amazonaws.com")
        environ.setdefault("HTTP_AUTHORIZATION", "AWS4-HMAC-SHA256 Credential=nobody/d/r/s3/x")
        return self._through(environ, start)

    def _through(self, environ: Environ, start: Start) -> Iterable[bytes]:
        answer: Iterable[bytes] = self.moto(environ, start)
        return answer

    def _objection(self, environ: Environ) -> str:
        host = environ["HTTP_HOST"]
        is_path = host.startswith("127.0.0.1:") and environ["RAW_URI"].startswith(f"/{BUCKET}")
        if not is_path and host not in (f"{BUCKET}.s3.{REGION}.amazonaws.com", f"{BUCKET}.{OWN}"):
            return "NoSuchHost"
        if self.keys is None:
            return "NotToBeSigned" if "HTTP_AUTHORIZATION" in environ else ""
        known = self.keys | lent()
        key = _signed_by(environ)
        if key not in known:
            return "InvalidAccessKeyId" if key else "AccessDenied"
        secret, token = known[key]
        if environ.get("HTTP_X_AMZ_SECURITY_TOKEN", "") != token:
            return "InvalidToken"
        if environ["HTTP_AUTHORIZATION"].rpartition("Signature=")[2] != signature(environ, secret):
            return "SignatureDoesNotMatch"
        return ""


def lent() -> dict[str, tuple[str, str]]:
    """The credentials that moto has issued for roles."""
    roles = sts_backends[ACCOUNT]["aws"].assumed_roles
    return {role.access_key_id: (role.secret_access_key, role.session_token) for role in roles}


def _signed_by(environ: Environ) -> str:
    credential = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2]
    return str(credential.partition("/")[0])


def signature(environ: Environ, secret: str) -> str:
    """The signature of a request (AWS Signature Version 4), for the region of this cloud."""
    named = environ["HTTP_AUTHORIZATION"].partition("SignedHeaders=")[2].partition(",")[0]
    headers = {
        name: str(environ.get(f"HTTP_{variable}", environ.get(variable, "")))
        for name in named.split(";")
        for variable in [name.upper().replace("-", "_")]
    }
    path, _, query = environ["RAW_URI"].partition("?")
    pairs = sorted(pair if "=" in pair else f"{pair}=" for pair in query.split("&") if pair)
    request = "\n".join(
        [
            environ["REQUEST_METHOD"],
            path,
            "&".join(quote(pair, safe="=%-_.~") for pair in pairs),
            *(f"{name}:{' '.join(value.split())}" for name, value in headers.items()),
            "",
            named,
            environ["HTTP_X_AMZ_CONTENT_SHA256"],
        ]
    )
    moment = environ["HTTP_X_AMZ_DATE"]
    scope = [moment[:8], REGION, "s3", "aws4_request"]
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", moment, "/".join(scope), digest])
    key = f"AWS4{secret}".encode()
    for part in (*scope, text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


class _Proxy(socketserver.ThreadingTCPServer):
    """Forwards every CONNECT to one local port."""

    daemon_threads = True
    target = 0


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (read := self.request.recv(4096)):
                return
            head += read
        server: Any = self.server
        with socket.create_connection(("127.0.0.1", server.target)) as there:
            self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_pump, args=(there, self.request), daemon=True)
            back.start()
            _pump(self.request, there)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while read := source.recv(65536):
            target.sendall(read)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@dataclass
class Cloud:
    """The running servers: AWS behind the proxy, and two self-hosted stores at `http://127.0.0.1:…`."""

    aws: Gate
    keyed: Gate
    unsigned: Gate
    variables: dict[str, str]


@contextmanager
def cloud(folder: Path, keys: dict[str, tuple[str, str]]) -> Iterator[Cloud]:
    """An AWS, and self-hosted stores, which accept these keys; all have the same empty bucket."""
    get_backend("s3")[ACCOUNT]["aws"].create_bucket(BUCKET, REGION)
    authority, chain = issue(folder, NAMES)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    aws, keyed, unsigned = Gate(keys), Gate(keys), Gate(None)
    tls = make_server("127.0.0.1", 0, aws, threaded=True, ssl_context=context)
    plain = [make_server("127.0.0.1", 0, gate, threaded=True) for gate in (keyed, unsigned)]
    proxy = _Proxy(("127.0.0.1", 0), _Connection)
    proxy.target = tls.port
    servers: list[Any] = [tls, *plain, proxy]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    for gate, server in zip((keyed, unsigned), plain, strict=True):
        gate.url = f"http://127.0.0.1:{server.port}"
    variables = {
        "HTTPS_PROXY": f"http://127.0.0.1:{proxy.server_address[1]}",
        "NO_PROXY": "127.0.0.1",
        "SSL_CERT_FILE": str(authority),
        "AWS_CA_BUNDLE": str(authority),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
    }
    try:
        yield Cloud(aws, keyed, unsigned, variables)
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
