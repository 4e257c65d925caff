-- Searches of the cloud: words by how they end, and the most frequent of a level, for suggestions.

CREATE INDEX learning_points_by_ending ON learning_points (reverse(lower(word)), id);
-- Lists of a publisher may have no levels: those of none are a level of their own.
CREATE INDEX learning_points_by_level ON learning_points (coalesce(difficulty, ''), frequency_rank, id);
