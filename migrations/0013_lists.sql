-- What lists can be narrowed by: an index for each, in the order of the list, so that the last page costs what the first
-- costs. And what may go again, or wait longer.

CREATE INDEX learning_progress_by_tier ON learning_progress (child_id, tier, id);
CREATE INDEX learning_progress_by_status_and_tier ON learning_progress (child_id, status, tier, id);
CREATE INDEX learning_progress_known ON learning_progress (child_id, learning_point_id, tier) WHERE status = 'verified';

-- Open tests and completed ones, each in the order in which they fall due.
CREATE INDEX verification_schedule_by_state ON verification_schedule (child_id, completed, due_at, id);
DROP INDEX verification_schedule_open;

-- The first move of a day; from there on moves are read in their sequence.
CREATE INDEX points_transactions_by_day ON points_transactions (child_id, created_at, sequence);

-- In the order of their requests: of all families, of one parent, of one child; each also by status.
CREATE INDEX withdrawal_requests_by_time ON withdrawal_requests (created_at, id);
CREATE INDEX withdrawal_requests_by_status_and_time ON withdrawal_requests (status, created_at, id);
CREATE INDEX withdrawal_requests_of_parent ON withdrawal_requests (parent_id, created_at, id);
CREATE INDEX withdrawal_requests_of_parent_by_status ON withdrawal_requests (parent_id, status, created_at, id);
CREATE INDEX withdrawal_requests_of_child ON withdrawal_requests (child_id, created_at, id);
CREATE INDEX withdrawal_requests_of_child_by_status ON withdrawal_requests (child_id, status, created_at, id);
DROP INDEX withdrawal_requests_by_status, withdrawal_requests_by_parent, withdrawal_requests_by_day;

CREATE INDEX relationship_discoveries_of_source ON relationship_discoveries (child_id, source_learning_point_id, id);
CREATE INDEX relationship_discoveries_of_target ON relationship_discoveries (child_id, target_learning_point_id, id);
CREATE INDEX relationship_discoveries_of_type ON relationship_discoveries (child_id, relationship_type, id);

-- A point that was begun and never tested can go, with its tests. Its ledger rows cannot (they do not cascade), and neither
-- can a result: the time between two tests and the tests of a day are counted by results.
CREATE TRIGGER verification_schedule_results_go_with_child
    BEFORE DELETE ON verification_schedule
    FOR EACH ROW WHEN (OLD.completed AND OLD.cancelled_at IS NULL) EXECUTE FUNCTION refuse_unless_erased();
GRANT DELETE ON learning_progress, verification_schedule TO :serving_role;

-- An open test waits when the same learning point is tested in another tier.
GRANT UPDATE (due_at) ON verification_schedule TO :serving_role;
