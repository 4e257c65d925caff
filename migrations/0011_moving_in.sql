-- Families that move in from the server before this one. Their balances come as one opening move, the first of the child's
-- ledger. What was earned, asked for or paid there is part of it: rows that moved in say how much of it is theirs, and the
-- laws count that beside the moves made here. Rows keep their number from there as original_id, which also tells that they
-- moved in; the serving role can write these columns once and never change them.

ALTER TABLE learning_progress
    ADD COLUMN original_id      bigint,
    ADD COLUMN opening_points   bigint NOT NULL DEFAULT 0, -- earned by attempt 1 before it moved in
    ADD COLUMN opening_unlocked bigint NOT NULL DEFAULT 0, -- of these, unlocked before
    ADD CONSTRAINT learning_progress_opening_range CHECK (opening_unlocked BETWEEN 0 AND opening_points),
    ADD CONSTRAINT learning_progress_opening_moved CHECK (opening_points = 0 OR original_id IS NOT NULL);
CREATE UNIQUE INDEX learning_progress_original ON learning_progress (child_id, original_id) WHERE original_id IS NOT NULL;
CREATE TRIGGER learning_progress_opening_stays
    BEFORE DELETE ON learning_progress
    FOR EACH ROW WHEN (OLD.opening_points > 0) EXECUTE FUNCTION refuse_unless_erased();

-- No rule of ours has planned a test that moved in.
ALTER TABLE verification_schedule
    ADD COLUMN original_id bigint,
    ALTER COLUMN rule_name DROP NOT NULL,
    ALTER COLUMN rule_input DROP NOT NULL,
    ALTER COLUMN rule_result DROP NOT NULL,
    ADD CONSTRAINT verification_schedule_rule_given CHECK (
        num_nonnulls(rule_name, rule_input, rule_result) = CASE WHEN original_id IS NULL THEN 3 ELSE 0 END);
CREATE UNIQUE INDEX verification_schedule_original
    ON verification_schedule (child_id, original_id) WHERE original_id IS NOT NULL;

-- opening_status: how it moved in. Its points have left the balance, or left and come back, within the opening move.
ALTER TABLE withdrawal_requests
    ADD COLUMN original_id    bigint,
    ADD COLUMN opening_status text,
    ADD CONSTRAINT withdrawal_requests_opening_given CHECK ((original_id IS NULL) = (opening_status IS NULL)),
    ADD CONSTRAINT withdrawal_requests_opening_status_known
        CHECK (opening_status IN ('pending', 'processing', 'completed', 'failed', 'cancelled'));
CREATE UNIQUE INDEX withdrawal_requests_original
    ON withdrawal_requests (child_id, original_id) WHERE original_id IS NOT NULL;

ALTER TABLE relationship_discoveries ADD COLUMN original_id bigint;
CREATE UNIQUE INDEX relationship_discoveries_original
    ON relationship_discoveries (child_id, original_id) WHERE original_id IS NOT NULL;

-- A child moves in once, whole: with the rows up to these numbers. What came after is not of the opening move.
CREATE TABLE moved_children (
    child_id             uuid        NOT NULL,
    moved_at             timestamptz NOT NULL,
    last_progress_id     bigint      NOT NULL,
    last_verification_id bigint      NOT NULL,
    last_transaction_id  bigint      NOT NULL,
    last_withdrawal_id   bigint      NOT NULL,
    last_discovery_id    bigint      NOT NULL,
    CONSTRAINT moved_children_pkey PRIMARY KEY (child_id),
    CONSTRAINT moved_children_child_fkey FOREIGN KEY (child_id) REFERENCES children (id) ON DELETE CASCADE
);

-- The ledger as it was there, to be read. It moves nothing: its sum is the opening move.
CREATE TABLE moved_transactions (
    child_id          uuid        NOT NULL,
    original_id       bigint      NOT NULL,
    transaction_type  text        NOT NULL,
    bonus_type        text,
    points            bigint      NOT NULL,
    tier              integer,
    learning_point_id text        COLLATE "C",
    description       text,
    created_at        timestamptz NOT NULL,
    CONSTRAINT moved_transactions_pkey PRIMARY KEY (child_id, original_id),
    CONSTRAINT moved_transactions_child_fkey FOREIGN KEY (child_id) REFERENCES children (id) ON DELETE CASCADE
);

