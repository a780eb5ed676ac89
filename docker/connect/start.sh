#!/bin/bash
# Runs "$@" with the settings of worker.properties and, over them, of the overlay's. Confluent's image
# takes settings from variables: a.b from CONNECT_A_B, a-b from CONNECT_A___B, a_b from CONNECT_A__B.
set -eu
for folder in "${SETTINGS:-/usr/share/twist}" "${OVERLAY:-/etc/twist}"; do
    file=$folder/worker.properties
    [ -d "$folder" ] || continue
    if ! [ -x "$folder" ] || { [ -e "$file" ] && ! [ -r "$file" ]; }; then
        echo "$file cannot be read: let user $(id -u) read it (setfacl -R -m u:$(id -u):rX …)" >&2
        exit 77
    fi
    [ -e "$file" ] || continue
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in \#*) continue ;; *=*) ;; *) continue ;; esac
        name=$(echo "${line%%=*}" | tr -d '[:space:]')
        name=${name//_/__}
        name=${name//-/___}
        name=${name//./_}
        value=$(echo "${line#*=}" | sed 's/^[[:space:]]*//; s/[[:space:]]*$//')
        export "CONNECT_${name^^}=$value"
    done < "$file"
done
exec "$@"
