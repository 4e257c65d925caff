-- The ledger: an account per child, and the moves that explain it.
--
-- Balances change in one way only: a row inserted into points_transactions carries five deltas, and a trigger adds them.
-- The checks below hold for every row and every balance, whoever writes; the serving role may insert and nothing else.

CREATE TABLE points_accounts (
    child_id         uuid        NOT NULL,
    id               bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    total_earned     bigint      NOT NULL DEFAULT 0,
    available_points bigint      NOT NULL DEFAULT 0,
    locked_points    bigint      NOT NULL DEFAULT 0,
    withdrawn_points bigint      NOT NULL DEFAULT 0,
    deficit_points   bigint      NOT NULL DEFAULT 0,
    last_sequence    bigint      NOT NULL DEFAULT 0, -- of the latest row in points_transactions
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    CONSTRAINT points_accounts_pkey PRIMARY KEY (child_id),
    CONSTRAINT points_accounts_child_fkey FOREIGN KEY (child_id) REFERENCES children (id) ON DELETE CASCADE,
    CONSTRAINT points_accounts_none_negative
        CHECK (least(total_earned, available_points, locked_points, withdrawn_points, deficit_points) >= 0),
    CONSTRAINT points_accounts_add_up
        CHECK (total_earned = available_points + locked_points + withdrawn_points - deficit_points),
    CONSTRAINT points_accounts_available_or_deficit CHECK (available_points = 0 OR deficit_points = 0)
);

