"""How our own clients reach Kafka: topics, dead letters and the simulated producer.

TWIST_KAFKA names the brokers. TLS, SASL and whatever else librdkafka knows is in the file
TWIST_KAFKA_PROPERTIES, a `name=value` a line, which may hold secrets and need be readable for its
owner only:

    security.protocol=SASL_SSL
    ssl.ca.location=/etc/twist/ca.pem
    sasl.mechanism=SCRAM-SHA-512
    sasl.username=twist
    sasl.password=…
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ingestion.settings import ROOT, Settings, SettingsError


def client_config(
    settings: Settings, own: dict[str, Any], say: Callable[[str], None]
) -> dict[str, Any]:
    """The configuration of a client; `own` properties beat those of the file.

    `say` is called with what goes wrong with brokers, such as a certificate or a login that is
    refused: the client tries again by itself, and its requests only time out.

    Raises:
        SettingsError: the file is missing, or a line is no `name=value`; no value is shown.
    """

    def failed(error: Any) -> None:
        say(error.str().partition(" (after ")[0])  # so many milliseconds

    servers = {"bootstrap.servers": settings.kafka, "error_cb": failed}
    return {**_properties(settings), **own, **servers}


def _properties(settings: Settings) -> dict[str, str]:
    if not settings.kafka_properties:
        return {}
    path = ROOT / Path(settings.kafka_properties).expanduser()
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path} (TWIST_KAFKA_PROPERTIES) cannot be read: {type(error).__name__}"
        ) from None
    found = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise SettingsError(f"{path} (TWIST_KAFKA_PROPERTIES): line {number} is no name=value")
        found[name.strip()] = value.strip()
    return found
