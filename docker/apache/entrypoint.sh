#!/bin/bash
# Starts Apache and tells it which services there are (SERVICES), and by what names their instances are reached.
#
# Compose names a container PROJECT_SERVICE_N (the old docker-compose) or PROJECT-SERVICE-N (v2), and Docker resolves these
# names. Which project and which of the two it is, the name of this very container tells. Where containers are not named
# so, as in a Swarm, a service's name stands for the addresses of all its instances: these are looked up every second, and
# Apache reads its configuration again when one has come. It then closes the connections that clients keep and do not use; so
# it does not do so for one that has gone: that is out by its health checks.
set -eu

instances=9
port=8080

if [ "${1:-}" = healthcheck ]; then
    exec 3<>/dev/tcp/127.0.0.1/$port
    printf 'GET /style.css HTTP/1.1\r\nHost: localhost\r\nUser-Agent: healthcheck\r\nConnection: close\r\n\r\n' >&3
    read -r _ status _ <&3
    [ "$status" = 200 ]
    exit
fi

run=/run/apache2
members=$run/members.conf

# "-s dns": /etc/hosts knows this container by its id only.
own_name=$(getent -s dns hosts "$(hostname -i)" | awk '{ sub(/\..*/, "", $2); print $2; exit }') || own_name=

# by_name defines as many instances as there may be, by the names that they would have.
by_name() {
    local service n
    for service in $SERVICES; do
        for ((n = 1; n <= instances; n++)); do
            echo "Define ${service}_$n $1$service$2$n:8080"
        done
    done
}

# by_address defines the instances that there are.
by_address() {
    local service
    for service in $SERVICES; do
        getent ahostsv4 "$service" | awk '{ print $1 }' | sort -u | head -n "$instances" |
            awk -v service="$service" '{ print "Define " service "_" NR " " $1 ":8080" }'
    done
}

# addresses lists the instances in such a file, by service and address.
addresses() {
    awk '{ sub(/_[0-9]+$/, "", $2); print $2, $3 }' "$1" | sort
}

uses=()
for service in $SERVICES; do
    uses+=(-c "Use Service $service")
done
apache() {
    exec apache2 -DFOREGROUND -C "Define PORT $port" -C "Define PUBLIC_URL ${PUBLIC_URL:-http://localhost:${PUBLIC_PORT:-8080}}" \
        -C "Define ROOT /msatom" -C "Define RUN $run" -C "Include $members" -f /msatom/apache/httpd.conf "${uses[@]}"
}

if [[ $own_name =~ ^(.+[-_])apache([-_])[0-9]+$ ]]; then
    by_name "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" > $members
    apache
fi

by_address > $members
apache &
pid=$!
trap 'kill -WINCH $pid; wait $pid; exit' WINCH TERM INT
while kill -0 $pid 2> /dev/null; do
    sleep 1
    by_address > $members.new
    if [ -n "$(comm -13 <(addresses $members) <(addresses $members.new))" ]; then
        mv $members.new $members
        kill -USR1 $pid
    fi
done
