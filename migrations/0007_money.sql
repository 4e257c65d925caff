-- What the database promises about money once withdrawals, adjustments and reversals can be asked for: no withdrawal
-- without its moves, no transfer that pays two of them, no learning point that pays or costs more than it earned.

-- Lists of withdrawals, in the order of their requests: of all families, by status, of one parent; and those of one day.
CREATE INDEX withdrawal_requests_by_id ON withdrawal_requests (id);
CREATE INDEX withdrawal_requests_by_status ON withdrawal_requests (status, id);
CREATE INDEX withdrawal_requests_by_parent ON withdrawal_requests (parent_id, id);
CREATE INDEX withdrawal_requests_by_day ON withdrawal_requests (child_id, created_at);
CREATE INDEX withdrawal_requests_by_transaction ON withdrawal_requests (transaction_id) WHERE status = 'completed';

-- Bonuses of one day.
CREATE INDEX points_transactions_bonus_by_day ON points_transactions (child_id, created_at) WHERE transaction_type = 'bonus';

-- One transfer pays one withdrawal. A unique index could say so only within one child (keys contain child_id).
CREATE FUNCTION check_withdrawal_transaction() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('withdrawal_requests.transaction_id ' || NEW.transaction_id, 0));
    IF EXISTS (SELECT 1 FROM public.withdrawal_requests w
                WHERE w.transaction_id = NEW.transaction_id AND w.status = 'completed') THEN
        RAISE EXCEPTION 'transfer % has paid another withdrawal', NEW.transaction_id
            USING ERRCODE = 'unique_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'withdrawal_requests_transaction_once';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER withdrawal_requests_transaction_once
    BEFORE UPDATE ON withdrawal_requests
    FOR EACH ROW WHEN (NEW.status = 'completed' AND NEW.transaction_id IS NOT NULL)
    EXECUTE FUNCTION check_withdrawal_transaction();

-- Points have left the balance for every request, and have come back for each that failed or was cancelled. The request
-- is written before its move, so this holds at the end of the transaction.
CREATE FUNCTION check_withdrawal_has_moves() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_returned boolean;
    moves       bigint;
BEGIN
    SELECT w.status IN ('failed', 'cancelled') INTO is_returned
      FROM public.withdrawal_requests w
     WHERE w.child_id = NEW.child_id AND w.id = NEW.id;
    SELECT count(*) INTO moves
      FROM public.points_transactions t
     WHERE t.child_id = NEW.child_id AND t.withdrawal_request_id = NEW.id;
    -- At most one each way, of the right amount: points_transactions sees to that. No request: erased meanwhile.
    IF moves <> (CASE WHEN is_returned THEN 2 ELSE 1 END) AND is_returned IS NOT NULL THEN
        RAISE EXCEPTION 'withdrawal % lacks a move of the ledger', NEW.id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'withdrawal_requests_has_moves';
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER withdrawal_requests_has_moves
    AFTER INSERT OR UPDATE ON withdrawal_requests
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_withdrawal_has_moves();

-- Of one attempt: no more is unlocked than was earned, a failure takes back exactly what was earned, nothing follows it.
CREATE FUNCTION check_points_of_attempt() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    earned   bigint;
    unlocked bigint;
    failures bigint;
BEGIN
    SELECT coalesce(sum(t.points) FILTER (WHERE t.transaction_type = 'earned'), 0),
           coalesce(sum(t.points) FILTER (WHERE t.transaction_type = 'unlocked'), 0),
           count(*) FILTER (WHERE t.transaction_type = 'deficit')
      INTO earned, unlocked, failures
      FROM public.points_transactions t
     WHERE t.child_id = NEW.child_id AND t.learning_progress_id = NEW.learning_progress_id AND t.attempt = NEW.attempt;
    IF unlocked > earned
       OR NEW.transaction_type = 'deficit' AND (NEW.points, -NEW.locked_delta) <> (earned, earned - unlocked)
       OR NEW.transaction_type <> 'deficit' AND failures > 0
       OR NOT EXISTS (SELECT 1 FROM public.learning_progress p
                       WHERE p.child_id = NEW.child_id AND p.id = NEW.learning_progress_id
                         AND (p.attempt, p.tier) = (NEW.attempt, NEW.tier))
    THEN
        RAISE EXCEPTION 'the move does not fit attempt % of progress %', NEW.attempt, NEW.learning_progress_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'points_transactions_within_attempt';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER points_transactions_within_attempt
    AFTER INSERT ON points_transactions
    FOR EACH ROW WHEN (NEW.transaction_type IN ('earned', 'unlocked', 'deficit'))
    EXECUTE FUNCTION check_points_of_attempt();

-- What a person decides has no rule behind it: an adjustment, a point failed by staff, points of a withdrawal returned.
ALTER TABLE points_transactions
    DROP CONSTRAINT points_transactions_rule_given,
    ADD CONSTRAINT points_transactions_rule_given CHECK (
        actor IS NOT NULL AND (points < 0 OR transaction_type IN ('adjusted', 'deficit'))
        OR num_nonnulls(rule_name, rule_input, rule_result) = 3);

-- When staff fail a point, its open test ends without a result.
ALTER TABLE verification_schedule
    ADD COLUMN cancelled_at timestamptz,
    DROP CONSTRAINT verification_schedule_completed_whole,
    ADD CONSTRAINT verification_schedule_completed_whole CHECK (
        CASE WHEN cancelled_at IS NOT NULL
             THEN completed AND num_nonnulls(completed_at, passed, score, answers, outcome) = 0
             WHEN completed
             THEN num_nonnulls(completed_at, passed, score, questions, answers, outcome) = 6
             ELSE num_nonnulls(completed_at, passed, score, answers, outcome) = 0 END);
GRANT UPDATE (cancelled_at) ON verification_schedule TO :serving_role;

-- A discovery is marked as paid when it is, and stays so.
CREATE FUNCTION check_discovery_paid() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.bonus_awarded <> EXISTS (SELECT 1 FROM public.points_transactions t
                                     WHERE t.child_id = NEW.child_id AND t.relationship_discovery_id = NEW.id) THEN
        RAISE EXCEPTION 'discovery % and the ledger disagree on its bonus', NEW.id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'relationship_discoveries_bonus_paid';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER relationship_discoveries_bonus_paid
    AFTER INSERT OR UPDATE ON relationship_discoveries
    FOR EACH ROW EXECUTE FUNCTION check_discovery_paid();

ALTER TABLE points_transactions
    ADD CONSTRAINT points_transactions_discovery_bonus
        CHECK (relationship_discovery_id IS NULL OR bonus_type = 'relationship_discovery');