CREATE TABLE points_transactions (
    child_id                  uuid        NOT NULL,
    id                        bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    sequence                  bigint      NOT NULL, -- 1, 2, 3 … per child, without gaps
    transaction_type          text        NOT NULL,
    points                    bigint      NOT NULL,
    total_earned_delta        bigint      NOT NULL,
    available_delta           bigint      NOT NULL,
    locked_delta              bigint      NOT NULL,
    withdrawn_delta           bigint      NOT NULL,
    deficit_delta             bigint      NOT NULL,
    tier                      integer,
    learning_progress_id      bigint,
    attempt                   integer,
    test_day                  integer,
    verification_schedule_id  bigint, -- the test that caused it
    withdrawal_request_id     bigint,
    bonus_type                text,
    bonus_subject             text,   -- what the bonus is for, once for each bonus_type
    relationship_discovery_id bigint,
    reverses_id               bigint, -- the bonus or adjustment taken back
    actor                     text,   -- sub of the person who decided it
    description               text,
    rule_version              text        NOT NULL,
    rule_name                 text,
    rule_input                jsonb,
    rule_result               jsonb,
    created_at                timestamptz NOT NULL,
    CONSTRAINT points_transactions_pkey PRIMARY KEY (child_id, id),
    CONSTRAINT points_transactions_sequence_key UNIQUE (child_id, sequence),

    CONSTRAINT points_transactions_child_fkey FOREIGN KEY (child_id) REFERENCES children (id) ON DELETE CASCADE,
    CONSTRAINT points_transactions_progress_fkey FOREIGN KEY (child_id, learning_progress_id)
        REFERENCES learning_progress (child_id, id),
    CONSTRAINT points_transactions_verification_fkey FOREIGN KEY (child_id, learning_progress_id, verification_schedule_id)
        REFERENCES verification_schedule (child_id, learning_progress_id, id),
    CONSTRAINT points_transactions_withdrawal_fkey FOREIGN KEY (child_id, withdrawal_request_id)
        REFERENCES withdrawal_requests (child_id, id),
    CONSTRAINT points_transactions_discovery_fkey FOREIGN KEY (child_id, relationship_discovery_id)
        REFERENCES relationship_discoveries (child_id, id),
    CONSTRAINT points_transactions_reverses_fkey FOREIGN KEY (child_id, reverses_id)
        REFERENCES points_transactions (child_id, id),
    CONSTRAINT points_transactions_rule_version_fkey FOREIGN KEY (rule_version) REFERENCES rule_versions (version),

    CONSTRAINT points_transactions_type_known
        CHECK (transaction_type IN ('earned', 'unlocked', 'bonus', 'withdrawn', 'deficit', 'adjusted')),
    CONSTRAINT points_transactions_points_range CHECK (points <> 0 AND points BETWEEN -1000000000 AND 1000000000),
    CONSTRAINT points_transactions_tier_range CHECK (tier BETWEEN 1 AND 7),
    CONSTRAINT points_transactions_bonus_type_known CHECK (bonus_type IN (
        'relationship_discovery', 'phrase_completion', 'idiom_unlock', 'context_mastery', 'pattern_recognition',
        'pattern_mastery')),

    -- What each type does to the five balances (total_earned, available, locked, withdrawn, deficit).
    CONSTRAINT points_transactions_earned_deltas CHECK (transaction_type <> 'earned' OR (
        points > 0 AND total_earned_delta = points AND locked_delta = points
        AND available_delta = 0 AND withdrawn_delta = 0 AND deficit_delta = 0)),
    CONSTRAINT points_transactions_unlocked_deltas CHECK (transaction_type <> 'unlocked' OR (
        points > 0 AND total_earned_delta = 0 AND locked_delta = -points AND withdrawn_delta = 0
        AND available_delta >= 0 AND deficit_delta <= 0 AND available_delta - deficit_delta = points)),
    CONSTRAINT points_transactions_bonus_deltas CHECK (transaction_type <> 'bonus' OR (
        points > 0 AND total_earned_delta = points AND locked_delta = 0 AND withdrawn_delta = 0
        AND available_delta >= 0 AND deficit_delta <= 0 AND available_delta - deficit_delta = points)),
    CONSTRAINT points_transactions_withdrawn_deltas CHECK (transaction_type <> 'withdrawn' OR (
        total_earned_delta = 0 AND locked_delta = 0 AND withdrawn_delta = points
        AND CASE WHEN points > 0 THEN available_delta = -points AND deficit_delta = 0
                 ELSE available_delta >= 0 AND deficit_delta <= 0 AND available_delta - deficit_delta = -points END)),
    CONSTRAINT points_transactions_deficit_deltas CHECK (transaction_type <> 'deficit' OR (
        points > 0 AND total_earned_delta = -points AND locked_delta BETWEEN -points AND 0 AND withdrawn_delta = 0
        AND available_delta <= 0 AND deficit_delta >= 0 AND deficit_delta - available_delta = points + locked_delta)),
    CONSTRAINT points_transactions_adjusted_deltas CHECK (transaction_type <> 'adjusted' OR (
        total_earned_delta = points AND locked_delta = 0 AND withdrawn_delta = 0
        AND available_delta - deficit_delta = points
        AND CASE WHEN points > 0 THEN available_delta >= 0 AND deficit_delta <= 0
                 ELSE available_delta <= 0 AND deficit_delta >= 0 END)),

    -- What each type must name as its cause.
    CONSTRAINT points_transactions_learning_cause CHECK (transaction_type NOT IN ('earned', 'unlocked', 'deficit')
        OR num_nonnulls(learning_progress_id, attempt, test_day, tier) = 4),
    CONSTRAINT points_transactions_test_of_progress
        CHECK (verification_schedule_id IS NULL OR learning_progress_id IS NOT NULL),
    CONSTRAINT points_transactions_withdrawal_cause
        CHECK ((transaction_type = 'withdrawn') = (withdrawal_request_id IS NOT NULL)),
    CONSTRAINT points_transactions_bonus_cause
        CHECK (num_nonnulls(bonus_type, bonus_subject) = CASE WHEN transaction_type = 'bonus' THEN 2 ELSE 0 END),
    CONSTRAINT points_transactions_adjusted_cause
        CHECK (transaction_type <> 'adjusted' OR num_nonnulls(actor, description) = 2),
    CONSTRAINT points_transactions_reversal_cause
        CHECK ((transaction_type = 'adjusted' AND points < 0) = (reverses_id IS NOT NULL)),
    -- Only a person's adjustment has no rule behind it.
    CONSTRAINT points_transactions_rule_given
        CHECK (transaction_type = 'adjusted' OR num_nonnulls(rule_name, rule_input, rule_result) = 3)
);
-- Each award once for its cause.
CREATE UNIQUE INDEX points_transactions_once_per_test
    ON points_transactions (child_id, learning_progress_id, attempt, test_day, transaction_type)
    WHERE learning_progress_id IS NOT NULL;
CREATE UNIQUE INDEX points_transactions_once_per_attempt
    ON points_transactions (child_id, learning_progress_id, attempt, transaction_type)
    WHERE transaction_type IN ('earned', 'deficit');
CREATE UNIQUE INDEX points_transactions_once_per_bonus
    ON points_transactions (child_id, bonus_type, bonus_subject) WHERE bonus_type IS NOT NULL;
CREATE UNIQUE INDEX points_transactions_once_per_discovery
    ON points_transactions (child_id, relationship_discovery_id) WHERE relationship_discovery_id IS NOT NULL;
CREATE UNIQUE INDEX points_transactions_once_per_withdrawal
    ON points_transactions (child_id, withdrawal_request_id, (points > 0)) WHERE withdrawal_request_id IS NOT NULL;
CREATE UNIQUE INDEX points_transactions_once_reversed
    ON points_transactions (child_id, reverses_id) WHERE reverses_id IS NOT NULL;
