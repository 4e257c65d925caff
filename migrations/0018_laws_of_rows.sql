-- What holds of each row, for the tables that the result of a test writes. CHECK constraints and WHEN conditions of triggers
-- say the same, but PostgreSQL reads and plans their texts anew for each statement, which cost more than all else that a
-- result does in the database. Here one trigger of a table evaluates expressions that a connection keeps. Names and errors
-- are those of the constraints; the rows that are here have been checked by them.
--
-- Bodies of SQL functions are bound to operators and columns when they are made (BEGIN ATOMIC), and become part of the
-- expressions that call them: no search path of a session changes what they mean, so the triggers need none of their own,
-- which would be set and taken back for each row. What is rare is apart from what is not, as each transaction prepares the
-- expressions that it meets. Triggers refuse by themselves: a function that did it for them could be overloaded. Who changes
-- the type of a column, or adds one with a default, drops the functions of its table first, and makes them again.

-- In the order in which the result of a test takes hold of them.
LOCK TABLE points_accounts, verification_schedule, learning_progress, points_transactions, rule_versions
    IN ACCESS EXCLUSIVE MODE;

-- Below, each function with "law" in its name returns the first law that a row breaks. What is not known breaks none.

-- Progress.

CREATE FUNCTION broken_law(p learning_progress) RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE
        WHEN length(p.algorithm) NOT BETWEEN 1 AND 100
            THEN 'learning_progress_algorithm_length'
        WHEN jsonb_typeof(p.algorithm_state) <> 'object'
            THEN 'learning_progress_algorithm_state_shape'
        WHEN p.attempt < 1
            THEN 'learning_progress_attempt_range'
        WHEN p.highest_day < 0
            THEN 'learning_progress_highest_day_range'
        WHEN p.status NOT IN ('pending', 'verified') AND p.points <> 0
            THEN 'learning_progress_nothing_held_unpassed'
        WHEN p.opening_points <> 0 AND p.original_id IS NULL
            THEN 'learning_progress_opening_moved'
        WHEN p.opening_unlocked NOT BETWEEN 0 AND p.opening_points
            THEN 'learning_progress_opening_range'
        WHEN p.status NOT IN ('learning', 'pending', 'verified', 'failed')
            THEN 'learning_progress_status_known'
        WHEN p.tier NOT BETWEEN 1 AND 7
            THEN 'learning_progress_tier_range'
        WHEN p.unlocked_points NOT BETWEEN 0 AND p.points
            THEN 'learning_progress_unlocked_within_points'
        WHEN (p.status = 'verified') <> (p.verified_at IS NOT NULL)
            THEN 'learning_progress_verified_at_given'
        END;
END;

CREATE FUNCTION keep_laws_of_progress() RETURNS trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    law pg_catalog.text := public.broken_law(NEW);
BEGIN
    IF law IS NOT NULL THEN
        RAISE EXCEPTION 'new row for relation "%" violates check constraint "%"', TG_TABLE_NAME, law
            USING ERRCODE = 'check_violation', SCHEMA = 'public', TABLE = TG_TABLE_NAME, CONSTRAINT = law;
    END IF;
    RETURN NEW;
END
$$;

-- Tests.

CREATE FUNCTION broken_law(v verification_schedule) RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE
        WHEN v.attempt < 1
            THEN 'verification_schedule_attempt_range'
        -- A flagged test has answers and no result; one that ended without a result keeps only such answers.
        WHEN NOT CASE WHEN v.completed AND v.cancelled_at IS NULL
                      THEN num_nonnulls(v.completed_at, v.passed, v.score, v.questions, v.answers, v.outcome) = 6
                      ELSE num_nonnulls(v.completed_at, v.passed, v.score, v.outcome) = 0
                           AND (v.answers IS NOT NULL) = (v.flagged_at IS NOT NULL)
                           AND (v.cancelled_at IS NULL OR v.completed) END
            THEN 'verification_schedule_completed_whole'
        -- No rule of ours has planned a test that moved in.
        WHEN num_nonnulls(v.rule_name, v.rule_input, v.rule_result) <> CASE WHEN v.original_id IS NULL THEN 3 ELSE 0 END
            THEN 'verification_schedule_rule_given'
        WHEN v.score NOT BETWEEN 0 AND 100
            THEN 'verification_schedule_score_range'
        WHEN v.test_day NOT BETWEEN 1 AND 3650
            THEN 'verification_schedule_test_day_range'
        END;