-- Bonuses paid there, so that they are not paid here once more.
CREATE TABLE moved_bonuses (
    child_id      uuid NOT NULL,
    bonus_type    text NOT NULL,
    bonus_subject text NOT NULL,
    CONSTRAINT moved_bonuses_pkey PRIMARY KEY (child_id, bonus_type, bonus_subject),
    CONSTRAINT moved_bonuses_child_fkey FOREIGN KEY (child_id) REFERENCES children (id) ON DELETE CASCADE
);

-- The opening move.
ALTER TABLE points_transactions
    DROP CONSTRAINT points_transactions_type_known,
    ADD CONSTRAINT points_transactions_type_known
        CHECK (transaction_type IN ('opening', 'earned', 'unlocked', 'bonus', 'withdrawn', 'deficit', 'adjusted')),
    DROP CONSTRAINT points_transactions_points_range,
    ADD CONSTRAINT points_transactions_points_range CHECK (
        (points <> 0 OR transaction_type = 'opening') AND points BETWEEN -1000000000 AND 1000000000),
    ADD CONSTRAINT points_transactions_opening_deltas CHECK (transaction_type <> 'opening' OR (
        total_earned_delta = points
        AND least(total_earned_delta, available_delta, locked_delta, withdrawn_delta, deficit_delta) >= 0)),
    ADD CONSTRAINT points_transactions_opening_first CHECK (transaction_type <> 'opening' OR sequence = 1),
    DROP CONSTRAINT points_transactions_rule_given,
    ADD CONSTRAINT points_transactions_rule_given CHECK (
        transaction_type = 'opening'
        OR actor IS NOT NULL AND (points < 0 OR transaction_type IN ('adjusted', 'deficit'))
        OR num_nonnulls(rule_name, rule_input, rule_result) = 3);

CREATE OR REPLACE FUNCTION check_points_of_attempt() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    progress record;
    earned   bigint;
    unlocked bigint;
    failures bigint;
BEGIN
    SELECT p.attempt, p.tier, CASE WHEN p.attempt = 1 THEN p.opening_points ELSE 0 END AS opening_points,
           CASE WHEN p.attempt = 1 THEN p.opening_unlocked ELSE 0 END AS opening_unlocked
      INTO progress
      FROM public.learning_progress p
     WHERE p.child_id = NEW.child_id AND p.id = NEW.learning_progress_id;
    SELECT coalesce(sum(t.points) FILTER (WHERE t.transaction_type = 'earned'), 0) + progress.opening_points,
           coalesce(sum(t.points) FILTER (WHERE t.transaction_type = 'unlocked'), 0) + progress.opening_unlocked,
           count(*) FILTER (WHERE t.transaction_type = 'deficit')
      INTO earned, unlocked, failures
      FROM public.points_transactions t
     WHERE t.child_id = NEW.child_id AND t.learning_progress_id = NEW.learning_progress_id AND t.attempt = NEW.attempt;
    IF unlocked > earned
       OR NEW.transaction_type = 'earned' AND progress.opening_points > 0
       OR NEW.transaction_type = 'deficit' AND (NEW.points, -NEW.locked_delta) <> (earned, earned - unlocked)
       OR NEW.transaction_type <> 'deficit' AND failures > 0
       OR (progress.attempt, progress.tier) IS DISTINCT FROM (NEW.attempt, NEW.tier)
    THEN
        RAISE EXCEPTION 'the move does not fit attempt % of progress %', NEW.attempt, NEW.learning_progress_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'points_transactions_within_attempt';
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION check_withdrawal_move() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status = coalesce(NEW.opening_status, 'pending') THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'a withdrawal begins as pending'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'withdrawal_requests_begin_pending';
    END IF;
    IF (OLD.status, NEW.status) NOT IN (('pending', 'processing'), ('pending', 'cancelled'),
                                        ('processing', 'completed'), ('processing', 'failed')) THEN
        RAISE EXCEPTION 'a withdrawal does not go from % to %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'withdrawal_requests_status_move';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER withdrawal_requests_transaction_once_moved
    BEFORE INSERT ON withdrawal_requests
    FOR EACH ROW WHEN (NEW.status = 'completed' AND NEW.transaction_id IS NOT NULL)
    EXECUTE FUNCTION check_withdrawal_transaction();

CREATE OR REPLACE FUNCTION check_withdrawal_has_moves() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    expected bigint;
    moves    bigint;
