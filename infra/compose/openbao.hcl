# OpenBao of infra/compose/openbao.yml. It sets itself up at its first start, from this file, without a root token that
# anybody ever saw. Later changes of `initialize` change nothing: docs/production.md says how an administrator does.
ui = false
api_addr = "https://openbao:8200"
cluster_addr = "https://127.0.0.1:8201"

storage "raft" {
  path = "/var/lib/openbao"
  node_id = "one"
}

listener "tcp" {
  address = "0.0.0.0:8200"
  cluster_address = "127.0.0.1:8201"
  tls_cert_file = "/run/secrets/openbao.pem"
  tls_key_file = "/run/secrets/openbao.key"
  tls_min_version = "tls13"
  disable_unauthed_rekey_endpoints = true
  disable_unauthed_generate_root_endpoints = true
}

# It opens itself after a start, with a key that lies beside it. Who wants to open it by hand leaves this out, see docs.
seal "static" {
  current_key_id = "1"
  current_key = "file:///run/secrets/openbao_seal.key"
}

# Who asked for what, and when (P21): to the container's log. What is secret in it, it replaces by an HMAC.
audit "file" "log" {
  options {
    file_path = "stdout"
  }
}

initialize "transit" {
  request "mount" {
    operation = "update"
    path = "sys/mounts/transit"
    data = { type = "transit" }
  }
  request "roles" {
    operation = "update"
    path = "sys/auth/approle"
    data = { type = "approle" }
  }
}

# The policies are those of backoffice.vault.openbao (a test compares).
initialize "owner" {
  request "policy" {
    operation = "update"
    path = "sys/policies/acl/backoffice-owner"
    data = {
      policy = <<-POLICY
        path "transit/keys/+" { capabilities = ["create", "read", "update"] }
        path "transit/keys/+/rotate" { capabilities = ["update"] }
        path "transit/keys/+/config" { capabilities = ["update"] }
        path "transit/keys/+/trim" { capabilities = ["update"] }
        path "transit/encrypt/+" { capabilities = ["update"] }
        path "transit/decrypt/+" { capabilities = ["update"] }
      POLICY
    }
  }
  request "role" {
    operation = "update"
    path = "auth/approle/role/owner"
    data = { role_id = "backoffice-owner", token_policies = ["backoffice-owner"], token_ttl = "10m", token_no_default_policy = true }
  }
  request "secret" {
    operation = "update"
    path = "auth/approle/role/owner/custom-secret-id"
    data = { secret_id = { eval_source = "file", eval_type = "string", path = "/run/secrets/openbao_owner_secret" } }
  }
}

initialize "worker" {
  request "policy" {
    operation = "update"
    path = "sys/policies/acl/backoffice-worker"
    data = {
      policy = <<-POLICY
        path "transit/decrypt/+" { capabilities = ["update"] }
      POLICY
    }
  }
  request "role" {
    operation = "update"
    path = "auth/approle/role/worker"
    data = { role_id = "backoffice-worker", token_policies = ["backoffice-worker"], token_ttl = "10m", token_no_default_policy = true }
  }
  request "secret" {
    operation = "update"
    path = "auth/approle/role/worker/custom-secret-id"
    data = { secret_id = { eval_source = "file", eval_type = "string", path = "/run/secrets/openbao_worker_secret" } }
  }
}

initialize "eraser" {
  request "policy" {
    operation = "update"
    path = "sys/policies/acl/backoffice-eraser"
    data = {
      policy = <<-POLICY
        path "transit/keys/+" { capabilities = ["read", "delete"] }
        path "transit/keys/+/config" { capabilities = ["update"] }
      POLICY
    }
  }
  request "role" {
    operation = "update"
    path = "auth/approle/role/eraser"
    data = { role_id = "backoffice-eraser", token_policies = ["backoffice-eraser"], token_ttl = "10m", token_no_default_policy = true }
  }
  request "secret" {
    operation = "update"
    path = "auth/approle/role/eraser/custom-secret-id"
    data = { secret_id = { eval_source = "file", eval_type = "string", path = "/run/secrets/openbao_eraser_secret" } }
  }
}

# For people: changes policies and roles, and copies the whole. No service has its secret; keep it offline.
initialize "administrator" {
  request "policy" {
    operation = "update"
    path = "sys/policies/acl/backoffice-administrator"
    data = {
      policy = <<-POLICY
        path "sys/policies/acl/*" { capabilities = ["create", "read", "update", "delete", "list"] }
        path "auth/approle/role/*" { capabilities = ["create", "read", "update", "delete", "list"] }
        path "sys/mounts" { capabilities = ["read"] }
        path "sys/seal" { capabilities = ["update", "sudo"] }
      POLICY
    }
  }
  request "role" {
    operation = "update"
    path = "auth/approle/role/administrator"
    data = { role_id = "backoffice-administrator", token_policies = ["backoffice-administrator"], token_ttl = "10m" }
  }
  request "secret" {
    operation = "update"
    path = "auth/approle/role/administrator/custom-secret-id"
    data = { secret_id = { eval_source = "file", eval_type = "string", path = "/run/secrets/openbao_administrator_secret" } }
  }
}
