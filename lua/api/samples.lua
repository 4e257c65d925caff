-- Example values for the description of the API, by the name of the member or parameter.
local json = require "json"

local DAY_1, DAY_2, LATER = "2026-03-02T01:30:00.000000Z", "2026-03-03T16:00:00.000000Z", "2026-03-04T16:00:00.000000Z"
local CHILD = "5f0c1d1e-7f2b-4f57-9d1c-3f1f6b0c2a11"
local PARENT = "0b9a7c52-1f0e-4a7e-8a56-2d3f9b1c4e22"

local NONE = json.null

-- Of Verification: what a test has when it is passed. It is open otherwise.
local PASSED = { completed = true, completed_at = DAY_2, passed = true, score = 100 }

-- Of Transaction: what it has besides its type where no learning point is involved.
local GIVEN = { total_earned = 100, available = 100, locked = 0 }

-- Members that must suit one another, by the name of the schema.
local objects = {
  Account = { total_earned = 130, available_points = 30, locked_points = 100, withdrawn_points = 0, deficit_points = 0 },
  Adjustment = {
    transaction = { transaction_type = "adjusted", tier = NONE, learning_progress_id = NONE, deltas = GIVEN,
      description = "asked for by the parent" },
    account = { total_earned = 100, available_points = 100, locked_points = 0 },
  },
  AnsweredQuestion = { id = "1", prompt = "What is to beat around the bush?", right_option_id = "a", chosen_option_id = "a" },
  AnsweredTest = { verification = PASSED },
  Bonus = { refusal = NONE, learning_point_id = NONE, bonus_subject = "beat_around_the_bush RELATED_TO come_to_the_point" },
  Day = { passed = 1, points = 100, total_earned = 130 },
  Deltas = { total_earned = 100, available = 0, locked = 100, withdrawn = 0, deficit = 0 },
  Device = { name = "tablet" },
  Discovery = { relationship_type = "RELATED_TO" },
  DiscoveryBonus = {
    transaction = { transaction_type = "bonus", bonus_type = "relationship_discovery", deltas = GIVEN,
      description = "Discovered: beat_around_the_bush RELATED_TO come_to_the_point" },
    account = { total_earned = 130, available_points = 130, locked_points = 0 },
  },
  FlaggedTest = { verification = { started_at = DAY_2, expires_at = LATER, flagged_at = DAY_2 }, milliseconds_per_answer = 400 },
  KnownPoint = { type = "idiom" },
  LearningPoint = {
    type = "idiom", difficulty = "B2", register = "informal", part_of_speech = NONE,
    example = "Stop beating around the bush.",
  },
  LearningPointSummary = { type = "idiom", difficulty = "B2" },
  NewDevice = { name = "tablet" },
  Option = { id = "a", text = "to avoid the main topic" },
  Outcome = { verification = PASSED },
  PaidBonus = {
    transaction = { transaction_type = "bonus", bonus_type = "relationship_discovery", deltas = GIVEN,
      description = "Discovered: beat_around_the_bush RELATED_TO come_to_the_point" },
    account = { total_earned = 130, available_points = 130, locked_points = 0 },
  },
  PrerequisiteOfChild = { is_known = false },
  Progress = { points = 0, verified_at = NONE },
  Question = { id = "1", prompt = "What is to beat around the bush?" },
  Relationship = { relationship_type = "RELATED_TO", direction = "both", kind = "synonym", affix = NONE },
  ReviewedTest = { verification = PASSED },
  StepRelationship = { relationship_type = "RELATED_TO", direction = "both", kind = "synonym", affix = NONE },
  SuggestionReason = { code = "near", text = "Near what is known." },
  Summary = { learning = 1, streak_days = 1, next_due_at = DAY_2 },
  Transaction = { transaction_type = "earned", bonus_type = NONE, withdrawal_request_id = NONE, reverses_id = NONE },
  User = { id = PARENT, name = "Mei Lin" },
  Verification = {
    completed = false, completed_at = NONE, cancelled_at = NONE, started_at = NONE, expires_at = NONE, flagged_at = NONE,
    passed = NONE, score = NONE,
  },
  VerificationDetail = {
    completed = true, completed_at = DAY_2, cancelled_at = NONE, started_at = DAY_2, expires_at = LATER, flagged_at = NONE,
    passed = true, score = 100,
  },
  Withdrawal = {
    status = "pending", bank_account = "****9012", transaction_id = NONE, processing_at = NONE, completed_at = NONE,
    processing_by = NONE, completed_by = NONE,
  },
}

return {
  objects = objects,
  access_token = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoicGFyZW50In0.signature",
  address = "203.0.113.7",
  affix = "-ness",
  age = 9,
  amount_ntd = 30,
  answers = json.array { "b" },
  band = 20,
  bank_account = "012-345-6789012",
  child_id = CHILD,
  completed_at = DAY_1,
  contexts = json.array { "idiomatic" },
  country = "TW",
  created_at = DAY_1,
  current_password = "correct horse battery",
  cursor = "6c1f3a90be27d5043331",
  definition = "to avoid the main topic",
  description = "day 1 passed",
  detail = "There is nothing here.",
  difficulty = "B2",
  discovered_at = DAY_1,
  due_at = DAY_2,
  email = "mei.lin@example.org",
  expires_at = LATER,
  expires_in = 600,
  frequency_rank = 12000,
  id = 1,
  kind = "suffix",
  learned_at = DAY_1,
  learning_point_id = "beat_around_the_bush",
  limit = 50,
  name = "Mei",
  next_cursor = "6c1f3a90be27d5043331",
  new_password = "staple battery horse",
  origin = "wordnet:derivation",
  parent_id = PARENT,
  password = "correct horse battery",
  phone = "+886 912 345 678",
  points = 100,
  points_amount = 30,
  prefix = "beat",
  processing_at = DAY_1,
  questions = json.array { "What does it mean?" },
  reason = "asked for by the parent",
  refresh_token = "Zk3vT0q2mYc1x9hJ4rB7nA",
  request_id = "3c5a7e1d-2d3f-4b6a-9c1e-8f7a6b5c4d33",
  rule_version = "c07674d2c64d0f6d2f0a",
  scheduled_date = "2026-03-04",
  score = 100,
  source_learning_point_id = "beat_around_the_bush",
  target_learning_point_id = "come_to_the_point",
  tier = 4,
  time_zone = "Asia/Taipei",
  token = "Zk3vT0q2mYc1x9hJ4rB7nA",
  transaction_id = "BANK-2026-0001",
  updated_at = DAY_1,
  used_at = DAY_1,
  user_id = PARENT,
  verified_at = DAY_1,
  word = "beat around the bush",
}
