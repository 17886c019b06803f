#!/bin/sh
# Makes the engine's two databases and brings their tables up; again it changes nothing.
set -eu
SQL_PASSWORD="$(cat /run/secrets/engine_database_password)"
export SQL_PASSWORD
for store in temporal:temporal temporal_visibility:visibility; do
    database="${store%%:*}"
    tool() { temporal-sql-tool --plugin postgres12 --ep engine-database -p 5432 -u temporal --db "${database}" "$@"; }
    tool create
    tool setup-schema -v 0.0
    tool update-schema -d "/etc/temporal/schema/postgresql/v12/${store##*:}/versioned"
done
