# Stands in for python:3.12-slim where no registry can be reached: Debian's own Python.
FROM backoffice-test/debian
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/*
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
