#!/bin/sh
# Run once by PostgreSQL's image, when the data folder is empty: a role and a database of its own for each of the three.
# Passwords come from files and go in over the socket; they appear in no command line and no log.
set -eu
for name in airflow ledger keystore; do
  psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username postgres --dbname postgres <<SQL
SET log_statement = 'none';
SET password_encryption = 'scram-sha-256';
\set password \`cat /run/secrets/${name}_password\`
CREATE ROLE $name LOGIN PASSWORD :'password';
CREATE DATABASE $name OWNER $name;
REVOKE CONNECT ON DATABASE $name FROM PUBLIC;
SQL
done
