-- How often each option of a question was shown and chosen. A question is a learning point and a type of question; the counts
-- are of nobody in particular.
local db = require "db"

local question_statistics = {}

-- In the order of the key, so that two tests answered at once wait for one another and never in a circle.
local count = db.sql [[
  insert into question_statistics as s (learning_point_id, question_type, option_id, is_right, shown, chosen)
  select $1, given.type, given.option_id, given.is_right, count(*), count(*) filter (where given.is_chosen)
  from jsonb_to_recordset($2::jsonb) as given (type text, option_id text, is_right boolean, is_chosen boolean)
  group by given.type, given.option_id, given.is_right
  order by given.type, given.option_id, given.is_right
  on conflict (learning_point_id, question_type, option_id, is_right) do update set
    shown = s.shown + excluded.shown, chosen = s.chosen + excluded.chosen]]

-- The questions after this one. How often a question was shown is how often its right options were.
local list = db.sql [[
  select s.learning_point_id, s.question_type,
         (select l.word from learning_points l where l.id = s.learning_point_id) as word,
         coalesce(sum(s.shown) filter (where s.is_right), 0)::bigint as shown,
         coalesce(sum(s.chosen) filter (where s.is_right), 0)::bigint as "right",
         jsonb_agg(jsonb_build_object('option_id', s.option_id, 'is_right', s.is_right, 'shown', s.shown,
                                      'chosen', s.chosen) order by s.option_id, s.is_right) as options
  from question_statistics s
  where (s.learning_point_id, s.question_type) > ($1, $2)
  group by s.learning_point_id, s.question_type
  order by s.learning_point_id, s.question_type
  limit $3]]

---@class question_statistics.option
---@field type string        of the question
---@field option_id string   the learning point it is of, or "?"
---@field is_right boolean
---@field is_chosen boolean

---Queue: one more showing of each of these options.
---@param options question_statistics.option[]
---@return db.pending
function question_statistics.count(tx, learning_point_id, options)
  return tx:later(count, learning_point_id, db.json(options))
end

---@param after { [1]: string, [2]: string }  learning point and type of the last one seen; "" and "": from the start
---@return db.row[]
function question_statistics.list(after, limit)
  return db.query(list, after[1], after[2], limit)
end

return question_statistics
