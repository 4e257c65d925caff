-- What plans the dates of an attempt, and what it remembers from one test to the next. An attempt keeps the algorithm it
-- began with, whatever the rules say later; the attempts so far were planned by the ladder.

ALTER TABLE learning_progress
    ADD COLUMN algorithm       text  NOT NULL DEFAULT 'ladder',
    ADD COLUMN algorithm_state jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT learning_progress_algorithm_length CHECK (length(algorithm) BETWEEN 1 AND 100),
    ADD CONSTRAINT learning_progress_algorithm_state_shape CHECK (jsonb_typeof(algorithm_state) = 'object');

GRANT UPDATE (algorithm, algorithm_state) ON learning_progress TO :serving_role;
