-- Sessions, one-time tokens and children's devices; and how a family is erased.

-- One row for each log-in that has not ended. Its refresh token is id and secret; the secret is replaced at each use, so
-- whoever comes with an earlier one has a copy, and the session ends.
CREATE TABLE sessions (
    id          uuid        NOT NULL DEFAULT gen_random_uuid(),
    user_id     uuid        NOT NULL,
    secret_hash text        NOT NULL, -- SHA-256
    created_at  timestamptz NOT NULL, -- real time, as below
    expires_at  timestamptz NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT sessions_secret_shape CHECK (secret_hash ~ '^[0-9a-f]{64}$')
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- The latest token that lets a parent choose a new password, once.
CREATE TABLE password_resets (
    user_id    uuid        NOT NULL,
    token_hash text        NOT NULL, -- SHA-256
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT password_resets_pkey PRIMARY KEY (user_id),
    CONSTRAINT password_resets_token_key UNIQUE (token_hash),
    CONSTRAINT password_resets_user_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT password_resets_token_shape CHECK (token_hash ~ '^[0-9a-f]{64}$')
);

-- What a child may learn with. A device's token names its row: without the row it is worth nothing.
CREATE TABLE child_devices (
    child_id   uuid        NOT NULL,
    id         uuid        NOT NULL DEFAULT gen_random_uuid(),
    name       text        NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT child_devices_pkey PRIMARY KEY (child_id, id),
    CONSTRAINT child_devices_child_fkey FOREIGN KEY (child_id) REFERENCES children (id) ON DELETE CASCADE,
    CONSTRAINT child_devices_name_length CHECK (length(name) BETWEEN 1 AND 100)
);

-- What remains of a paid withdrawal when its family is erased: money that left, and no person.
CREATE TABLE erased_withdrawals (
    id             bigint        NOT NULL,
    points_amount  bigint        NOT NULL,
    amount_ntd     numeric(10,2) NOT NULL,
    transaction_id text,
    completed_at   timestamptz   NOT NULL,
    CONSTRAINT erased_withdrawals_pkey PRIMARY KEY (id)
);
CREATE INDEX erased_withdrawals_by_transaction ON erased_withdrawals (transaction_id) WHERE transaction_id IS NOT NULL;

CREATE TRIGGER erased_withdrawals_are_kept
    BEFORE UPDATE OR DELETE OR TRUNCATE ON erased_withdrawals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Runs for a child deleted by itself and for each that goes with its parent. As the owner: the serving role can write an
-- erased withdrawal in no other way.
CREATE FUNCTION keep_paid_withdrawals() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM public.withdrawal_requests w
                WHERE w.child_id = OLD.id AND w.status IN ('pending', 'processing')) THEN
        RAISE EXCEPTION 'a withdrawal of child % is under way', OLD.id
            USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    INSERT INTO public.erased_withdrawals (id, points_amount, amount_ntd, transaction_id, completed_at)
    SELECT w.id, w.points_amount, w.amount_ntd, w.transaction_id, w.completed_at
      FROM public.withdrawal_requests w
     WHERE w.child_id = OLD.id AND w.status = 'completed';
    RETURN OLD;
END
$$;
REVOKE EXECUTE ON FUNCTION keep_paid_withdrawals() FROM PUBLIC;

CREATE TRIGGER children_keep_paid_withdrawals
    BEFORE DELETE ON children
    FOR EACH ROW EXECUTE FUNCTION keep_paid_withdrawals();

-- One transfer pays one withdrawal, also where the other one's family is gone.
CREATE OR REPLACE FUNCTION check_withdrawal_transaction() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('withdrawal_requests.transaction_id ' || NEW.transaction_id, 0));
    IF EXISTS (SELECT 1 FROM public.withdrawal_requests w
                WHERE w.transaction_id = NEW.transaction_id AND w.status = 'completed')
       OR EXISTS (SELECT 1 FROM public.erased_withdrawals e WHERE e.transaction_id = NEW.transaction_id) THEN
        RAISE EXCEPTION 'transfer % has paid another withdrawal', NEW.transaction_id
            USING ERRCODE = 'unique_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'withdrawal_requests_transaction_once';
    END IF;
    RETURN NEW;
END
$$;

GRANT SELECT, INSERT, DELETE ON sessions, password_resets, child_devices TO :serving_role;
GRANT UPDATE (secret_hash, expires_at) ON sessions TO :serving_role;
GRANT UPDATE (token_hash, created_at, expires_at) ON password_resets TO :serving_role;
GRANT SELECT ON erased_withdrawals TO :serving_role;
GRANT DELETE ON users, children TO :serving_role;