END;

-- Of a test whose questions the server makes.
CREATE FUNCTION is_started(v verification_schedule) RETURNS boolean
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT v.starts <> 0 OR num_nonnulls(v.started_at, v.expires_at, v.answered_at, v.flagged_at, v.reviewed_at, v.reviewed_by,
                                         v.review_decision, v.review_reason) <> 0;
END;

CREATE FUNCTION broken_law_of_started(v verification_schedule) RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE
        WHEN v.answered_at IS NOT NULL
             AND NOT (v.started_at IS NOT NULL AND v.answered_at <= v.expires_at AND v.answers IS NOT NULL)
            THEN 'verification_schedule_answered_started'
        WHEN v.flagged_at IS NOT NULL AND v.flagged_at <> v.answered_at
            THEN 'verification_schedule_flagged_answered'
        -- What was flagged ends by staff's decision: accepted with a result, rejected without one. Or the point is failed.
        WHEN v.flagged_at IS NOT NULL AND v.completed
             AND (v.cancelled_at IS NULL) <> (v.review_decision IS NOT DISTINCT FROM 'accept')
            THEN 'verification_schedule_flagged_reviewed'
        WHEN v.review_decision NOT IN ('accept', 'reject')
            THEN 'verification_schedule_review_known'
        WHEN length(v.review_reason) NOT BETWEEN 1 AND 500
            THEN 'verification_schedule_review_reason_length'
        WHEN num_nonnulls(v.reviewed_at, v.reviewed_by, v.review_decision, v.review_reason)
             <> CASE WHEN v.reviewed_at IS NULL THEN 0 ELSE 4 END
             OR v.reviewed_at IS NOT NULL AND NOT (v.flagged_at IS NOT NULL AND v.completed)
            THEN 'verification_schedule_review_whole'
        WHEN num_nonnulls(v.started_at, v.expires_at) <> CASE WHEN v.starts = 0 THEN 0 ELSE 2 END
             OR v.starts < 0 OR v.expires_at <= v.started_at OR v.starts <> 0 AND v.questions IS NULL
            THEN 'verification_schedule_started_whole'
        END;
END;

-- The result of a test is final: money was paid for it. Who has answered does not get other questions.
CREATE FUNCTION forbidden_change(o verification_schedule, v verification_schedule) RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE
        WHEN o.completed
            THEN 'verification_schedule_results_are_final'
        WHEN o.answered_at IS NOT NULL
             AND (v.questions, v.answers, v.answered_at, v.started_at, v.flagged_at)
                 IS DISTINCT FROM (o.questions, o.answers, o.answered_at, o.started_at, o.flagged_at)
            THEN 'verification_schedule_answers_stay'
        END;
END;

CREATE FUNCTION keep_laws_of_test() RETURNS trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    law pg_catalog.text;
BEGIN
    IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
        law := public.forbidden_change(OLD, NEW);
        IF law IS NOT NULL THEN
            RAISE EXCEPTION 'UPDATE of % is not allowed', TG_TABLE_NAME
                USING ERRCODE = 'insufficient_privilege', SCHEMA = 'public', TABLE = TG_TABLE_NAME, CONSTRAINT = law;
        END IF;
    END IF;
    law := public.broken_law(NEW);
    IF law IS NULL AND public.is_started(NEW) THEN
        law := public.broken_law_of_started(NEW);
    END IF;
    IF law IS NOT NULL THEN
        RAISE EXCEPTION 'new row for relation "%" violates check constraint "%"', TG_TABLE_NAME, law
            USING ERRCODE = 'check_violation', SCHEMA = 'public', TABLE = TG_TABLE_NAME, CONSTRAINT = law;
    END IF;
    RETURN NEW;
END
$$;

-- Moves of the ledger: awards, to which passed tests lead, and all others.

CREATE FUNCTION is_award(t points_transactions) RETURNS boolean
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT t.transaction_type IN ('earned', 'unlocked');
END;

