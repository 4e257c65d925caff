-- Points turned into money, and relationships between known words a child has found.

CREATE TABLE withdrawal_requests (
    child_id       uuid          NOT NULL,
    id             bigint        NOT NULL GENERATED ALWAYS AS IDENTITY,
    parent_id      uuid          NOT NULL,
    amount_ntd     numeric(10,2) NOT NULL, -- fixed by the rule at the request
    points_amount  bigint        NOT NULL,
    status         text          NOT NULL DEFAULT 'pending',
    bank_account   text          NOT NULL,
    transaction_id text, -- the payment provider's
    created_at     timestamptz   NOT NULL,
    updated_at     timestamptz   NOT NULL,
    processing_at  timestamptz,
    processing_by  text, -- sub of the operator
    completed_at   timestamptz, -- completed, failed or cancelled
    completed_by   text,
    CONSTRAINT withdrawal_requests_pkey PRIMARY KEY (child_id, id),
    CONSTRAINT withdrawal_requests_child_fkey FOREIGN KEY (parent_id, child_id)
        REFERENCES children (parent_id, id) ON DELETE CASCADE,
    CONSTRAINT withdrawal_requests_amount_range CHECK (amount_ntd > 0),
    CONSTRAINT withdrawal_requests_points_range CHECK (points_amount BETWEEN 1 AND 1000000000),
    CONSTRAINT withdrawal_requests_bank_account_length CHECK (length(bank_account) BETWEEN 1 AND 100),
    CONSTRAINT withdrawal_requests_status_known
        CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    CONSTRAINT withdrawal_requests_processing_given CHECK (
        num_nonnulls(processing_at, processing_by) = CASE WHEN status IN ('pending', 'cancelled') THEN 0 ELSE 2 END),
    CONSTRAINT withdrawal_requests_completed_given CHECK (
        num_nonnulls(completed_at, completed_by) = CASE WHEN status IN ('pending', 'processing') THEN 0 ELSE 2 END)
);

CREATE FUNCTION check_withdrawal_move() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status = 'pending' THEN
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

CREATE TRIGGER withdrawal_requests_moves
    BEFORE INSERT OR UPDATE ON withdrawal_requests
    FOR EACH ROW EXECUTE FUNCTION check_withdrawal_move();

CREATE TABLE relationship_discoveries (
    child_id                 uuid        NOT NULL,
    id                       bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    source_learning_point_id text        COLLATE "C" NOT NULL,
    target_learning_point_id text        COLLATE "C" NOT NULL,
    relationship_type        text        NOT NULL,
    discovered_at            timestamptz NOT NULL,
    bonus_awarded            boolean     NOT NULL DEFAULT false,
    CONSTRAINT relationship_discoveries_pkey PRIMARY KEY (child_id, id),
    CONSTRAINT relationship_discoveries_pair_key
        UNIQUE (child_id, source_learning_point_id, target_learning_point_id, relationship_type),
    CONSTRAINT relationship_discoveries_child_fkey FOREIGN KEY (child_id) REFERENCES children (id) ON DELETE CASCADE,
    CONSTRAINT relationship_discoveries_source_fkey FOREIGN KEY (source_learning_point_id) REFERENCES learning_points (id),
    CONSTRAINT relationship_discoveries_target_fkey FOREIGN KEY (target_learning_point_id) REFERENCES learning_points (id),
    CONSTRAINT relationship_discoveries_two_points CHECK (source_learning_point_id <> target_learning_point_id),
    CONSTRAINT relationship_discoveries_type_known CHECK (relationship_type IN (
        'PREREQUISITE_OF', 'COLLOCATES_WITH', 'RELATED_TO', 'PART_OF', 'OPPOSITE_OF', 'MORPHOLOGICAL',
        'REGISTER_VARIANT', 'FREQUENCY_RANK'))
);
-- Where a relationship has no direction, (x, y) and (y, x) are one discovery.
CREATE UNIQUE INDEX relationship_discoveries_unordered_pair ON relationship_discoveries (
    child_id, least(source_learning_point_id, target_learning_point_id),
    greatest(source_learning_point_id, target_learning_point_id), relationship_type)
    WHERE relationship_type IN ('COLLOCATES_WITH', 'RELATED_TO', 'OPPOSITE_OF');

GRANT SELECT, INSERT ON withdrawal_requests, relationship_discoveries TO :serving_role;
GRANT UPDATE (status, transaction_id, processing_at, processing_by, completed_at, completed_by, updated_at)
    ON withdrawal_requests TO :serving_role;
GRANT UPDATE (bonus_awarded) ON relationship_discoveries TO :serving_role;
