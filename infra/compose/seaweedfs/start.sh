#!/bin/sh
# Start the object store with a log that names no object: the same filter as in development (a test compares). BusyBox's sed,
# which the image has, does not know -u: then lines come in blocks.
cd /tmp || exit 1
unbuffered=-u
sed -u -e '' </dev/null 2>/dev/null || unbuffered=
rm -f log.pipe && mkfifo -m 600 log.pipe || exit 1
(
  trap '' TERM INT HUP
  exec sed $unbuffered -E \
    -e '/^[IWEF][0-9]{4} [0-9:.]+ (master|mini|raft_[a-z]+|volume|tls|s3|server|file_util|network)\.go:[0-9]+\]? /b' \
    -e '/^I[0-9]{4} /d' \
    -e 's/^([WEF][0-9]{4} [0-9:.]+ [a-zA-Z0-9_]+\.go:[0-9]+\]?) .*/\1 (message left out)/;t' \
    -e '/^ *(Starting|Shutting|Master|Volume|Filer|S3|Admin|panic:|fatal error:|goroutine )/!d' <log.pipe
) &
exec "$@" >log.pipe 2>&1