CREATE FUNCTION broken_law_of_award(t points_transactions) RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE
        WHEN t.bonus_type IS NOT NULL OR t.bonus_subject IS NOT NULL
            THEN 'points_transactions_bonus_cause'
        WHEN t.transaction_type = 'earned'
             AND NOT (t.points > 0 AND t.total_earned_delta = t.points AND t.locked_delta = t.points
                      AND t.available_delta = 0 AND t.withdrawn_delta = 0 AND t.deficit_delta = 0)
            THEN 'points_transactions_earned_deltas'
        WHEN num_nonnulls(t.learning_progress_id, t.attempt, t.test_day, t.tier) <> 4
            THEN 'points_transactions_learning_cause'
        WHEN t.points = 0 OR t.points > 1000000000
            THEN 'points_transactions_points_range'
        WHEN t.reverses_id IS NOT NULL
            THEN 'points_transactions_reversal_cause'
        WHEN num_nonnulls(t.rule_name, t.rule_input, t.rule_result) <> 3
            THEN 'points_transactions_rule_given'
        WHEN t.tier NOT BETWEEN 1 AND 7
            THEN 'points_transactions_tier_range'
        WHEN t.transaction_type = 'unlocked'
             AND NOT (t.points > 0 AND t.total_earned_delta = 0 AND t.locked_delta = -t.points AND t.withdrawn_delta = 0
                      AND t.available_delta >= 0 AND t.deficit_delta <= 0 AND t.available_delta - t.deficit_delta = t.points)
            THEN 'points_transactions_unlocked_deltas'
        WHEN t.withdrawal_request_id IS NOT NULL
            THEN 'points_transactions_withdrawal_cause'
        END;
END;

CREATE FUNCTION broken_law_of_other(t points_transactions) RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE
        -- What each type must name as its cause, and what only one may name.
        WHEN t.transaction_type = 'adjusted' AND num_nonnulls(t.actor, t.description) <> 2
            THEN 'points_transactions_adjusted_cause'
        WHEN num_nonnulls(t.bonus_type, t.bonus_subject) <> CASE WHEN t.transaction_type = 'bonus' THEN 2 ELSE 0 END
            THEN 'points_transactions_bonus_cause'
        WHEN t.bonus_type NOT IN ('relationship_discovery', 'phrase_completion', 'idiom_unlock', 'context_mastery',
                                  'pattern_recognition', 'pattern_mastery')
            THEN 'points_transactions_bonus_type_known'
        WHEN t.relationship_discovery_id IS NOT NULL AND t.bonus_type <> 'relationship_discovery'
            THEN 'points_transactions_discovery_bonus'
        WHEN t.transaction_type = 'deficit' AND num_nonnulls(t.learning_progress_id, t.attempt, t.test_day, t.tier) <> 4
            THEN 'points_transactions_learning_cause'
        WHEN (t.transaction_type = 'adjusted' AND t.points < 0) <> (t.reverses_id IS NOT NULL)
            THEN 'points_transactions_reversal_cause'
        -- A person's decision has no rule behind it: an adjustment, a point failed by staff, points of a withdrawal returned.
        WHEN num_nonnulls(t.rule_name, t.rule_input, t.rule_result) <> 3 AND t.transaction_type <> 'opening'
             AND NOT (t.actor IS NOT NULL AND (t.points < 0 OR t.transaction_type IN ('adjusted', 'deficit')))
            THEN 'points_transactions_rule_given'
        WHEN t.verification_schedule_id IS NOT NULL AND t.learning_progress_id IS NULL
            THEN 'points_transactions_test_of_progress'
        WHEN (t.transaction_type = 'withdrawn') <> (t.withdrawal_request_id IS NOT NULL)
            THEN 'points_transactions_withdrawal_cause'
        WHEN t.transaction_type = 'opening' AND t.sequence <> 1
            THEN 'points_transactions_opening_first'
        WHEN t.points = 0 AND t.transaction_type <> 'opening' OR t.points NOT BETWEEN -1000000000 AND 1000000000
            THEN 'points_transactions_points_range'
        WHEN t.tier NOT BETWEEN 1 AND 7
            THEN 'points_transactions_tier_range'
        -- What each type does to the five balances.
        ELSE CASE t.transaction_type
            WHEN 'bonus' THEN CASE WHEN NOT (
                t.points > 0 AND t.total_earned_delta = t.points AND t.locked_delta = 0 AND t.withdrawn_delta = 0
                AND t.available_delta >= 0 AND t.deficit_delta <= 0 AND t.available_delta - t.deficit_delta = t.points)
                THEN 'points_transactions_bonus_deltas' END
            WHEN 'withdrawn' THEN CASE WHEN NOT (
                t.total_earned_delta = 0 AND t.locked_delta = 0 AND t.withdrawn_delta = t.points
                AND CASE WHEN t.points > 0 THEN t.available_delta = -t.points AND t.deficit_delta = 0
                         ELSE t.available_delta >= 0 AND t.deficit_delta <= 0
                              AND t.available_delta - t.deficit_delta = -t.points END)
                THEN 'points_transactions_withdrawn_deltas' END
            WHEN 'deficit' THEN CASE WHEN NOT (
                t.points > 0 AND t.total_earned_delta = -t.points AND t.locked_delta BETWEEN -t.points AND 0
                AND t.withdrawn_delta = 0 AND t.available_delta <= 0 AND t.deficit_delta >= 0
                AND t.deficit_delta - t.available_delta = t.points + t.locked_delta)
                THEN 'points_transactions_deficit_deltas' END
            WHEN 'adjusted' THEN CASE WHEN NOT (
                t.total_earned_delta = t.points AND t.locked_delta = 0 AND t.withdrawn_delta = 0
                AND t.available_delta - t.deficit_delta = t.points
                AND CASE WHEN t.points > 0 THEN t.available_delta >= 0 AND t.deficit_delta <= 0
                         ELSE t.available_delta <= 0 AND t.deficit_delta >= 0 END)
                THEN 'points_transactions_adjusted_deltas' END
            WHEN 'opening' THEN CASE WHEN NOT (
                t.total_earned_delta = t.points
                AND least(t.total_earned_delta, t.available_delta, t.locked_delta, t.withdrawn_delta, t.deficit_delta) >= 0)
                THEN 'points_transactions_opening_deltas' END
            ELSE 'points_transactions_type_known' END
        END;
