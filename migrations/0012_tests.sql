-- Tests whose questions the server makes: when they were started, until when they can be answered, what staff have to
-- look at; and how often each option of a question was shown and chosen.

ALTER TABLE verification_schedule
    ADD COLUMN started_at      timestamptz, -- when the questions were shown first
    ADD COLUMN expires_at      timestamptz,
    ADD COLUMN starts          integer NOT NULL DEFAULT 0, -- on the local day of started_at
    ADD COLUMN answered_at     timestamptz, -- the questions are the server's, the answers the child's
    ADD COLUMN flagged_at      timestamptz, -- answered too fast: nothing follows until staff decide
    ADD COLUMN reviewed_at     timestamptz,
    ADD COLUMN reviewed_by     text, -- sub of the person
    ADD COLUMN review_decision text,
    ADD COLUMN review_reason   text,
    ADD CONSTRAINT verification_schedule_started_whole CHECK (
        num_nonnulls(started_at, expires_at) = CASE WHEN starts = 0 THEN 0 ELSE 2 END
        AND starts >= 0 AND expires_at > started_at AND (starts = 0 OR questions IS NOT NULL)),
    ADD CONSTRAINT verification_schedule_answered_started CHECK (
        answered_at IS NULL
        OR started_at IS NOT NULL AND answered_at <= expires_at AND answers IS NOT NULL),
    ADD CONSTRAINT verification_schedule_flagged_answered CHECK (flagged_at IS NULL OR flagged_at = answered_at),
    ADD CONSTRAINT verification_schedule_review_known CHECK (review_decision IN ('accept', 'reject')),
    ADD CONSTRAINT verification_schedule_review_reason_length CHECK (length(review_reason) BETWEEN 1 AND 500),
    ADD CONSTRAINT verification_schedule_review_whole CHECK (
        num_nonnulls(reviewed_at, reviewed_by, review_decision, review_reason) = CASE WHEN reviewed_at IS NULL THEN 0 ELSE 4 END
        AND (reviewed_at IS NULL OR flagged_at IS NOT NULL AND completed)),
    -- What was flagged ends by staff's decision: accepted with a result, rejected without one. Or the point is failed.
    ADD CONSTRAINT verification_schedule_flagged_reviewed CHECK (
        flagged_at IS NULL OR NOT completed
        OR CASE WHEN cancelled_at IS NULL THEN review_decision IS NOT DISTINCT FROM 'accept'
                ELSE review_decision IS DISTINCT FROM 'accept' END),
    -- A flagged test has answers and no result; one that ended without a result keeps only such answers.
    DROP CONSTRAINT verification_schedule_completed_whole,
    ADD CONSTRAINT verification_schedule_completed_whole CHECK (
        CASE WHEN completed AND cancelled_at IS NULL
             THEN num_nonnulls(completed_at, passed, score, questions, answers, outcome) = 6
             ELSE num_nonnulls(completed_at, passed, score, outcome) = 0
                  AND (answers IS NOT NULL) = (flagged_at IS NOT NULL)
                  AND (cancelled_at IS NULL OR completed) END);

-- What waits for staff, in the order of its answers.
CREATE INDEX verification_schedule_flagged ON verification_schedule (flagged_at, id)
    WHERE flagged_at IS NOT NULL AND NOT completed;

-- Who has answered does not get other questions.
CREATE TRIGGER verification_schedule_answers_stay
    BEFORE UPDATE ON verification_schedule
    FOR EACH ROW WHEN (OLD.answered_at IS NOT NULL
                       AND (NEW.questions, NEW.answers, NEW.answered_at, NEW.started_at, NEW.flagged_at)
                           IS DISTINCT FROM (OLD.questions, OLD.answers, OLD.answered_at, OLD.started_at, OLD.flagged_at))
    EXECUTE FUNCTION refuse_change();

-- Nor does it help to give the point up.
CREATE TRIGGER verification_schedule_answers_go_with_child
    BEFORE DELETE ON verification_schedule
    FOR EACH ROW WHEN (OLD.answered_at IS NOT NULL) EXECUTE FUNCTION refuse_unless_erased();

-- Counted when an answer counts. Of nobody in particular, so it stays when a family goes.
CREATE TABLE question_statistics (
    learning_point_id text    COLLATE "C" NOT NULL, -- that was asked about
    question_type     text    NOT NULL,
    option_id         text    COLLATE "C" NOT NULL, -- the learning point the option is of; '?': "I don't know"
    is_right          boolean NOT NULL,
    shown             bigint  NOT NULL DEFAULT 0,
    chosen            bigint  NOT NULL DEFAULT 0,
    CONSTRAINT question_statistics_pkey PRIMARY KEY (learning_point_id, question_type, option_id, is_right),
    CONSTRAINT question_statistics_point_fkey FOREIGN KEY (learning_point_id) REFERENCES learning_points (id) ON DELETE CASCADE,
    CONSTRAINT question_statistics_type_known CHECK (question_type IN ('meaning', 'word', 'opposite', 'gap')),
    CONSTRAINT question_statistics_chosen_of_shown CHECK (chosen BETWEEN 0 AND shown)
) WITH (fillfactor = 70);

GRANT UPDATE (started_at, expires_at, starts, answered_at, flagged_at, reviewed_at, reviewed_by, review_decision,
              review_reason) ON verification_schedule TO :serving_role;
GRANT SELECT, INSERT, UPDATE ON question_statistics TO :serving_role;
