#!/bin/bash
# Starts Apache with the names of all services (SERVICES) and the addresses of their instances.
#
# Compose names a container PROJECT_SERVICE_N (docker-compose) or PROJECT-SERVICE-N (v2), and Docker resolves these names. The name of
# this container shows the project and the separator.
#
# In a Swarm, containers have other names, and the name of a service resolves to the addresses of all its tasks. This script resolves
# them every second and reloads Apache when there is a new one. A reload closes idle kept-alive connections, so it does not reload when an
# address disappears: the health checks notice that.
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

# "-s dns": in /etc/hosts this container has only its id.
own_name=$(getent -s dns hosts "$(hostname -i)" | awk '{ sub(/\..*/, "", $2); print $2; exit }') || own_name=

# by_name prints a definition for every instance that may exist, by the name of its container. Docker may give a container that starts the
# address that another one had. Apache's health checks keep the address of a name for as long as anything listens there, unless Apache
# resolves names for every request and check (addressttl=0).
by_name() {
    local service n
    for service in $SERVICES; do
        for ((n = 1; n <= instances; n++)); do
            echo "Define ${service}_$n \"$1$service$2$n:8080 addressttl=0\""
        done
    done
}

# by_address prints a definition for every instance that exists.
by_address() {
    local service
    for service in $SERVICES; do
        getent ahostsv4 "$service" | awk '{ print $1 }' | sort -u | head -n "$instances" |
            awk -v service="$service" '{ print "Define " service "_" NR " " $1 ":8080" }'
    done
}

# addresses prints the services and addresses in a file of definitions.
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