END;

CREATE FUNCTION keep_laws_of_move() RETURNS trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    law pg_catalog.text;
BEGIN
    IF public.is_award(NEW) THEN
        law := public.broken_law_of_award(NEW);
    ELSE
        law := public.broken_law_of_other(NEW);
    END IF;
    IF law IS NOT NULL THEN
        RAISE EXCEPTION 'new row for relation "%" violates check constraint "%"', TG_TABLE_NAME, law
            USING ERRCODE = 'check_violation', SCHEMA = 'public', TABLE = TG_TABLE_NAME, CONSTRAINT = law;
    END IF;
    RETURN NEW;
END
$$;

-- Accounts.

CREATE FUNCTION broken_law(a points_accounts) RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE
        WHEN a.total_earned <> a.available_points + a.locked_points + a.withdrawn_points - a.deficit_points
            THEN 'points_accounts_add_up'
        WHEN a.available_points <> 0 AND a.deficit_points <> 0
            THEN 'points_accounts_available_or_deficit'
        WHEN least(a.total_earned, a.available_points, a.locked_points, a.withdrawn_points, a.deficit_points) < 0
            THEN 'points_accounts_none_negative'
        END;
END;

-- Updated only from within another trigger, which is move_points_account.
CREATE FUNCTION keep_laws_of_account() RETURNS trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    law pg_catalog.text;
BEGIN
    IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' AND pg_catalog.pg_trigger_depth() OPERATOR(pg_catalog.=) 1 THEN
        RAISE EXCEPTION 'UPDATE of % is not allowed', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege', SCHEMA = 'public', TABLE = TG_TABLE_NAME, CONSTRAINT = 'points_accounts_move_by_ledger';
    END IF;
    law := public.broken_law(NEW);
    IF law IS NOT NULL THEN
        RAISE EXCEPTION 'new row for relation "%" violates check constraint "%"', TG_TABLE_NAME, law
            USING ERRCODE = 'check_violation', SCHEMA = 'public', TABLE = TG_TABLE_NAME, CONSTRAINT = law;
    END IF;
    RETURN NEW;
END
$$;

-- What follows from a move: one function for all of it, as the account's own role may do it and a WHEN condition costs more
-- than a look at the row.

