---@meta log
-- JSON lines on stderr; ids only, never names, answers, e-mail addresses or tokens. request_id is added.
local log = {}
---@param msg string
---@param fields? table<string, string|number|boolean>
function log.debug(msg, fields) end
function log.info(msg, fields) end
function log.warn(msg, fields) end
function log.error(msg, fields) end
return log