CREATE INDEX points_transactions_by_type ON points_transactions (child_id, transaction_type, sequence);

-- Runs as the owner: the serving role cannot update balances. It only adds; what may be added is checked above.
CREATE FUNCTION move_points_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE public.points_accounts
       SET total_earned     = total_earned     + NEW.total_earned_delta,
           available_points = available_points + NEW.available_delta,
           locked_points    = locked_points    + NEW.locked_delta,
           withdrawn_points = withdrawn_points + NEW.withdrawn_delta,
           deficit_points   = deficit_points   + NEW.deficit_delta,
           last_sequence    = NEW.sequence,
           updated_at       = NEW.created_at
     WHERE child_id = NEW.child_id AND last_sequence = NEW.sequence - 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger row % does not follow the last one of this child', NEW.sequence
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'points_transactions_no_gap';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER points_transactions_move_account
    AFTER INSERT ON points_transactions
    FOR EACH ROW EXECUTE FUNCTION move_points_account();

-- Points come back as they went, and only what was given can be taken back.
CREATE FUNCTION check_points_reference() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.transaction_type = 'withdrawn' AND NOT EXISTS (
        SELECT 1 FROM public.withdrawal_requests w
         WHERE w.child_id = NEW.child_id AND w.id = NEW.withdrawal_request_id AND w.points_amount = abs(NEW.points)
           AND CASE WHEN NEW.points > 0 THEN w.status = 'pending' ELSE w.status IN ('failed', 'cancelled') END)
    THEN
        RAISE EXCEPTION 'the move does not fit withdrawal %', NEW.withdrawal_request_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'points_transactions_fits_withdrawal';
    END IF;
    IF NEW.points < 0 AND NOT EXISTS (
        SELECT 1 FROM public.points_transactions t
         WHERE t.child_id = NEW.child_id AND t.points = -NEW.points
           AND CASE WHEN NEW.transaction_type = 'withdrawn' THEN t.withdrawal_request_id = NEW.withdrawal_request_id
                    ELSE t.id = NEW.reverses_id AND t.transaction_type IN ('bonus', 'adjusted') END)
    THEN
        RAISE EXCEPTION 'there is no earlier move of % points to take back', -NEW.points
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'points_transactions_fits_reversed';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER points_transactions_fit_reference
    AFTER INSERT ON points_transactions
    FOR EACH ROW WHEN (NEW.withdrawal_request_id IS NOT NULL OR NEW.points < 0)
    EXECUTE FUNCTION check_points_reference();

-- Backstops, for roles that have more privileges than the serving role should.
CREATE FUNCTION refuse_unless_erased() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- A cascade from children comes after the child's row is gone.
    IF EXISTS (SELECT 1 FROM public.children WHERE id = OLD.child_id) THEN
        RAISE EXCEPTION '% rows go only with their child', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN OLD;
END
$$;

CREATE TRIGGER points_transactions_are_final
    BEFORE UPDATE OR TRUNCATE ON points_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER points_transactions_go_with_child
    BEFORE DELETE ON points_transactions
    FOR EACH ROW EXECUTE FUNCTION refuse_unless_erased();
CREATE TRIGGER points_accounts_go_with_child
    BEFORE DELETE ON points_accounts
    FOR EACH ROW EXECUTE FUNCTION refuse_unless_erased();
CREATE TRIGGER points_accounts_are_kept
    BEFORE TRUNCATE ON points_accounts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- Only from within another trigger, which is move_points_account.
CREATE TRIGGER points_accounts_move_by_ledger
    BEFORE UPDATE ON points_accounts
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER points_accounts_begin_empty
    BEFORE INSERT ON points_accounts
    FOR EACH ROW WHEN ((NEW.total_earned, NEW.available_points, NEW.locked_points, NEW.withdrawn_points,
                        NEW.deficit_points, NEW.last_sequence) <> (0, 0, 0, 0, 0, 0))
    EXECUTE FUNCTION refuse_change();

CREATE FUNCTION open_points_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO public.points_accounts (child_id, created_at, updated_at)
    VALUES (NEW.id, NEW.created_at, NEW.created_at);
    RETURN NULL;
END
$$;

CREATE TRIGGER children_open_account
    AFTER INSERT ON children
    FOR EACH ROW EXECUTE FUNCTION open_points_account();

REVOKE EXECUTE ON FUNCTION move_points_account(), open_points_account() FROM PUBLIC;

GRANT SELECT ON points_accounts TO :serving_role;
-- Locking a row takes the right to update some column of it; the trigger above refuses the update itself.
GRANT UPDATE (updated_at) ON points_accounts TO :serving_role;
GRANT SELECT, INSERT ON points_transactions TO :serving_role;
