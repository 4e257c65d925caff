-- ETag and If-Match: a change is made only to what its author has seen. The tag is a digest of what is shown, so it needs no
-- version column and changes exactly when the answer does.
local auth = require "auth"
local json = require "json"
local problem = require "lib.problem"

local etag = {}

local DIGITS = 32

---@param text string  the body of the answer, as it is sent
---@return string
function etag.of_text(text)
  return '"' .. auth.sha256(text):sub(1, DIGITS) .. '"'
end

---@param shown table  the body of the answer
---@return string
function etag.of(shown)
  return etag.of_text(json.encode(shown))
end

---@param shown table
---@return http.response
function etag.response(shown)
  return { status = 200, headers = { ETag = etag.of(shown) }, json = shown }
end

---May this request change what is shown now?
---@param request http.request
---@param shown table  as it is now, read under a lock
---@param need? "optional"  a change that is safe without If-Match, but for a late repetition
---@return problem?
function etag.refusal(request, shown, need)
  local given = request:header("If-Match")
  if not given then
    if need == "optional" then
      return nil
    end
    return problem.new("precondition_required", "If-Match is needed, with the ETag of what is to be changed.")
  end
  if given:match("^%s*(.-)%s*$") == "*" then
    return nil
  end
  local current = etag.of(shown)
  -- A weak tag (W/"…") never matches.
  for tag in given:gmatch("[^,%s]+") do
    if tag == current then
      return nil
    end
  end
  return problem.new("precondition_failed", "It has been changed meanwhile: read it again.")
end

return etag
