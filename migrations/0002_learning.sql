-- What can be learned, what each child is learning, and the tests.

CREATE TABLE learning_points (
    id             text    COLLATE "C" NOT NULL,
    word           text    COLLATE "C" NOT NULL,
    type           text    NOT NULL,
    tier           integer NOT NULL,
    definition     text    NOT NULL,
    example        text,
    frequency_rank integer,
    difficulty     text,
    register       text,
    contexts       text[]  NOT NULL DEFAULT '{}',
    metadata       jsonb   NOT NULL DEFAULT '{}',
    CONSTRAINT learning_points_pkey PRIMARY KEY (id),
    CONSTRAINT learning_points_id_shape CHECK (id ~ '^[a-z0-9][a-z0-9_.''-]{0,99}$'),
    CONSTRAINT learning_points_word_length CHECK (length(word) BETWEEN 1 AND 200),
    CONSTRAINT learning_points_type_known CHECK (type IN ('word', 'phrase', 'idiom', 'prefix', 'suffix')),
    CONSTRAINT learning_points_tier_range CHECK (tier BETWEEN 1 AND 7),
    CONSTRAINT learning_points_frequency_rank_range CHECK (frequency_rank > 0),
    CONSTRAINT learning_points_difficulty_known CHECK (difficulty IN ('A1', 'A2', 'B1', 'B2', 'C1', 'C2')),
    CONSTRAINT learning_points_register_known CHECK (register IN ('formal', 'informal', 'both')),
    CONSTRAINT learning_points_metadata_shape CHECK (jsonb_typeof(metadata) = 'object')
);
-- Lists are in the order of (lower(word), id); one index for each filter. Byte order makes a prefix a range.
CREATE INDEX learning_points_by_word ON learning_points (lower(word), id);
CREATE INDEX learning_points_by_tier ON learning_points (tier, lower(word), id);
CREATE INDEX learning_points_by_type ON learning_points (type, lower(word), id);

CREATE TABLE learning_progress (
    child_id          uuid        NOT NULL,
    id                bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    learning_point_id text        COLLATE "C" NOT NULL,
    tier              integer     NOT NULL,
    status            text        NOT NULL DEFAULT 'learning',
    attempt           integer     NOT NULL DEFAULT 1,
    learned_at        timestamptz NOT NULL,
    learned_on        date        NOT NULL, -- the date of learned_at in the parent's time zone of that moment
    highest_day       integer     NOT NULL DEFAULT 0, -- highest test day passed in this attempt, 0: none
    points            bigint      NOT NULL DEFAULT 0, -- earned in this attempt and not taken back
    unlocked_points   bigint      NOT NULL DEFAULT 0, -- of these, unlocked so far
    verified_at       timestamptz,
    last_tested_at    timestamptz, -- over all attempts
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CONSTRAINT learning_progress_pkey PRIMARY KEY (child_id, id),
    CONSTRAINT learning_progress_point_key UNIQUE (child_id, learning_point_id, tier),
    CONSTRAINT learning_progress_child_fkey FOREIGN KEY (child_id) REFERENCES children (id) ON DELETE CASCADE,
    CONSTRAINT learning_progress_point_fkey FOREIGN KEY (learning_point_id) REFERENCES learning_points (id),
    CONSTRAINT learning_progress_tier_range CHECK (tier BETWEEN 1 AND 7),
    CONSTRAINT learning_progress_status_known CHECK (status IN ('learning', 'pending', 'verified', 'failed')),
    CONSTRAINT learning_progress_attempt_range CHECK (attempt >= 1),
    CONSTRAINT learning_progress_highest_day_range CHECK (highest_day >= 0),
    CONSTRAINT learning_progress_unlocked_within_points CHECK (unlocked_points BETWEEN 0 AND points),
    CONSTRAINT learning_progress_nothing_held_unpassed
        CHECK (status IN ('pending', 'verified') OR points = 0),
    CONSTRAINT learning_progress_verified_at_given CHECK ((status = 'verified') = (verified_at IS NOT NULL))
);
CREATE INDEX learning_progress_by_status ON learning_progress (child_id, status, id);
CREATE INDEX learning_progress_by_day ON learning_progress (child_id, learned_on);

