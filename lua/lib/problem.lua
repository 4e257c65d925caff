-- What can go wrong that a client may know of: the codes, their HTTP status, and their way into a response.
local http = require "http"

local problem = {}

-- Every code an action or the pipeline may return. Anything else is a fault of the program.
local STATUS = {
  invalid_json = 400,
  invalid_body = 400,
  invalid_query = 400,
  invalid_idempotency_key = 400,
  idempotency_key_required = 400,
  unauthorized = 401,
  invalid_credentials = 401,
  forbidden = 403,
  wrong_password = 403,
  not_found = 404,
  email_taken = 409,
  time_zone_changed = 409,
  too_many_children = 409,
  too_many_devices = 409,
  withdrawal_processing = 409,
  already_learning = 409,
  daily_limit = 409,
  too_early = 409,
  already_completed = 409,
  progress_in_use = 409,
  under_review = 409,
  not_under_review = 409,
  not_started = 409,
  test_expired = 409,
  too_many_starts = 409,
  no_questions = 409,
  wrong_status = 409,
  in_deficit = 409,
  insufficient_points = 409,
  tests_overdue = 409,
  transaction_id_used = 409,
  not_reversible = 409,
  already_reversed = 409,
  already_discovered = 409,
  already_awarded = 409,
  not_known = 409,
  nothing_to_pay = 409,
  idempotency_in_progress = 409,
  precondition_failed = 412,
  unsupported_media_type = 415,
  unknown_learning_point = 422,
  same_learning_point = 422,
  below_minimum = 422,
  invalid_answers = 422,
  email_missing = 422,
  idempotency_key_reused = 422,
  invalid_reset_token = 422,
  precondition_required = 428,
  rate_limited = 429,
}

---@class problem : err
---@field members? table<string, any>     further members of the problem's body
---@field headers? table<string, string>

---An expected failure, to be returned as `nil, err`.
---@param code string
---@param message string  one sentence for a person
---@param members? table<string, any>
---@param headers? table<string, string>
---@return problem
function problem.new(code, message, members, headers)
  return { code = code, message = message, members = members, headers = headers }
end

---The one answer for what is not there and for what is another family's.
---@return problem
function problem.not_found()
  return problem.new("not_found", "There is nothing here.")
end

---A body or query with faults.
---@param code "invalid_body"|"invalid_query"
---@param faults validate.fault[]
---@return problem
function problem.invalid(code, faults)
  local message = #faults == 1 and "One value is not valid." or #faults .. " values are not valid."
  return problem.new(code, message, { errors = faults })
end

---The HTTP status of a code.
---@param code string
---@return integer
function problem.status(code)
  return assert(STATUS[code], code)
end

---@param err problem
---@return http.response
function problem.response(err)
  local status = STATUS[err.code]
  if not status then
    error(err)
  end
  return http.problem(status, err.code, err.message, err.members, err.headers)
end

return problem
