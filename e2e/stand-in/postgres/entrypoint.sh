#!/bin/bash
# Does what this project uses of the official Postgres image: POSTGRES_PASSWORD, _USER and _DB (or a file with the value, named by
# the same variable with _FILE), POSTGRES_INITDB_ARGS, and a server that never runs as root.
set -eu

# setting NAME DEFAULT prints the content of the file in NAME_FILE, else the value of NAME, else DEFAULT.
setting() {
    local file="$1_FILE"
    if [ -n "${!file:-}" ]; then
        cat "${!file}"
    else
        echo "${!1:-$2}"
    fi
}

# initialize creates the database cluster. The temporary server that creates the database listens on its socket only, so health
# checks over TCP do not mistake it for the real one.
initialize() {
    local password
    password=$(setting POSTGRES_PASSWORD "")
    POSTGRES_USER=$(setting POSTGRES_USER postgres)
    POSTGRES_DB=$(setting POSTGRES_DB "$POSTGRES_USER")
    export POSTGRES_USER POSTGRES_DB
    if [ -z "$password" ]; then
        echo "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE must be set for a new database." >&2
        exit 1
    fi
    # Unquoted: the arguments of POSTGRES_INITDB_ARGS are separated by spaces.
    # shellcheck disable=SC2086
    initdb --username="$POSTGRES_USER" --pwfile=<(echo "$password") --auth=trust ${POSTGRES_INITDB_ARGS:-}
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >> "$PGDATA/postgresql.conf"

    pg_ctl start --wait --options "-c listen_addresses=''"
    if [ "$POSTGRES_DB" != postgres ]; then
        createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
    fi
    pg_ctl stop --wait --mode fast
}

case "${1:-}" in
-*) set -- postgres "$@" ;;
esac
if [ "${1:-}" != postgres ]; then
    exec "$@"
fi
if [ "$(id -u)" = 0 ]; then
    chown -R postgres:postgres "$PGDATA" /run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initialize
fi
exec "$@"