CREATE FUNCTION check_points_reference(t points_transactions) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF t.transaction_type = 'withdrawn' AND NOT EXISTS (
        SELECT 1 FROM public.withdrawal_requests w
         WHERE w.child_id = t.child_id AND w.id = t.withdrawal_request_id AND w.points_amount = abs(t.points)
           AND CASE WHEN t.points > 0 THEN w.status = 'pending' AND w.opening_status IS NULL
                    ELSE w.status IN ('failed', 'cancelled') END)
    THEN
        RAISE EXCEPTION 'the move does not fit withdrawal %', t.withdrawal_request_id
            USING ERRCODE = 'check_violation', TABLE = 'points_transactions',
                  CONSTRAINT = 'points_transactions_fits_withdrawal';
    END IF;
    IF t.points < 0 AND NOT EXISTS (
        SELECT 1 FROM public.points_transactions b
         WHERE b.child_id = t.child_id AND b.points = -t.points
           AND CASE WHEN t.transaction_type = 'withdrawn' THEN b.withdrawal_request_id = t.withdrawal_request_id
                    ELSE b.id = t.reverses_id AND b.transaction_type IN ('bonus', 'adjusted') END)
       AND NOT EXISTS (
        SELECT 1 FROM public.withdrawal_requests w
         WHERE t.transaction_type = 'withdrawn' AND w.child_id = t.child_id AND w.id = t.withdrawal_request_id
           AND w.opening_status IN ('pending', 'processing'))
    THEN
        RAISE EXCEPTION 'there is no earlier move of % points to take back', -t.points
            USING ERRCODE = 'check_violation', TABLE = 'points_transactions',
                  CONSTRAINT = 'points_transactions_fits_reversed';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION move_points_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    opening record;
    moves   record;
    fits    boolean;
BEGIN
    -- Points come back as they went, and only what was given can be taken back.
    IF NEW.withdrawal_request_id IS NOT NULL OR NEW.points < 0 THEN
        PERFORM public.check_points_reference(NEW);
    END IF;

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

    -- Of one attempt: no more is unlocked than was earned, a failure takes back exactly what was earned, nothing follows it.
    -- It earns once, which points_transactions_once_per_attempt sees to.
    IF NEW.transaction_type IN ('earned', 'unlocked', 'deficit') THEN
        SELECT p.opening_points, p.opening_unlocked
          INTO opening
          FROM public.learning_progress p
         WHERE p.child_id = NEW.child_id AND p.id = NEW.learning_progress_id
           AND p.attempt = NEW.attempt AND p.tier = NEW.tier;
        fits := FOUND;
        IF NEW.attempt > 1 THEN
            opening.opening_points := 0;
            opening.opening_unlocked := 0;
        END IF;
        IF NEW.transaction_type = 'earned' THEN
            fits := fits AND opening.opening_points = 0 AND NOT EXISTS (
                SELECT 1 FROM public.points_transactions t
                 WHERE t.child_id = NEW.child_id AND t.learning_progress_id = NEW.learning_progress_id
                   AND t.attempt = NEW.attempt AND t.transaction_type = 'deficit');
        ELSE
            SELECT coalesce(sum(t.points) FILTER (WHERE t.transaction_type = 'earned'), 0) + opening.opening_points AS earned,
                   coalesce(sum(t.points) FILTER (WHERE t.transaction_type = 'unlocked'), 0) + opening.opening_unlocked AS unlocked,
                   count(*) FILTER (WHERE t.transaction_type = 'deficit') AS failures
              INTO moves
              FROM public.points_transactions t
             WHERE t.child_id = NEW.child_id AND t.learning_progress_id = NEW.learning_progress_id AND t.attempt = NEW.attempt;
            fits := fits AND moves.unlocked <= moves.earned
                    AND CASE WHEN NEW.transaction_type = 'deficit'
                             THEN (NEW.points, -NEW.locked_delta) = (moves.earned, moves.earned - moves.unlocked)
                             ELSE moves.failures = 0 END;
        END IF;
        IF fits IS NOT TRUE THEN
            RAISE EXCEPTION 'the move does not fit attempt % of progress %', NEW.attempt, NEW.learning_progress_id
                USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'points_transactions_within_attempt';
        END IF;
    END IF;
    RETURN NULL;
END
$$;

DROP TRIGGER points_transactions_fit_reference ON points_transactions;
DROP TRIGGER points_transactions_within_attempt ON points_transactions;
DROP FUNCTION check_points_reference();
DROP FUNCTION check_points_of_attempt();

