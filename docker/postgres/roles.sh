#!/bin/sh
# Creates the role and the schema of each service. Each secret but the superuser's is the password of a service.
set -eu

PGPASSWORD=$(cat /run/secrets/postgres)
export PGPASSWORD
until pg_isready --quiet; do sleep 1; done
for secret in /run/secrets/*; do
    service=${secret##*/}
    [ "$service" != postgres ] || continue
    psql --quiet --no-psqlrc -v service="$service" -v password="$(cat "$secret")" -f /service.sql
done
