-- Every event that earns a bonus, paid or not: what its rule or a limit held back stays, and staff can pay it later.

CREATE TABLE bonuses (
    child_id                  uuid        NOT NULL,
    id                        bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    bonus_type                text        NOT NULL,
    bonus_subject             text        NOT NULL, -- what it is for, once for each bonus_type
    relationship_discovery_id bigint,
    learning_progress_id      bigint,     -- it counts to this one's learning point
    verification_schedule_id  bigint,     -- the test that led to it
    refusal                   text,       -- why it is not paid; NULL: it is
    created_at                timestamptz NOT NULL,
    CONSTRAINT bonuses_pkey PRIMARY KEY (child_id, id),
    CONSTRAINT bonuses_once UNIQUE (child_id, bonus_type, bonus_subject),
    CONSTRAINT bonuses_child_fkey FOREIGN KEY (child_id) REFERENCES children (id) ON DELETE CASCADE,
    CONSTRAINT bonuses_discovery_fkey FOREIGN KEY (child_id, relationship_discovery_id)
        REFERENCES relationship_discoveries (child_id, id),
    CONSTRAINT bonuses_progress_fkey FOREIGN KEY (child_id, learning_progress_id)
        REFERENCES learning_progress (child_id, id),
    CONSTRAINT bonuses_verification_fkey FOREIGN KEY (child_id, learning_progress_id, verification_schedule_id)
        REFERENCES verification_schedule (child_id, learning_progress_id, id),
    CONSTRAINT bonuses_type_known CHECK (bonus_type IN (
        'relationship_discovery', 'phrase_completion', 'idiom_unlock', 'context_mastery', 'pattern_recognition',
        'pattern_mastery')),
    CONSTRAINT bonuses_discovery_given
        CHECK (relationship_discovery_id IS NULL OR bonus_type = 'relationship_discovery'),
    CONSTRAINT bonuses_test_of_progress CHECK (verification_schedule_id IS NULL OR learning_progress_id IS NOT NULL),
    CONSTRAINT bonuses_refusal_length CHECK (length(refusal) BETWEEN 1 AND 100)
);
CREATE INDEX bonuses_by_state ON bonuses (child_id, (refusal IS NULL), id);
CREATE INDEX bonuses_by_test ON bonuses (child_id, learning_progress_id, verification_schedule_id);
CREATE UNIQUE INDEX bonuses_once_per_discovery
    ON bonuses (child_id, relationship_discovery_id) WHERE relationship_discovery_id IS NOT NULL;

-- What was paid so far.
INSERT INTO bonuses (child_id, bonus_type, bonus_subject, relationship_discovery_id, learning_progress_id, created_at)
SELECT t.child_id, t.bonus_type, t.bonus_subject, t.relationship_discovery_id, t.learning_progress_id, t.created_at
  FROM points_transactions t
 WHERE t.transaction_type = 'bonus'
 ORDER BY t.child_id, t.sequence;

-- A bonus counts as paid when it is, and stays so.
CREATE FUNCTION check_bonus_paid() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (NEW.refusal IS NULL) <> EXISTS (
        SELECT 1 FROM public.points_transactions t
         WHERE t.child_id = NEW.child_id AND t.bonus_type = NEW.bonus_type AND t.bonus_subject = NEW.bonus_subject)
    THEN
        RAISE EXCEPTION 'bonus % and the ledger disagree on whether it is paid', NEW.id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'bonuses_paid';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER bonuses_paid
    AFTER INSERT OR UPDATE ON bonuses
    FOR EACH ROW EXECUTE FUNCTION check_bonus_paid();

-- Once ever: what is recorded goes only with its child.
CREATE TRIGGER bonuses_go_with_child
    BEFORE DELETE ON bonuses
    FOR EACH ROW EXECUTE FUNCTION refuse_unless_erased();

GRANT SELECT, INSERT, UPDATE (refusal) ON bonuses TO :serving_role;