DROP TRIGGER points_accounts_move_by_ledger ON points_accounts;
DROP TRIGGER verification_schedule_results_are_final ON verification_schedule;
DROP TRIGGER verification_schedule_answers_stay ON verification_schedule;
ALTER TABLE learning_progress
    DROP CONSTRAINT learning_progress_algorithm_length,
    DROP CONSTRAINT learning_progress_algorithm_state_shape,
    DROP CONSTRAINT learning_progress_attempt_range,
    DROP CONSTRAINT learning_progress_highest_day_range,
    DROP CONSTRAINT learning_progress_nothing_held_unpassed,
    DROP CONSTRAINT learning_progress_opening_moved,
    DROP CONSTRAINT learning_progress_opening_range,
    DROP CONSTRAINT learning_progress_status_known,
    DROP CONSTRAINT learning_progress_tier_range,
    DROP CONSTRAINT learning_progress_unlocked_within_points,
    DROP CONSTRAINT learning_progress_verified_at_given;
ALTER TABLE points_accounts
    DROP CONSTRAINT points_accounts_add_up,
    DROP CONSTRAINT points_accounts_available_or_deficit,
    DROP CONSTRAINT points_accounts_none_negative;
ALTER TABLE points_transactions
    DROP CONSTRAINT points_transactions_adjusted_cause,
    DROP CONSTRAINT points_transactions_adjusted_deltas,
    DROP CONSTRAINT points_transactions_bonus_cause,
    DROP CONSTRAINT points_transactions_bonus_deltas,
    DROP CONSTRAINT points_transactions_bonus_type_known,
    DROP CONSTRAINT points_transactions_deficit_deltas,
    DROP CONSTRAINT points_transactions_discovery_bonus,
    DROP CONSTRAINT points_transactions_earned_deltas,
    DROP CONSTRAINT points_transactions_learning_cause,
    DROP CONSTRAINT points_transactions_opening_deltas,
    DROP CONSTRAINT points_transactions_opening_first,
    DROP CONSTRAINT points_transactions_points_range,
    DROP CONSTRAINT points_transactions_reversal_cause,
    DROP CONSTRAINT points_transactions_rule_given,
    DROP CONSTRAINT points_transactions_test_of_progress,
    DROP CONSTRAINT points_transactions_tier_range,
    DROP CONSTRAINT points_transactions_type_known,
    DROP CONSTRAINT points_transactions_unlocked_deltas,
    DROP CONSTRAINT points_transactions_withdrawal_cause,
    DROP CONSTRAINT points_transactions_withdrawn_deltas;
ALTER TABLE verification_schedule
    DROP CONSTRAINT verification_schedule_answered_started,
    DROP CONSTRAINT verification_schedule_attempt_range,
    DROP CONSTRAINT verification_schedule_completed_whole,
    DROP CONSTRAINT verification_schedule_flagged_answered,
    DROP CONSTRAINT verification_schedule_flagged_reviewed,
    DROP CONSTRAINT verification_schedule_review_known,
    DROP CONSTRAINT verification_schedule_review_reason_length,
    DROP CONSTRAINT verification_schedule_review_whole,
    DROP CONSTRAINT verification_schedule_rule_given,
    DROP CONSTRAINT verification_schedule_score_range,
    DROP CONSTRAINT verification_schedule_started_whole,
    DROP CONSTRAINT verification_schedule_test_day_range;

CREATE TRIGGER learning_progress_keep_laws
    BEFORE INSERT OR UPDATE ON learning_progress
    FOR EACH ROW EXECUTE FUNCTION keep_laws_of_progress();

CREATE TRIGGER verification_schedule_keep_laws
    BEFORE INSERT OR UPDATE ON verification_schedule
    FOR EACH ROW EXECUTE FUNCTION keep_laws_of_test();

CREATE TRIGGER points_transactions_keep_laws
    BEFORE INSERT ON points_transactions
    FOR EACH ROW EXECUTE FUNCTION keep_laws_of_move();

CREATE TRIGGER points_accounts_keep_laws
    BEFORE INSERT OR UPDATE ON points_accounts
    FOR EACH ROW EXECUTE FUNCTION keep_laws_of_account();

-- The laws are evaluated with the rights of who writes.
GRANT EXECUTE ON FUNCTION
    broken_law(learning_progress), broken_law(verification_schedule), broken_law(points_accounts),
    is_started(verification_schedule), broken_law_of_started(verification_schedule),
    forbidden_change(verification_schedule, verification_schedule),
    is_award(points_transactions), broken_law_of_award(points_transactions), broken_law_of_other(points_transactions)
    TO :serving_role;
