#!/bin/sh
# Gives each service its role and its schema. Postgres runs this once, when its volume is still empty.
set -eu

for service in order invoicing shipping; do
    psql --quiet --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" -v ON_ERROR_STOP=1 \
        -v service="$service" -v password="$(cat "/run/secrets/$service")" -f /service.sql
done
