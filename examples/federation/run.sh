#!/bin/sh
# Starts three instances on this machine, and ends them at Ctrl-C. Break the queue, and look at http://127.0.0.1:8422:
#
#   touch /tmp/alpacalert-example/queue-is-broken      # the queue fails
#   rm /tmp/alpacalert-example/queue-is-broken         # it works again
set -eu
here=$(dirname "$0")
program=${ALPACALERT:-alpacalert}
world=/tmp/alpacalert-example
mkdir -p "$world"
rm -f "$world/queue-is-broken"

start() {
    "$program" serve --config "$here/$1.yaml" --listen "127.0.0.1:$2" --state "$world/$1" >"$world/$1.log" 2>&1 &
    started="${started:-} $!"
    echo "$1: http://127.0.0.1:$2, its log is $world/$1.log"
}

trap 'kill $started 2>/dev/null || true; wait' INT TERM EXIT
start infrastructure 8421
start application 8422
start reader 8423
echo "break the queue with: touch $world/queue-is-broken"
echo "see it with:          $program status --url http://127.0.0.1:8422"
wait
