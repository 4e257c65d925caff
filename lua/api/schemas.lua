-- What answers look like: the shapes of what api/views.lua shows, for the description of the API. Answers are built by the
-- views and never checked against these while serving; tests/e2e/test_contract.py does that for every route.
local schemas = {}

local ID = { type = "integer", minimum = 1 }
local COUNT = { type = "integer", minimum = 0 }
local UUID = { type = "string", format = "uuid" }
local SLUG = { type = "string", format = "slug" }
local TEXT = { type = "string" }
local FLAG = { type = "boolean" }
local DATE = { type = "string", format = "date" }
local TIME = { type = "string", format = "date-time" }
local TIER = { type = "integer", minimum = 1, maximum = 7 }
local LIST_OF_TEXT = { type = "array", items = TEXT }

-- The same, or null where there is none.
local function maybe(schema)
  local copy = { nullable = true }
  for key, value in pairs(schema) do
    copy[key] = value
  end
  return copy
end

local function one_of(...)
  return { type = "string", enum = { ... } }
end

-- All members are always there. The name is the one that generated clients give the type.
local function object(name, doc, properties)
  local required = {}
  for property in pairs(properties) do
    required[#required + 1] = property
  end
  table.sort(required)
  return { name = name, doc = doc, type = "object", properties = properties, required = required }
end

---One page of a list.
---@param item table  a schema with a name
function schemas.page(item)
  return object(item.name .. "Page", "One page of a list.", {
    items = { type = "array", items = item },
    next_cursor = { type = "string", nullable = true, doc = "cursor of the next page; null on the last one" },
  })
end

---A whole list.
---@param item table  a schema with a name
function schemas.list(item)
  return object(item.name .. "List", "A whole list.", { items = { type = "array", items = item } })
end

schemas.health = object("Health", "The state of the program.", { status = one_of("ok"), rule_version = TEXT })

schemas.user = object("User", "A parent.", {
  id = UUID, email = { type = "string", format = "email" }, name = maybe(TEXT), phone = maybe(TEXT),
  country = { type = "string", format = "country" }, time_zone = { type = "string", format = "time-zone" },
  created_at = TIME, updated_at = TIME,
})

schemas.child = object("Child", "A child of a parent.", {
  id = UUID, parent_id = UUID, name = TEXT, age = maybe { type = "integer", minimum = 0, maximum = 25 },
  created_at = TIME, updated_at = TIME,
})

schemas.learning_point = object("LearningPoint", "One thing to learn.", {
  id = SLUG, word = TEXT, type = one_of("word", "phrase", "idiom", "prefix", "suffix"), tier = TIER, definition = TEXT,
  example = maybe(TEXT), frequency_rank = maybe(ID), difficulty = maybe(one_of("A1", "A2", "B1", "B2", "C1", "C2")),
  register = maybe(one_of("formal", "informal", "both")), contexts = LIST_OF_TEXT,
  part_of_speech = maybe(one_of("noun", "verb", "adjective", "adverb")),
  band = { type = "integer", minimum = 1, maximum = 100, nullable = true, doc = "how common: the smaller, the more common" },
  metadata = { type = "object" },
})

schemas.point_summary = object("LearningPointSummary", "A learning point, shortly.", {
  id = SLUG, word = TEXT, type = one_of("word", "phrase", "idiom", "prefix", "suffix"), tier = TIER, definition = TEXT,
  difficulty = maybe(one_of("A1", "A2", "B1", "B2", "C1", "C2")), frequency_rank = maybe(ID),
})

local RELATIONSHIP_TYPE = one_of("PREREQUISITE_OF", "COLLOCATES_WITH", "RELATED_TO", "PART_OF", "OPPOSITE_OF",
  "MORPHOLOGICAL", "REGISTER_VARIANT", "FREQUENCY_RANK")
local DIRECTION = {
  type = "string", enum = { "out", "in", "both" }, doc = "out: from the point before, in: to it, both: it has no direction",
}
local KIND = { type = "string", nullable = true, doc = "a finer name: prefix, suffix, synonym, broader" }
local DISTANCE = { type = "integer", minimum = 1, doc = "in steps" }

schemas.relationship = object("Relationship", "How a learning point is related to another one.", {
  relationship_type = RELATIONSHIP_TYPE, direction = DIRECTION, kind = KIND, affix = maybe(TEXT),
  origin = { type = "string", doc = "where it is from, or how it was derived" }, learning_point = schemas.point_summary,
})
schemas.related_point = object("RelatedPoint", "A learning point near another one.", {
  distance = DISTANCE, learning_point = schemas.point_summary,
})
schemas.prerequisite_of_child = object("PrerequisiteOfChild", "What has to be learned before, and how far a child is with it.", {
  distance = DISTANCE, learning_point = schemas.point_summary, is_known = FLAG,
  status = { type = "string", enum = { "learning", "pending", "verified", "failed" }, nullable = true, doc = "null: not begun" },
})
schemas.known_relation = object("KnownRelation", "What a child knows near a learning point, and how it is related.", {
  distance = DISTANCE, learning_point = schemas.point_summary,
  path = {
    type = "array", doc = "from the learning point that was asked about, the known one last",
    items = object("PathStep", "A point on the way, and how it is related to the one before.", {
      learning_point_id = SLUG, word = TEXT,
      relationships = {
        type = "array",
        items = object("StepRelationship", "A relationship to the point before.", {
          relationship_type = RELATIONSHIP_TYPE, direction = DIRECTION, kind = KIND, affix = maybe(TEXT),
        }),
      },
    }),
  },
})
schemas.suggestion = object("Suggestion", "A learning point that a child should learn next, and why.", {
  learning_point = schemas.point_summary,
  score = { type = "integer", minimum = 1, maximum = 1000, doc = "what speaks for it; only the order means something" },
  reasons = {
    type = "array",
    items = object("SuggestionReason", "One thing that speaks for it.", {
      code = { type = "string", doc = "as lua/rules/suggestion.lua names it" },
      text = { type = "string", doc = "for a person" },
      learning_points = {
        type = "array", items = object("NamedPoint", "A learning point that the text names.", { id = SLUG, word = TEXT }),
      },
    }),
  },
})

schemas.verification = object("Verification", "One test of a learning point on one day.", {
  id = ID, child_id = UUID, learning_progress_id = ID, learning_point_id = SLUG, attempt = ID, test_day = ID,
  scheduled_date = DATE, due_at = TIME, completed = FLAG, completed_at = maybe(TIME), cancelled_at = maybe(TIME),
  started_at = maybe(TIME), expires_at = maybe(TIME),
  flagged_at = maybe { type = "string", format = "date-time", doc = "answered too fast; staff look at it first" },
  passed = maybe(FLAG), score = maybe { type = "number", minimum = 0, maximum = 100 }, created_at = TIME,
})

local OPTIONS = {
  type = "array", items = object("Option", "One option of a question.", { id = TEXT, text = TEXT }),
}
local QUESTION_TYPE = one_of("meaning", "word", "opposite", "gap")
schemas.question = object("Question", "One question of a test: its options are in no particular order.", {
  id = TEXT, type = QUESTION_TYPE, prompt = TEXT, options = OPTIONS,
})
schemas.answered_question = object("AnsweredQuestion", "A question that was answered, with what is right.", {
  id = TEXT, type = QUESTION_TYPE, prompt = TEXT, options = OPTIONS, right_option_id = TEXT, chosen_option_id = TEXT,
  is_right = FLAG,
})
local ANSWERED_QUESTIONS = { type = "array", items = schemas.answered_question }

schemas.verification_detail = object("VerificationDetail", "One test with its questions.", {
  questions = maybe {
    type = "array", items = schemas.answered_question,
    doc = "those that the server made, once they are answered; else null",
  },
})
for name, schema in pairs(schemas.verification.properties) do
  schemas.verification_detail.properties[name] = schema
  table.insert(schemas.verification_detail.required, name)
end
table.sort(schemas.verification_detail.required)

schemas.started_test = object("StartedTest", "A test to be answered until it expires. It does not tell what it is about.", {
  id = ID, test_day = ID, started_at = TIME, expires_at = TIME,
  questions = { type = "array", items = schemas.question },
})

schemas.progress = object("Progress", "How far a child is with one learning point.", {
  id = ID, child_id = UUID, learning_point_id = SLUG, tier = TIER,
  status = one_of("learning", "pending", "verified", "failed"), attempt = ID, learned_at = TIME,
  highest_day = COUNT, points = maybe(COUNT), unlocked_points = COUNT, verified_at = maybe(TIME), created_at = TIME,
  updated_at = TIME, next_verification = maybe(schemas.verification),
})

schemas.known_point = object("KnownPoint", "A learning point that a child knows.", {
  learning_point_id = SLUG, word = TEXT, type = one_of("word", "phrase", "idiom", "prefix", "suffix"), tier = TIER,
  verified_at = TIME,
})

schemas.account = object("Account", "A child's points.", {
  child_id = UUID, total_earned = COUNT, available_points = COUNT, locked_points = COUNT, withdrawn_points = COUNT,
  deficit_points = COUNT, updated_at = TIME,
})

schemas.transaction = object("Transaction", "One move of a child's points.", {
  id = ID, sequence = ID,
  transaction_type = one_of("opening", "earned", "unlocked", "bonus", "withdrawn", "deficit", "adjusted"),
  bonus_type = maybe(TEXT),
  points = { type = "integer" }, tier = maybe(TIER), learning_progress_id = maybe(ID), withdrawal_request_id = maybe(ID),
  reverses_id = maybe(ID), description = maybe(TEXT), rule_version = maybe(TEXT), created_at = TIME,
  deltas = object("Deltas", "What it added to each balance.", {
    total_earned = { type = "integer" }, available = { type = "integer" }, locked = { type = "integer" },
    withdrawn = { type = "integer" }, deficit = { type = "integer" },
  }),
})

schemas.withdrawal = object("Withdrawal", "Points on their way to becoming money.", {
  id = ID, child_id = UUID, parent_id = UUID, points_amount = ID, amount_ntd = { type = "number", minimum = 0 },
  status = one_of("pending", "processing", "completed", "failed", "cancelled"),
  bank_account = { type = "string", doc = "masked for everyone but operators" }, transaction_id = maybe(TEXT),
  created_at = TIME, updated_at = TIME, processing_at = maybe(TIME), completed_at = maybe(TIME),
})
for _, name in ipairs { "processing_by", "completed_by" } do
  schemas.withdrawal.properties[name] = { type = "string", nullable = true, doc = "shown to operators only" }
end

schemas.discovery = object("Discovery", "How two learning points are related, as a child has found.", {
  id = ID, child_id = UUID, source_learning_point_id = SLUG, target_learning_point_id = SLUG, relationship_type = TEXT,
  discovered_at = TIME, bonus_awarded = FLAG,
})

schemas.bonus = object("Bonus", "An event that earns a bonus, once ever.", {
  id = ID, child_id = UUID,
  bonus_type = one_of("relationship_discovery", "phrase_completion", "idiom_unlock", "context_mastery",
    "pattern_recognition", "pattern_mastery"),
  bonus_subject = { type = "string", doc = "what it is for: a relationship, a phrase, an idiom, a word, an affix" },
  learning_point_id = maybe { type = "string", format = "slug", doc = "whose points it counts to" },
  relationship_discovery_id = maybe(ID), awarded = FLAG, points = maybe(ID),
  refusal = maybe { type = "string", doc = "why it is not paid: daily_limit, test_limit, nothing_to_pay" },
  created_at = TIME,
})

schemas.session = object("Session", "What a log-in gives.", {
  access_token = TEXT, token_type = one_of("Bearer"), user_id = UUID,
  expires_in = { type = "integer", minimum = 1, doc = "seconds" },
  refresh_token = { type = "string", doc = "good for one use" },
})

schemas.open_session = object("OpenSession", "A log-in that has not ended.", {
  id = UUID, created_at = TIME,
  address = { type = "string", nullable = true, doc = "the client's, at the last use" },
  used_at = { type = "string", format = "date-time", doc = "when it was begun or refreshed last" },
  is_current = { type = "boolean", doc = "is this access token of it?" },
  expires_at = { type = "string", format = "date-time", doc = "it ends then, unless it is refreshed before" },
})

schemas.device = object("Device", "What a child may learn with.", {
  child_id = UUID, id = UUID, name = TEXT, created_at = TIME, expires_at = TIME,
})
schemas.new_device = object("NewDevice", "A device with its token, which is shown this once.", {
  child_id = UUID, id = UUID, name = TEXT, created_at = TIME, expires_at = TIME, token = TEXT,
})

schemas.outcome = object("Outcome", "What the result of a test has led to.", {
  verification = schemas.verification, progress = schemas.progress, next_verification = maybe(schemas.verification),
  transactions = { type = "array", items = schemas.transaction }, account = schemas.account,
  discoveries = { type = "array", items = schemas.discovery, doc = "if the point has become known" },
  bonuses = { type = "array", items = schemas.bonus, doc = "if the point has become known: paid ones and others" },
})

schemas.answered_test = object("AnsweredTest", "A test that was answered: what was right, and what it has led to.", {
  status = one_of("completed", "under_review", "rejected"), verification = schemas.verification,
  questions = ANSWERED_QUESTIONS, outcome = maybe(schemas.outcome),
})
schemas.flagged_test = object("FlaggedTest", "A test that was answered too fast and waits for staff.", {
  verification = schemas.verification, questions = ANSWERED_QUESTIONS, milliseconds_per_answer = COUNT,
})
schemas.reviewed_test = object("ReviewedTest", "What staff have decided, and what follows.", {
  decision = one_of("accept", "reject"), verification = schemas.verification,
  next_verification = maybe(schemas.verification), outcome = maybe(schemas.outcome),
})

schemas.adjustment = object("Adjustment", "A move made by staff, and the account after it.", {
  transaction = schemas.transaction, account = schemas.account,
})

schemas.discovery_bonus = object("DiscoveryBonus", "The bonus of a discovery, and the account after it.", {
  discovery = schemas.discovery, transaction = schemas.transaction, account = schemas.account,
})

schemas.paid_bonus = object("PaidBonus", "A bonus that staff have paid, and the account after it.", {
  bonus = schemas.bonus, transaction = schemas.transaction, account = schemas.account,
})

schemas.day = object("Day", "One day of a child's learning, where the parent lives.", {
  date = DATE, passed = COUNT, failed = COUNT,
  points = { type = "integer", doc = "earned on this day, less what was taken back" },
  total_earned = { type = "integer", minimum = 0, doc = "after this day" },
})

schemas.summary = object("Summary", "How a child is doing.", {
  child_id = UUID, learning = { type = "integer", minimum = 0, doc = "learning points under way" }, verified = COUNT,
  failed = COUNT, due = { type = "integer", minimum = 0, doc = "tests that can be taken now" },
  next_due_at = maybe { type = "string", format = "date-time", doc = "when the next test falls due, or fell due" },
  streak_days = { type = "integer", minimum = 0, doc = "days in a row with a test, until today or yesterday" },
  today = { type = "string", format = "date", doc = "where the parent lives" },
  account = schemas.account, days = { type = "array", items = schemas.day, doc = "the last ones, until today" },
})

schemas.fault = object("Fault", "One value that is not valid.", {
  pointer = { type = "string", doc = "JSON pointer into the body, or into the query as if it were an object" }, code = TEXT,
  detail = TEXT,
})

schemas.problem = {
  name = "Problem", doc = "What went wrong, after RFC 9457. Some codes have members of their own.", type = "object",
  required = { "type", "title", "status", "code" },
  properties = {
    type = { type = "string", doc = "/problems/ and the code" }, title = TEXT,
    status = { type = "integer", minimum = 400, maximum = 599 },
    code = { type = "string", doc = "stable; what a program should look at" },
    detail = { type = "string", doc = "for a person" }, request_id = { type = "string", doc = "as in X-Request-Id" },
    errors = { type = "array", items = schemas.fault, doc = "every value that is not valid" },
  },
}

return schemas