CREATE TABLE verification_schedule (
    child_id             uuid         NOT NULL,
    id                   bigint       NOT NULL GENERATED ALWAYS AS IDENTITY,
    learning_progress_id bigint       NOT NULL,
    previous_id          bigint, -- the test whose result led to this one
    attempt              integer      NOT NULL,
    test_day             integer      NOT NULL,
    scheduled_date       date         NOT NULL,
    due_at               timestamptz  NOT NULL,
    completed            boolean      NOT NULL DEFAULT false,
    completed_at         timestamptz,
    passed               boolean,
    score                numeric(5,2),
    questions            jsonb,
    answers              jsonb,
    outcome              jsonb, -- progress and account as the completion left them, to give the same answer again
    rule_version         text         NOT NULL,
    rule_name            text         NOT NULL,
    rule_input           jsonb        NOT NULL,
    rule_result          jsonb        NOT NULL,
    created_at           timestamptz  NOT NULL,
    updated_at           timestamptz  NOT NULL,
    CONSTRAINT verification_schedule_pkey PRIMARY KEY (child_id, id),
    CONSTRAINT verification_schedule_child_fkey FOREIGN KEY (child_id) REFERENCES children (id) ON DELETE CASCADE,
    CONSTRAINT verification_schedule_progress_fkey FOREIGN KEY (child_id, learning_progress_id)
        REFERENCES learning_progress (child_id, id),
    -- Whoever points at a test names its progress too: that keeps both of one learning point, and lets PostgreSQL look
    -- for such rows among a handful instead of all of a child's when the child is erased.
    CONSTRAINT verification_schedule_progress_key UNIQUE (child_id, learning_progress_id, id),
    CONSTRAINT verification_schedule_previous_fkey FOREIGN KEY (child_id, learning_progress_id, previous_id)
        REFERENCES verification_schedule (child_id, learning_progress_id, id),
    CONSTRAINT verification_schedule_rule_version_fkey FOREIGN KEY (rule_version) REFERENCES rule_versions (version),
    CONSTRAINT verification_schedule_attempt_range CHECK (attempt >= 1),
    CONSTRAINT verification_schedule_test_day_range CHECK (test_day BETWEEN 1 AND 3650),
    CONSTRAINT verification_schedule_score_range CHECK (score BETWEEN 0 AND 100),
    CONSTRAINT verification_schedule_completed_whole CHECK (
        CASE WHEN completed
             THEN num_nonnulls(completed_at, passed, score, questions, answers, outcome) = 6
             ELSE num_nonnulls(completed_at, passed, score, answers, outcome) = 0 END)
);
-- A point has at most one open test; one result leads to at most one next test.
CREATE UNIQUE INDEX verification_schedule_one_open
    ON verification_schedule (child_id, learning_progress_id) WHERE NOT completed;
CREATE UNIQUE INDEX verification_schedule_one_next
    ON verification_schedule (child_id, previous_id) WHERE previous_id IS NOT NULL;
CREATE INDEX verification_schedule_by_due ON verification_schedule (child_id, due_at, id);
CREATE INDEX verification_schedule_open ON verification_schedule (child_id, due_at, id) WHERE NOT completed;
CREATE INDEX verification_schedule_done ON verification_schedule (child_id, completed_at) WHERE completed;

-- The result of a test is final: money was paid for it. (The child's erasure deletes, it does not update.)
CREATE TRIGGER verification_schedule_results_are_final
    BEFORE UPDATE ON verification_schedule
    FOR EACH ROW WHEN (OLD.completed) EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT, UPDATE ON learning_points TO :serving_role;
GRANT SELECT, INSERT ON learning_progress, verification_schedule TO :serving_role;
GRANT UPDATE (status, attempt, learned_at, learned_on, highest_day, points, unlocked_points, verified_at, last_tested_at,
              updated_at) ON learning_progress TO :serving_role;
GRANT UPDATE (completed, completed_at, passed, score, questions, answers, outcome, updated_at)
    ON verification_schedule TO :serving_role;
