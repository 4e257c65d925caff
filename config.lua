-- Every setting of LexiCraft Server with its default and unit. Plain data: no calls, no variables.
-- A setting is overridden by the environment (LEXICRAFT_ and the path in capitals: LEXICRAFT_HTTP_BODY_BYTES_MAX; the
-- database also by DATABASE_URL) and that by a flag. `lexicraft config` shows what is in force and where it comes from.
-- Marked [restart]: read at start only. Everything else changes with a reload (SIGHUP, `lexicraft reload`, saving a file).
return {
  api = {
    listen = "127.0.0.1:8080",        -- [restart] address:port of the API
    workers = 0,                      -- [restart] threads; 0: one per core
  },
  admin = {
    listen = "127.0.0.1:8081",        -- [restart] address:port of health, metrics and reload; keep it private
  },
  database = {
    url = "",                         -- [restart] libpq URL of the serving role (DATABASE_URL); a secret
    migration_url = "",               -- [restart] libpq URL of the owning role; "": the same as url; a secret
    prepared_statements = true,       -- false behind a transaction pooler (PgBouncer < 1.21, Supabase port 6543)
    pipelined_connections = 2,        -- connections for single statements, all workers together
    exclusive_connections = 10,       -- connections for transactions, all workers together
    sharing_connections = 2,          -- of these, for transactions that may share one of PostgreSQL's, e.g. results of tests
    sharing_max = 32,                 -- transactions that share one of PostgreSQL's at most; 1: none does
    sharing_lock_ms = 100,            -- longest wait of those for a row lock; then each runs by itself, milliseconds
    waiting_max = 2000,               -- requests waiting for a connection, all workers together; more: 503
    in_flight_max = 256,              -- statements in flight on one pipelined connection
    wait_ms = 2000,                   -- longest wait for a connection, milliseconds
    statement_ms = 5000,              -- longest run of one statement, milliseconds
    connect_ms = 3000,                -- longest connection attempt, milliseconds
    idle_transaction_ms = 5000,       -- a transaction idle for longer is rolled back, milliseconds
    lock_ms = 2000,                   -- longest wait for a row lock, milliseconds
    statements_max = 256,             -- prepared statements kept per connection
  },
  http = {
    connections_max = 10000,          -- open connections, all workers together
    header_bytes_max = 5120,          -- larger header block: 431; every idle connection holds as much, and 6 kB
    body_bytes_max = 65536,           -- larger body: 413
    header_ms = 10000,                -- from the first byte to the end of the headers, milliseconds
    body_ms = 30000,                  -- from the end of the headers to the end of the body, milliseconds
    idle_ms = 60000,                  -- keep-alive connection without a request, milliseconds
    write_ms = 30000,                 -- response the client does not read, milliseconds
    drain_ms = 10000,                 -- requests under way at a stop or reload have so long, milliseconds
    trusted_proxies = {},             -- proxies whose X-Forwarded-For is believed, e.g. { "127.0.0.1", "10.0.0.0/8" }
    cors_origins = {},                -- origins a browser may call from, e.g. { "https://app.example" }; { "*" }: any
    cors_max_age_s = 600,             -- how long a browser may remember a preflight, seconds
  },
  json = {
    depth_max = 32,                   -- nesting of a request body
  },
  lua = {
    memory_bytes_max = 268435456,     -- of one worker's app VM, bytes
  },
  rules = {
    cpu_ms = 50,                      -- CPU time of one rule call, milliseconds
    instructions_max = 1000000,       -- VM instructions of one rule call
    memory_bytes_max = 8388608,       -- memory of one rule call over the idle state, bytes
  },
  auth = {
    key_file = "var/secret",          -- file with the signing key, at least 32 bytes (LEXICRAFT_AUTH_KEY: the key itself)
    previous_key_file = "",           -- file with the key before it, still accepted; "": none
    issuer = "lexicraft",             -- iss of tokens
    audience = "lexicraft-api",       -- aud of tokens
    supabase_issuer = "",             -- tokens of Supabase Auth, iss: "https://PROJECT.supabase.co/auth/v1"; "": none are known
                                      -- (LEXICRAFT_AUTH_SUPABASE_KEY: the project's JWT secret; docs/supabase.md)
    supabase_audience = "authenticated", -- aud of those tokens
    access_token_s = 600,             -- life of a parent's access token, seconds
    refresh_token_s = 2592000,        -- a session unused for longer ends, seconds (30 days)
    device_token_s = 15552000,        -- life of the token of a child's device, seconds (180 days)
    reset_token_s = 3600,             -- life of a token for a new password, seconds
    hash_threads = 2,                 -- [restart] password hashes at once, whole process
    hash_waiting_max = 64,            -- password hashes waiting; more: 503
    hash_memory_bytes = 19922944,     -- memory of one Argon2id hash, bytes (19 MiB)
    hash_passes = 2,                  -- passes of one Argon2id hash
  },
  limits = {
    requests_per_minute = 0,          -- per caller, or per client address without a token; 0: unlimited (http.trusted_proxies)
    login_attempts = 10,              -- failed or not, per account, in login_window_s
    login_attempts_per_address = 1000, -- to log in or sign up, per client address, in login_window_s
    login_window_s = 300,             -- seconds
    page_default = 50,                -- items of a list when no limit is asked for
    page_max = 200,                   -- items of a list at most
    related_max = 1000,               -- relationships followed in each step away from a learning point
    idempotency_hours = 24,           -- how long an Idempotency-Key is remembered, hours
  },
  reload = {
    watch = true,                     -- reload when a watched file changes
    debounce_ms = 100,                -- quiet time before a changed file is read, milliseconds
    deadline_ms = 10000,              -- longest reload, milliseconds
  },
  log = {
    level = "info",                   -- debug, info, warn, error, off
  },
}
