#!/bin/sh
# Makes the secrets that compose.yaml reads, each of 192 random bits, and changes none that is there.
# The folder is closed to others; the files in it are not, because the users of the containers must read them.
set -eu
folder="${1:-$(dirname "$0")/secrets}"
umask 077
mkdir -p "${folder}/owner" "${folder}/app"
keep() {
    [ -s "$1" ] || cat > "$1"
    chmod 0644 "$1"
}
for name in engine_database_password database_password owner_password app_password; do
    [ -s "${folder}/${name}" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' | keep "${folder}/${name}"
done
for role in owner app; do
    printf 'postgresql://homeward_%s:%s@database:5432/homeward' "${role}" "$(cat "${folder}/${role}_password")" |
        keep "${folder}/${role}/HOMEWARD_DATABASE_URL"
    chmod 0755 "${folder}/${role}"
done
