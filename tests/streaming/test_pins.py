"""What the image of Connect is built of: the base and the sink that were pinned, and no other."""

import hashlib
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from ingestion.settings import ROOT

pytestmark = pytest.mark.skipif(
    not shutil.which("sha256sum"), reason="needs sha256sum, as the image has it"
)
SINK = "confluentinc/kafka-connect-s3:12.1.11"
FAKES = {
    "confluent-hub": f"""#!/bin/sh
[ "$*" = "install --no-prompt {SINK}" ] || exit 1
mkdir -p "$COMPONENTS/confluentinc-kafka-connect-s3/lib"
for jar in sink aws; do echo $jar > "$COMPONENTS/confluentinc-kafka-connect-s3/lib/$jar.jar"; done
echo installed
""",
    "docker": """#!/bin/sh
case "$*" in
    *" confluentinc/cp-kafka-connect:8.3.2") echo sha256:abc;;
    "run "*" confluentinc/cp-kafka-connect:8.3.2@sha256:abc "*)
        for sink; do :; done; sh -s -- "$sink";;
    *) exit 1;;
esac
""",
}
CHECKSUM = hashlib.sha256(
    "".join(
        f"{hashlib.sha256(text).hexdigest()}  {name}.jar\n"
        for name, text in (("aws", b"aws\n"), ("sink", b"sink\n"))
    ).encode()
).hexdigest()


@pytest.fixture
def fakes(tmp_path: Path) -> dict[str, str]:
    """An environment in which the tools that reach out answer themselves."""
    for name, text in FAKES.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "COMPONENTS": str(tmp_path / "components"),
    }


def test_the_image_is_built_only_with_the_checksum_that_was_pinned(fakes: dict[str, str]) -> None:
    folder = ROOT / "docker" / "connect"
    command = (folder / "Dockerfile").read_text().partition("\nRUN ")[2].partition("\nCOPY ")[0]
    command = command.replace("\\\n", " ").replace("/tmp/", shlex.quote(f"{folder}/"))

    def build(checksum: str) -> "subprocess.CompletedProcess[str]":
        own = fakes | {"SINK_SHA256": checksum}
        return subprocess.run(
            ["sh", "-c", command], env=own, capture_output=True, text=True, check=False
        )

    assert build(CHECKSUM).returncode == 0
    for wrong in (hashlib.sha256(b"another").hexdigest(), ""):
        refused = build(wrong)
        assert refused.returncode != 0
        assert f"the sink has the checksum {CHECKSUM}, not {wrong}: see make pin" in refused.stderr


def test_make_pin_prints_the_two_lines_of_the_settings(fakes: dict[str, str]) -> None:
    pin = ROOT / "docker" / "connect" / "pin.sh"
    done = subprocess.run([pin], env=fakes, capture_output=True, text=True, check=True)
    found = dict(line.split("=") for line in done.stdout.splitlines())
    assert found == {"TWIST_CONNECT_DIGEST": "sha256:abc", "TWIST_SINK_SHA256": CHECKSUM}
    Path(fakes["PATH"].split(os.pathsep)[0], "confluent-hub").write_text("#!/bin/sh\nexit 22\n")
    failed = subprocess.run([pin], env=fakes, capture_output=True, text=True, check=False)
    assert failed.returncode != 0
    assert failed.stdout == ""
