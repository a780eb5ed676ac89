#!/usr/bin/env bash
# The README's two commands, `make demo` and `make test`, on a machine that has nothing else: what is
# committed here is cloned into a folder named "it's a shop é", and a user who did not clone it, with
# no HOME, no browser and a handful of tools on PATH, runs them. Exits non-zero when one of them
# fails, or when a file was written outside of the clone and of TMPDIR.
#
#     tests/bare_machine.sh
#
# As root it makes that user, and removes it in the end. As anybody else it runs as you, and says
# what that leaves out. Packages come from the cache of this checkout, copied without their content.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
root=$(mktemp -d "${TMPDIR:-/tmp}/bare.XXXXXX")  # short: sockets lie below it
clone="$root/it's a shop é"
user=
began=$SECONDS

say() { printf 'bare machine: %s\n' "$*"; }

fail() {
    say "FAILED: $*" >&2
    exit 1
}

clean_up() {
    status=$?
    if [ -n "$user" ]; then
        # What the tests left running is this user's, who was made above.
        ps -o pid= -u "$user" | xargs -r kill -9 2>/dev/null || true
        sleep 1
        userdel "$user" || true
    fi
    chmod -R u+w "$root/home" 2>/dev/null || true
    rm -rf "$root"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# Who runs it.
chmod 755 "$root"
mkdir "$root/bin" "$root/tmp" "$root/home"
become=()
if [ "$(id -u)" -eq 0 ]; then
    user="twist-bare-$$"
    useradd --no-create-home --home-dir "/nonexistent/$user" --shell /bin/sh "$user"
    uid=$(id -u "$user")
    become=(setpriv "--reuid=$uid" "--regid=$(id -g "$user")" --clear-groups)
    chown "$user" "$root/tmp"
    say "as the fresh user $user, who has no home folder"
else
    say "as $(id -un), not as root: left out is that another user cloned, and that no file anywhere" \
        "else was written (HOME's usual places are looked at)"
fi

# What is on PATH: what make, git and Python need, no browser, no uv, no Java, no Docker.
for tool in awk basename bash cat chmod cp cut date dirname env expr false find git grep head id kill \
    ln ls make mkdir mktemp mv nproc ps pwd readlink realpath rm rmdir sed sh sleep sort stat tail \
    tee touch tr true uname uniq wc xargs; do
    if found=$(type -P "$tool"); then
        ln -s "$found" "$root/bin/$tool"
    fi
done
# The first Python that this user can start and that can make an environment. A script, not a link:
# a Python that is started through a link looks for its library beside that.
usable='import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'
python=
mapfile -t candidates < <(type -ap python3 python3.13 python3.12 python3.11)
for candidate in "${candidates[@]}"; do
    if "${become[@]}" env -i "PATH=$root/bin" "$candidate" -c "$usable" 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || fail "no Python 3.11 to 3.13 with venv that another user can start"
printf '#!/bin/sh\nexec "%s" "$@"\n' "$python" >"$root/bin/python3"
chmod 755 "$root/bin/python3"
say "with $("$python" --version) ($python)"

# The package cache: the user's own copy of this checkout's, but for the unpacked packages. Those are
# the bulk, and nobody writes into them: links to their files, in folders of the user's own.
cache=${UV_CACHE_DIR:-$here/.data/cache/uv}
if [ -n "$user" ]; then
    mkdir "$root/uv"
    for part in "$cache"/*; do
        [ -e "$part" ] || continue  # there is no cache yet
        case $part in
        */archive-v*) cp -al "$part" "$root/uv" 2>/dev/null || cp -a "$part" "$root/uv" ;;
        *) cp -a "$part" "$root/uv" && chown -R "$user" "$root/uv/${part##*/}" ;;
        esac
    done
    find "$root/uv" -type d -exec chown "$user" {} +
    cache="$root/uv"
fi

