#!/bin/sh
# Gives each service its role and its schema: for each secret that is there, save the superuser's own.
set -eu

PGPASSWORD=$(cat /run/secrets/postgres)
export PGPASSWORD
until pg_isready --quiet; do sleep 1; done
for secret in /run/secrets/*; do
    service=${secret##*/}
    [ "$service" != postgres ] || continue
    psql --quiet --no-psqlrc -v service="$service" -v password="$(cat "$secret")" -f /service.sql
done
