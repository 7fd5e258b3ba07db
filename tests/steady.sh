#!/bin/sh
# steady.sh COUNT LOAD COMMAND...: run a command COUNT times, one after the other, while LOAD processes keep the cores busy.
# Each run is made, whatever became of those before; fails if any of them failed.
count=$1 load=$2
shift 2
busy=
# shellcheck disable=SC2086
trap 'kill $busy 2>/dev/null' EXIT
trap 'exit 130' INT TERM
for _ in $(seq "$load"); do
	(while :; do :; done) &
	busy="$busy $!"
done
failed=0
for run in $(seq "$count"); do
	echo "Run $run of $count beside $load busy processes"
	"$@" || failed=$((failed + 1))
done
echo "$failed of $count runs failed"
[ "$failed" = 0 ]