# How packages are reached here: variables, and the files that pip and uv would find in HOME.
passed=()
while IFS= read -r -d '' pair; do
    case ${pair%%=*} in
    PIP_CACHE_DIR | PIP_CONFIG_FILE | UV_CACHE_DIR | UV_CONFIG_FILE | UV_PYTHON* | UV_PROJECT*) ;;
    PIP_* | UV_* | SSL_CERT_* | REQUESTS_CA_BUNDLE | CURL_CA_BUNDLE | NODE_EXTRA_CA_CERTS) passed+=("$pair") ;;
    *_proxy | *_PROXY) passed+=("$pair") ;;
    esac
done < <(env -0)
lend() {  # NAME FILE…: the first file there is, readable by the user, as the variable NAME
    local name=$1 file
    shift
    for file in "$@"; do
        if [ -n "$file" ] && [ -f "$file" ]; then
            install -m 600 ${user:+-o "$user"} "$file" "$root/$name"
            passed+=("$name=$root/$name")
            return
        fi
    done
}
lend PIP_CONFIG_FILE "${PIP_CONFIG_FILE:-}" ${HOME:+"$HOME/.config/pip/pip.conf" "$HOME/.pip/pip.conf"}
lend UV_CONFIG_FILE "${UV_CONFIG_FILE:-}" ${HOME:+"$HOME/.config/uv/uv.toml"}

# The clone: another's, who lets everybody write into it.
[ -z "$(git -C "$here" status --porcelain)" ] || say "what is not committed here is not looked at"
git clone --quiet --no-hardlinks "$here" "$clone"
chmod -R a+rwX "$clone"
touch "$root/started"

# in_clone VARIABLE=… COMMAND…: as the user, in the clone, in an environment that is empty but for
# this. Copies, because a user may not link to another's files.
in_clone() {
    (cd "$clone" && exec "${become[@]}" env -i "PATH=$root/bin" "TMPDIR=$root/tmp" \
        "UV_CACHE_DIR=$cache" UV_LINK_MODE=copy "${passed[@]}" "$@") </dev/null
}

for command in demo test; do
    step=$SECONDS
    say "make $command …"
    in_clone make "$command" 2>&1 | tee "$root/$command.log" || fail "make $command"
    say "make $command is green after $((SECONDS - step)) s"
done
grep -q 'balanced' "$root/demo.log" || fail "make demo printed no audit"
grep -q 'is tested in a browser.*: install Chromium' "$root/test.log" ||
    fail "the overview's tests did not say what to install"

# Beside a DuckDB of the user's own, whose extensions of these names are other ones.
version=$(in_clone .venv/bin/python -c 'import duckdb; print(duckdb.__version__)')
platform=$(in_clone .venv/bin/python -c \
    'import duckdb; print(duckdb.sql("pragma platform").fetchall()[0][0])')
own="$root/home/.duckdb/extensions/v$version/$platform"
mkdir -p "$own"
for name in ducklake sqlite_scanner httpfs; do
    echo "another one" >"$own/$name.duckdb_extension"
done
chmod -R a+rX,a-w "$root/home"
held=$(find "$root/home" | sort)
answer=$(in_clone "HOME=$root/home" make sql 'Q=select count(*) > 0 as has_views from fct_twist') ||
    fail "make sql beside another ducklake in ~/.duckdb"
[ "$answer" = $'has_views\ntrue' ] || fail "make sql beside another ducklake says: $answer"
[ "$(find "$root/home" | sort)" = "$held" ] || fail "HOME was written into"
say "make sql answers beside another ducklake in ~/.duckdb"

# What was written outside. The S3 store of the tests puts its sockets into /tmp, wherever TMPDIR is.
if [ -n "$user" ]; then
    outside=$(find / -xdev \( -path /proc -o -path "$root" \) -prune -o -user "$uid" ! -name "seaweedfs-*.sock" -print)
else
    outside=
    for place in .duckdb .dbt .dagster .cache/ms-playwright .cache/uv .cache/pip .m2 .pki \
        .config/chromium .config/great_expectations; do
        [ -z "${HOME:-}" ] || [ ! -e "$HOME/$place" ] ||
            outside+=$(find "$HOME/$place" -newer "$root/started" -type f)
    done
fi
[ -z "$outside" ] || fail "these files were written outside of the clone and of TMPDIR:"$'\n'"$outside"
say "no file was written outside of the clone and of TMPDIR"
say "all is well after $((SECONDS - began)) s"
