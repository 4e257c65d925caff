-- Answers kept for repeated requests, written in the transaction of the effect they answer for.

CREATE TABLE idempotency_keys (
    caller       text        NOT NULL, -- role and sub
    route        text        NOT NULL, -- method and template
    key          text        NOT NULL,
    request_hash text        NOT NULL, -- of the path and the body
    user_id      uuid,                 -- the family the answer tells of: goes when they go
    status       integer,
    location     text,
    body         text,
    created_at   timestamptz NOT NULL, -- real time
    expires_at   timestamptz,          -- NULL: never
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (caller, route, key),
    CONSTRAINT idempotency_keys_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT idempotency_keys_key_shape CHECK (key ~ '^[!-~]{1,255}$'),
    CONSTRAINT idempotency_keys_status_range CHECK (status BETWEEN 200 AND 299)
);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX idempotency_keys_by_user ON idempotency_keys (user_id) WHERE user_id IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO :serving_role;
