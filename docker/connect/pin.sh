#!/bin/sh
# Prints, as lines for .env, what docker/connect/Dockerfile downloads today: the digest of the base
# image, and the checksum of the sink. Compare both with a second machine or with Confluent's pages.
set -eu
dockerfile=$(dirname "$0")/Dockerfile
image=$(sed -n 's/^FROM \(.*\)@.*/\1/p' "$dockerfile")
sink=$(sed -n 's/^ARG SINK=//p' "$dockerfile")
digest=$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$image")
file=$(mktemp)
trap 'rm -f "$file"' EXIT
curl -fsSL --output "$file" "$sink"
checksum=$(sha256sum "$file")
echo "TWIST_CONNECT_DIGEST=$digest"
echo "TWIST_SINK_SHA256=${checksum%% *}"
