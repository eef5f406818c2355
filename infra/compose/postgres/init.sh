#!/bin/sh
# Run once by PostgreSQL's image, when the data folder is empty: the databases, each with a role that owns it, and the key
# store's two others. Passwords come from files and go in over the socket; they appear in no command line and no log.
set -eu
for role in airflow ledger keystore keystore_worker keystore_eraser; do
  database=${role%%_*}
  psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username postgres --dbname postgres <<SQL
SET log_statement = 'none';
SET password_encryption = 'scram-sha-256';
\set password \`cat /run/secrets/${role}_password\`
CREATE ROLE $role LOGIN PASSWORD :'password';
SELECT 'CREATE DATABASE $database OWNER $role' WHERE '$database' = '$role' \gexec
REVOKE CONNECT ON DATABASE $database FROM PUBLIC;
GRANT CONNECT ON DATABASE $database TO $role;
SQL
done
