-- The learning-point cloud: how learning points are related, and what choosing words and making questions must know of them.

ALTER TABLE learning_points
    ADD COLUMN part_of_speech text,
    -- How common the word is: the size of the smallest SCOWL list that has it, 10 to 95; small is common.
    ADD COLUMN band integer,
    -- The meaning, shared by synonyms, and every meaning that the word has in any of its senses, also those that are not
    -- learning points: two words that share one could both be right answers.
    ADD COLUMN synset text COLLATE "C",
    ADD COLUMN word_synsets text[] COLLATE "C" NOT NULL DEFAULT '{}',
    ADD CONSTRAINT learning_points_part_of_speech_known
        CHECK (part_of_speech IN ('noun', 'verb', 'adjective', 'adverb')),
    ADD CONSTRAINT learning_points_band_range CHECK (band BETWEEN 1 AND 100);
UPDATE learning_points SET part_of_speech = metadata ->> 'part_of_speech'
 WHERE metadata ->> 'part_of_speech' IN ('noun', 'verb', 'adjective', 'adverb');

CREATE TABLE relationships (
    source_id text COLLATE "C" NOT NULL,
    target_id text COLLATE "C" NOT NULL,
    type      text NOT NULL,
    kind      text, -- MORPHOLOGICAL: prefix or suffix; else a finer name, such as synonym or broader
    affix     text, -- MORPHOLOGICAL: as in un- or -ness
    origin    text NOT NULL, -- where the edge is from, or how it was derived
    CONSTRAINT relationships_pkey PRIMARY KEY (source_id, type, target_id),
    CONSTRAINT relationships_source_fkey FOREIGN KEY (source_id) REFERENCES learning_points (id) ON DELETE CASCADE,
    CONSTRAINT relationships_target_fkey FOREIGN KEY (target_id) REFERENCES learning_points (id) ON DELETE CASCADE,
    CONSTRAINT relationships_type_known CHECK (type IN (
        'PREREQUISITE_OF', 'COLLOCATES_WITH', 'RELATED_TO', 'PART_OF', 'OPPOSITE_OF', 'MORPHOLOGICAL',
        'REGISTER_VARIANT', 'FREQUENCY_RANK')),
    CONSTRAINT relationships_two_points CHECK (source_id <> target_id),
    -- Where a relationship has no direction it is kept once.
    CONSTRAINT relationships_undirected_once
        CHECK (type NOT IN ('COLLOCATES_WITH', 'RELATED_TO', 'OPPOSITE_OF') OR source_id < target_id),
    CONSTRAINT relationships_morphology_kind
        CHECK (type <> 'MORPHOLOGICAL' OR kind IN ('prefix', 'suffix') AND affix IS NOT NULL)
);
CREATE INDEX relationships_by_target ON relationships (target_id, type, source_id);
CREATE INDEX relationships_by_affix ON relationships (affix, target_id) WHERE affix IS NOT NULL;

-- Lists by difficulty and band; senses of a word, words of one meaning; neighbours in frequency, for wrong answers.
CREATE INDEX learning_points_by_difficulty ON learning_points (difficulty, lower(word), id);
CREATE INDEX learning_points_by_band ON learning_points (band, lower(word), id);
CREATE INDEX learning_points_by_synset ON learning_points (synset);
CREATE INDEX learning_points_by_frequency ON learning_points (part_of_speech, frequency_rank, id);

-- What was loaded last under a name, so that loading the same again is known to change nothing.
CREATE TABLE word_lists (
    name      text        NOT NULL,
    checksum  text        NOT NULL, -- of everything that the rows were made from
    loaded_at timestamptz NOT NULL,
    CONSTRAINT word_lists_pkey PRIMARY KEY (name)
);

-- A word that turns out unfit for children goes, unless a child is learning it: references to it do not cascade, and are
-- found by these.
CREATE INDEX learning_progress_by_point ON learning_progress (learning_point_id);
CREATE INDEX relationship_discoveries_by_source ON relationship_discoveries (source_learning_point_id);
CREATE INDEX relationship_discoveries_by_target ON relationship_discoveries (target_learning_point_id);
GRANT DELETE ON learning_points TO :serving_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON relationships TO :serving_role;
GRANT SELECT, INSERT, UPDATE ON word_lists TO :serving_role;
