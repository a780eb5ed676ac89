#!/bin/sh
# Prints, as lines for .env, what docker/connect/Dockerfile downloads today: the digest of the base
# image, and the checksum of the sink. Compare both with those of a second machine.
set -eu
folder=$(cd "$(dirname "$0")" && pwd)
image=$(sed -n 's/^FROM \(.*\)@.*/\1/p' "$folder/Dockerfile")
sink=$(sed -n 's/.*install_sink\.sh \([^)]*\)).*/\1/p' "$folder/Dockerfile")
digest=$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$image")
checksum=$(docker run --rm --interactive --entrypoint sh "$image@$digest" -s -- "$sink" \
    < "$folder/install_sink.sh")
echo "TWIST_CONNECT_DIGEST=$digest"
echo "TWIST_SINK_SHA256=$checksum"
