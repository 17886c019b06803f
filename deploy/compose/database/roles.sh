#!/bin/sh
# Makes Homeward's database, its owner, and the role that Homeward works as. PostgreSQL's image runs it once, when the
# database's volume is new.
set -eu
secrets="${SECRETS:-/run/secrets}"
psql --set=ON_ERROR_STOP=1 --quiet --no-psqlrc --username="${POSTGRES_USER:-postgres}" --dbname=postgres \
    --set=owner_password="$(cat "${secrets}/owner_password")" --set=app_password="$(cat "${secrets}/app_password")" <<'SQL'
CREATE ROLE homeward_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE homeward_app LOGIN PASSWORD :'app_password';
CREATE DATABASE homeward OWNER homeward_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE homeward FROM PUBLIC;
GRANT CONNECT ON DATABASE homeward TO homeward_app;
SQL