BEGIN
    -- Out, unless the opening move has done it; and back, unless that has.
    SELECT CASE WHEN w.opening_status IS NULL THEN 1 ELSE 0 END
           + CASE WHEN w.status IN ('failed', 'cancelled')
                       AND coalesce(w.opening_status, 'pending') IN ('pending', 'processing') THEN 1 ELSE 0 END
      INTO expected
      FROM public.withdrawal_requests w
     WHERE w.child_id = NEW.child_id AND w.id = NEW.id;
    SELECT count(*) INTO moves
      FROM public.points_transactions t
     WHERE t.child_id = NEW.child_id AND t.withdrawal_request_id = NEW.id;
    -- At most one each way, of the right amount: points_transactions sees to that. No request: erased meanwhile.
    IF moves <> expected THEN
        RAISE EXCEPTION 'withdrawal % lacks a move of the ledger', NEW.id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'withdrawal_requests_has_moves';
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION check_points_reference() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.transaction_type = 'withdrawn' AND NOT EXISTS (
        SELECT 1 FROM public.withdrawal_requests w
         WHERE w.child_id = NEW.child_id AND w.id = NEW.withdrawal_request_id AND w.points_amount = abs(NEW.points)
           AND CASE WHEN NEW.points > 0 THEN w.status = 'pending' AND w.opening_status IS NULL
                    ELSE w.status IN ('failed', 'cancelled') END)
    THEN
        RAISE EXCEPTION 'the move does not fit withdrawal %', NEW.withdrawal_request_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'points_transactions_fits_withdrawal';
    END IF;
    IF NEW.points < 0 AND NOT EXISTS (
        SELECT 1 FROM public.points_transactions t
         WHERE t.child_id = NEW.child_id AND t.points = -NEW.points
           AND CASE WHEN NEW.transaction_type = 'withdrawn' THEN t.withdrawal_request_id = NEW.withdrawal_request_id
                    ELSE t.id = NEW.reverses_id AND t.transaction_type IN ('bonus', 'adjusted') END)
       AND NOT EXISTS (
        SELECT 1 FROM public.withdrawal_requests w
         WHERE NEW.transaction_type = 'withdrawn' AND w.child_id = NEW.child_id AND w.id = NEW.withdrawal_request_id
           AND w.opening_status IN ('pending', 'processing'))
    THEN
        RAISE EXCEPTION 'there is no earlier move of % points to take back', -NEW.points
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'points_transactions_fits_reversed';
    END IF;
    RETURN NULL;
END
$$;

-- What a discovery's bonus is for: the same for both directions of a relationship that has none.
CREATE FUNCTION discovery_subject(source text, type text, target text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN type IN ('COLLOCATES_WITH', 'RELATED_TO', 'OPPOSITE_OF') AND target COLLATE "C" < source COLLATE "C"
                THEN concat_ws(' ', target, type, source) ELSE concat_ws(' ', source, type, target) END
$$;

-- Paid here, or paid there.
CREATE OR REPLACE FUNCTION check_discovery_paid() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.bonus_awarded <> (
        EXISTS (SELECT 1 FROM public.points_transactions t
                 WHERE t.child_id = NEW.child_id AND t.relationship_discovery_id = NEW.id)
        OR EXISTS (SELECT 1 FROM public.moved_bonuses b
                    WHERE b.child_id = NEW.child_id AND b.bonus_type = 'relationship_discovery'
                      AND b.bonus_subject = public.discovery_subject(
                          NEW.source_learning_point_id, NEW.relationship_type, NEW.target_learning_point_id)))
    THEN
        RAISE EXCEPTION 'discovery % and the ledger disagree on its bonus', NEW.id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'relationship_discoveries_bonus_paid';
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION check_bonus_not_moved() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM public.moved_bonuses b
                WHERE b.child_id = NEW.child_id AND (b.bonus_type, b.bonus_subject) = (NEW.bonus_type, NEW.bonus_subject)) THEN
        RAISE EXCEPTION 'the bonus for % was paid before the child moved in', NEW.bonus_subject
            USING ERRCODE = 'unique_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'points_transactions_bonus_moved';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER points_transactions_bonus_moved
    BEFORE INSERT ON points_transactions
    FOR EACH ROW WHEN (NEW.transaction_type = 'bonus') EXECUTE FUNCTION check_bonus_not_moved();

GRANT SELECT, INSERT ON moved_children, moved_transactions, moved_bonuses TO :serving_role;
